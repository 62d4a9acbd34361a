"""The demo's table, and when an answer agrees with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluation.table import DemoQuestion, Given, load_table, mismatches
from thresher.errors import InvalidInput

LEFT, RIGHT = ("scikit-image/motorcycle_left.png",), ("scikit-image/motorcycle_right.png",)


def given(
    value: bool | int | str | None = None,
    images: tuple[tuple[str, ...], ...] = (),
    reason: str = "",
    text: str = "",
) -> Given:
    return Given(value, images, reason, text)


def test_the_committed_table() -> None:
    table = load_table()
    assert len(table) == 24
    assert sum(question.demo for question in table) == 6
    assert sum(question.abstains is not None for question in table) == 1
    assert len({question.ask for question in table}) == 24


@pytest.mark.parametrize(
    ("question", "answer", "right"),
    [
        (DemoQuestion("q", value=2), given(2), True),
        (DemoQuestion("q", value=2), given(3), False),
        (DemoQuestion("q", value=1), given(True), False),
        (DemoQuestion("q", value=True), given(1), False),
        (DemoQuestion("q", value=False), given(False), True),
        (DemoQuestion("q", value=False), given(0), False),
        (DemoQuestion("q", value=False), given(None), False),
        (DemoQuestion("q", value=False), given(False, reason="unsure"), False),
        (DemoQuestion("q", images=(LEFT[0], RIGHT[0])), given(2, (RIGHT, LEFT)), True),
        (DemoQuestion("q", images=(LEFT[0], RIGHT[0])), given(2, (RIGHT,)), False),
        (DemoQuestion("q", images=(LEFT[0],)), given(2, (RIGHT, LEFT)), False),
        (DemoQuestion("q", images=()), given(False), True),
        (DemoQuestion("q", images=()), given(False, (LEFT,)), False),
        (DemoQuestion("q", images=(LEFT[0],)), given(1, (("copy.png", *LEFT),)), True),
        (DemoQuestion("q", images=("gradio/lion.jpg",)), given(1, (("demo/photos/gradio/lion.jpg",),)), True),
        (DemoQuestion("q", images=("gradio/lion.jpg",)), given(1, (("mygradio/lion.jpg",),)), False),
        (DemoQuestion("q", first=LEFT[0]), given(None, (LEFT, RIGHT)), True),
        (DemoQuestion("q", first=LEFT[0]), given(None, (RIGHT, LEFT)), False),
        (DemoQuestion("q", first=LEFT[0]), given(None), False),
        (DemoQuestion("q", contains=("cup", "spoon")), given("cup, spoon"), True),
        (DemoQuestion("q", contains=("cup", "spoon")), given(None, text="It shows two Cups and a spoon."), True),
        (DemoQuestion("q", contains=("cup", "spoon")), given("cupboard, spoon"), False),
        (DemoQuestion("q", abstains="unknown_concept"), given(reason="unknown_concept"), True),
        (DemoQuestion("q", abstains="unknown_concept"), given(reason="unsure"), False),
        (DemoQuestion("q", abstains="unknown_concept"), given(0), False),
    ],
)
def test_agreement(question: DemoQuestion, answer: Given, right: bool) -> None:
    wrong = mismatches(question, answer)
    assert (not wrong) is right, wrong


@pytest.mark.parametrize(
    "text",
    [
        "",
        "question = 3",
        "[[question]]\nask = 'Is it?'",
        "[[question]]\nvalue = true",
        "[[question]]\nask = 'Is it?'\nvalues = true",
        "[[question]]\nask = 'Is it?'\nimages = 'a.png'",
        "not toml",
    ],
)
def test_a_wrong_table_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "table.toml"
    path.write_text(text)
    with pytest.raises(InvalidInput, match="table"):
        load_table(path)
