from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.search.wording import Wording, read_wording


@pytest.mark.parametrize(
    ("text", "wording"),
    [
        ("a dog on a sofa", Wording("a dog on a sofa")),
        ("dog -leash", Wording("dog", unwanted=("leash",))),
        ("-leash dog -cat", Wording("dog", unwanted=("leash", "cat"))),
        ('car "no  parking"', Wording("car", said=("no parking",))),
        ('"STOP" -"all way" street -bus', Wording("street", ("STOP",), ("bus",), ("all way",))),
        ("“STOP” sign", Wording("sign", said=("STOP",))),
        ("close-up of a t-shirt", Wording("close-up of a t-shirt")),
        ("dog - cat", Wording("dog - cat")),
        ("dog --cat", Wording("dog", unwanted=("-cat",))),
        ('5" pipe', Wording("5 pipe")),
        ('"" "  " "-"', Wording("")),
        ("-dog", Wording("", unwanted=("dog",))),
        ("", Wording("")),
    ],
)
def test_wordings(text: str, wording: Wording) -> None:
    assert read_wording(text) == wording


@given(st.text())
def test_every_text_can_be_read(text: str) -> None:
    found = read_wording(text)
    assert all(
        phrase and phrase in " ".join(text.translate(str.maketrans("“”„«»", '"""""')).split())
        for phrase in (*found.said, *found.not_said)
    )
    assert all(word in text for word in found.unwanted)


@given(st.lists(st.from_regex(r"[a-z]{1,6}(-[a-z]{1,4})?", fullmatch=True), min_size=1))
def test_words_without_marks_stay_as_they_are(words: list[str]) -> None:
    assert read_wording(" ".join(words)) == Wording(" ".join(words))
