"""Words of composed queries, read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.search.modification import read_modification
from thresher.errors import InvalidInput

READ = {
    "without the dog": ((), ("dog",)),
    "no people": ((), ("person",)),
    "and a cat": (("cat",), ()),
    "with a cat instead of the dog": (("cat",), ("dog",)),
    "a cat rather than a dog": (("cat",), ("dog",)),
    "not a dog but a cat": (("cat",), ("dog",)),
    "replace the car by a bus": (("bus",), ("car",)),
    "Change the dogs to a cat.": (("cat",), ("dog",)),
    "swap the apple for a banana": (("banana",), ("apple",)),
    "the dog replaced by a cat": (("cat",), ("dog",)),
    "the lemon removed": ((), ("lemon",)),
    "in the snow": (("snow",), ()),
    "but at night": (("night",), ()),
    "without the people, in the snow": (("snow",), ("person",)),
    "without the dog on the sofa": ((), ("dog",)),
    "without a knife, a fork or a spoon": ((), ("knife", "fork", "spoon")),
    "with two chairs and a dining table": (("chair", "dining table"), ()),
    "a cup of coffee instead of the wine glasses": (("cup of coffee",), ("wine glass",)),
    "a person riding a horse": (("person", "horse"), ()),
    "shows no phone and has birds in the background": (("bird",), ("phone",)),
    "is redder": (("redder",), ()),
    "red": ((), ()),
    "make it the same": ((), ()),
    "with a dog, without the dog": ((), ("dog",)),
}


@pytest.mark.parametrize("text", READ)
def test_what_is_wanted_and_what_is_not(text: str) -> None:
    found = read_modification(text)
    assert (found.wanted, found.unwanted) == READ[text]


@pytest.mark.parametrize("text", ["", "  \n", "...", "'", "-", "\N{RIGHT SINGLE QUOTATION MARK}"])
def test_no_words_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_modification(text)
    assert refused.value.field == "text"


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused_and_nothing_is_wanted_and_unwanted(text: str) -> None:
    try:
        found = read_modification(text)
    except InvalidInput:
        return
    assert not set(found.wanted) & set(found.unwanted)
    assert all(phrase.strip() for phrase in (*found.wanted, *found.unwanted))


@given(st.lists(st.sampled_from([*" ".join(READ).split(), "instead of", "replace", ",", "gone"]), max_size=12))
def test_keywords_in_any_order_are_no_error(words: list[str]) -> None:
    if any(word[0].isalnum() for word in words):
        read_modification(" ".join(words))
