"""Categories in questions, and that the agent reads each of COCO's as it is meant."""

from __future__ import annotations

import pytest

from agents.plan import plan
from evaluation.phrases import plural, with_article
from evaluation.suites.abstention import WORDS
from models.encoders.coco import CATEGORIES
from models.encoders.phrases import concept_names
from thresher.types import Kind, Predicate


@pytest.mark.parametrize(
    ("noun", "one", "many"),
    [
        ("dog", "a dog", "dogs"),
        ("apple", "an apple", "apples"),
        ("bus", "a bus", "buses"),
        ("wine glass", "a wine glass", "wine glasses"),
        ("person", "a person", "people"),
        ("teddy bear", "a teddy bear", "teddy bears"),
        ("knife", "a knife", "knives"),
        ("skis", "skis", "skis"),
        ("body", "a body", "bodies"),
        ("toy", "a toy", "toys"),
        ("unicycle", "a unicycle", "unicycles"),
        ("umbrella", "an umbrella", "umbrellas"),
    ],
)
def test_one_and_many(noun: str, one: str, many: str) -> None:
    assert with_article(noun) == one
    assert plural(noun) == many


def test_the_agent_reads_every_category_in_every_form() -> None:
    known = frozenset(part for name in concept_names() for part in name.lower().split(" / "))
    for place, x in enumerate(CATEGORIES):
        y = CATEGORIES[(place + 7) % len(CATEGORIES)]
        forms = {
            f"How many photos show {with_article(x)}?": (Kind.COUNT, x, None),
            f"How many {plural(x)} are there?": (Kind.COUNT_OBJECTS, x, None),
            f"How many {plural(y)} are there in the photo with the {x}?": (Kind.COUNT_OBJECTS, x, y),
            f"Is there {with_article(x)} in the image?": (Kind.EXISTS, x, None),
            f"Is there a photo of {with_article(x)}?": (Kind.EXISTS, x, None),
            f"For the photo with the {x}, is there {with_article(y)}?": (Kind.EXISTS, x, y),
            f"Show me the photo with the {x}": (Kind.FIND, x, None),
        }
        for question, (kind, target, condition) in forms.items():
            read = plan(question, known)
            assert read is not None, question
            assert (read.kind, read.target) == (kind, Predicate(target)), question
            assert read.condition == (Predicate(condition) if condition else None), question


def test_words_without_a_picture_are_read_too() -> None:
    for word in WORDS:
        for question in (f"How many photos show {with_article(word)}?", f"Is there a photo of {with_article(word)}?"):
            read = plan(question)
            assert read is not None and read.target == Predicate(word), question
