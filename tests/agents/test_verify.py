# ruff: noqa: E501 (tables of sentences)
"""No sentence that is false by construction passes; most good paraphrases do."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.kinds import say
from agents.kinds.base import Ruling
from agents.plan import plan
from agents.verify import Facts, facts, verify
from thresher.types import Kind, Plan, Predicate, Verdict


def of(question: str, value: bool | int, names: tuple[str, ...] = (), counts: tuple[int, ...] = ()) -> Facts:
    read = plan(question)
    assert read is not None
    said = facts(read, Verdict(read.kind, value, tuple(names)), names, counts)
    assert said is not None
    return said


TWO = of("How many photos show a dog?", 2, ("a/17.jpg", "45.jpg"))
NONE = of("How many photos show a cow?", 0)
MANY = of("How many photos show a hot dog?", 57)
THERE = of("Is there a photo of a train?", True, ("88.jpg",))
NOT_THERE = of("any bears?", False)
SPOON = of("For the photo with the cup, is there a spoon?", True, ("coffee.png",))
NO_SPOON = of("For the photo with the cup, is there a spoon?", False, ("coffee.png",))
MORE = of("Are there more photos of people than of motorcycles?", True, (), (3, 2))
NOT_MORE = of("Are there more photos of people than of motorcycles?", False, (), (2, 3))
SOFA = of("Which photos show a dog on a sofa?", 1, ("x.png",))
EITHER = of("Is there a photo with a cat or a dog?", True, ("x.png",))
ALL = of("Do all photos with a dog show a ball?", True, ("a.png", "b.png"), (2, 2))
NOT_ALL = of("Do all photos with a dog show a ball?", False, ("b.png",), (2, 1))
ANY = of("Do any photos with a dog show a ball?", True, ("b.png",), (2, 1))
NOT_ANY = of("Do any photos with a dog show a ball?", False, (), (2, 0))
LIONS = of("How many lions are there?", 2, ("lion.jpg",), (1,))

GOOD = [
    (TWO, "2 photos show a dog: a/17.jpg and 45.jpg."),
    (TWO, "Two pictures show dogs: 45.jpg, a/17.jpg."),
    (TWO, "There are two photos of a dog: a/17.jpg, 45.jpg."),
    (TWO, "There are 2 images that show a dog (a/17.jpg and 45.jpg)."),
    (TWO, "I found 2 photos with dogs: a/17.jpg and 45.jpg."),
    (TWO, "A dog appears in 2 photos: a/17.jpg and 45.jpg."),
    (TWO, "2 photos, a/17.jpg and 45.jpg, show a dog."),
    (TWO, "The number of photos that show a dog is 2: a/17.jpg and 45.jpg."),
    (TWO, "You have 2 photos of a dog: a/17.jpg and 45.jpg."),
    (NONE, "No photo shows a cow."),
    (NONE, "There are no photos of a cow."),
    (NONE, "0 photos show a cow."),
    (NONE, "None of the photos shows a cow."),
    (NONE, "I can see no photo with a cow."),
    (MANY, "57 photos show a hot dog."),
    (MANY, "There are 57 pictures of hot dogs."),
    (THERE, "Yes, a photo shows a train: 88.jpg."),
    (THERE, "Yes, there is a photo of a train: 88.jpg."),
    (THERE, "88.jpg shows a train."),
    (THERE, "Yes, one photo shows a train (88.jpg)."),
    (NOT_THERE, "No, no photo shows a bear."),
    (NOT_THERE, "No photo shows a bear."),
    (NOT_THERE, "No, there is no photo of a bear."),
    (NOT_THERE, "No, there are no bears."),
    (SPOON, "Yes, the photo with a cup (coffee.png) shows a spoon."),
    (SPOON, "Yes, there is a spoon in the photo with the cup: coffee.png."),
    (SPOON, "The picture of the cup also shows a spoon: coffee.png."),
    (NO_SPOON, "No, the photo with the cup (coffee.png) does not show a spoon."),
    (NO_SPOON, "No, there is no spoon in the photo with the cup (coffee.png)."),
    (NO_SPOON, "The photo with the cup (coffee.png) doesn't contain a spoon."),
    (MORE, "Yes, there are more photos of people than of motorcycles."),
    (MORE, "Yes, more photos show a person (3) than a motorcycle (2)."),
    (NOT_MORE, "No, there are not more photos of people (2) than of motorcycles (3)."),
    (SOFA, "1 photo shows a dog on a sofa: x.png."),
    (EITHER, "Yes, a photo shows a cat or a dog: x.png."),
    (ALL, "Yes, all photos with a dog show a ball: a.png and b.png."),
    (NOT_ALL, "No, not all photos with a dog show a ball: b.png."),
    (ANY, "Yes, 1 of the 2 photos with a dog shows a ball: b.png."),
    (NOT_ANY, "No, none of the photos with a dog shows a ball."),
    (LIONS, "There are 2 lions in 1 photo: lion.jpg."),
    (LIONS, "There are two lions: lion.jpg."),
]
FALSE = [
    # noun
    (TWO, "2 photos show a cat: a/17.jpg and 45.jpg."),
    (TWO, "2 photos show a hot dog: a/17.jpg and 45.jpg."),
    (TWO, "2 photos show a dog house: a/17.jpg and 45.jpg."),
    (MANY, "57 photos show a dog."),
    (EITHER, "Yes, a photo shows a cat and a dog: x.png."),
    (EITHER, "Yes, a photo shows a cat: x.png."),
    # number
    (TWO, "3 photos show a dog: a/17.jpg and 45.jpg."),
    (TWO, "One photo shows a dog: a/17.jpg and 45.jpg."),
    (TWO, "2 photos show 2 dogs: a/17.jpg and 45.jpg."),
    (TWO, "2 dogs in photos: a/17.jpg and 45.jpg."),
    (TWO, "Photos show 2 dogs: a/17.jpg and 45.jpg."),
    (TWO, "At least 2 photos show a dog: a/17.jpg and 45.jpg."),
    (TWO, "2.5 photos show a dog: a/17.jpg and 45.jpg."),
    (TWO, "Up to 2 photos show a dog: a/17.jpg and 45.jpg."),
    (TWO, "12 photos show a dog: a/17.jpg and 45.jpg."),
    (TWO, "Twenty-two photos show a dog: a/17.jpg and 45.jpg."),
    (TWO, "2 dozen photos show a dog: a/17.jpg and 45.jpg."),
    (TWO, ">2 photos show a dog: a/17.jpg and 45.jpg."),
    (TWO, "A photo shows a dog: a/17.jpg and 45.jpg."),
    (MANY, "58 photos show a hot dog."),
    (MANY, "57 photos show two hot dogs."),
    (THERE, "Yes, 2 photos show a train: 88.jpg."),
    # polarity
    (TWO, "No photo shows a dog: a/17.jpg and 45.jpg."),
    (TWO, "2 photos do not show a dog: a/17.jpg and 45.jpg."),
    (TWO, "2 photos show no dog: a/17.jpg and 45.jpg."),
    (TWO, "Not 2 photos show a dog: a/17.jpg and 45.jpg."),
    (NONE, "A photo shows a cow."),
    (NONE, "1 photo shows a cow."),
    (NONE, "A photo does not show a cow."),
    (NONE, "No photo does not show a cow."),
    (NONE, "There is a cow."),
    (THERE, "No, a photo shows a train: 88.jpg."),
    (THERE, "Yes, no photo shows a train: 88.jpg."),
    (NOT_THERE, "Yes, no photo shows a bear."),
    (NOT_THERE, "No, a photo shows a bear."),
    (NOT_THERE, "No."),
    (SPOON, "No, the photo with a cup (coffee.png) shows a spoon."),
    (SPOON, "Yes, the photo with a cup (coffee.png) does not show a spoon."),
    (NO_SPOON, "Yes, the photo with the cup (coffee.png) shows a spoon."),
    (NO_SPOON, "No photo with the cup (coffee.png) shows a spoon."),
    (NOT_ALL, "No, none of the photos with a dog shows a ball: b.png."),
    (ALL, "Yes, some photos with a dog show a ball: a.png and b.png."),
    (ANY, "Yes, all photos with a dog show a ball: b.png."),
    (ANY, "Yes, 2 of the 2 photos with a dog show a ball: b.png."),
    (NOT_ANY, "No, not all photos with a dog show a ball."),
    # relation, direction
    (MORE, "Yes, there are fewer photos of people than of motorcycles."),
    (MORE, "Yes, there are more photos of motorcycles than of people."),
    (MORE, "Yes, more photos show a person (2) than a motorcycle (3)."),
    (MORE, "Yes, there are more people than motorcycles."),
    (NOT_MORE, "No, there are more photos of people than of motorcycles."),
    (NOT_MORE, "Yes, there are more photos of people than of motorcycles."),
    (NOT_MORE, "No, there are not fewer photos of people than of motorcycles."),
    (SOFA, "1 photo shows a dog under a sofa: x.png."),
    (SOFA, "1 photo shows a sofa on a dog: x.png."),
    (SOFA, "1 photo shows a dog and a sofa: x.png."),
    (SPOON, "Yes, the photo with a spoon (coffee.png) shows a cup."),
    # citation
    (TWO, "2 photos show a dog: a/17.jpg and 46.jpg."),
    (TWO, "2 photos show a dog: a/17.jpg."),
    (TWO, "2 photos show a dog."),
    (TWO, "2 photos show a dog: a/17.jpg, 45.jpg and 3.jpg."),
    (TWO, "2 photos show a dog: a/17.jpg, 45.jpg and b/45.jpg."),
    (TWO, "2 photos show a dog: 17.jpg and 45.jpg."),
    (TWO, "2 photos show a dog: a/17.jpg, a/17.jpg and 45.jpg."),
    (TWO, "2 photos show a dog: a/17.jpg and 145.jpg."),
    (MANY, "57 photos show a hot dog: a.jpg."),
    (NONE, "No photo shows a cow: 12.jpg."),
    # more than the verdict says
    (TWO, "2 photos show a dog and a cat: a/17.jpg and 45.jpg."),
    (TWO, "2 photos show a brown dog: a/17.jpg and 45.jpg."),
    (TWO, "2 photos show a dog on a sofa: a/17.jpg and 45.jpg."),
    (TWO, "2 photos show a dog: a/17.jpg and 45.jpg. Both are lovely."),
    (TWO, "Only 2 photos show a dog: a/17.jpg and 45.jpg."),
    (TWO, "2 photos show a dog: a/17.jpg and 45.jpg, and no photo shows a cat."),
    (TWO, "Do 2 photos show a dog: a/17.jpg and 45.jpg?"),
    (TWO, "2 old photos show a dog: a/17.jpg and 45.jpg."),
    (TWO, "2 photos may show a dog: a/17.jpg and 45.jpg."),
    (TWO, ""),
    (TWO, "2 photos show a dog:\na/17.jpg and 45.jpg."),
    (LIONS, "There are 3 lions in 1 photo: lion.jpg."),
    (LIONS, "There are 2 lions in 2 photos: lion.jpg."),
    (LIONS, "2 photos show a lion: lion.jpg."),
]


@pytest.mark.parametrize(("said", "text"), FALSE)
def test_false_sentences_fail(said: Facts, text: str) -> None:
    assert verify(text, said)


def test_most_good_sentences_pass() -> None:
    rejected = [text for said, text in GOOD if verify(text, said)]
    assert len(rejected) <= len(GOOD) // 10, rejected


NOUNS = ("dog", "cat", "bus", "hot dog", "person", "fire hydrant", "sheep")
CASES = st.tuples(
    st.sampled_from(NOUNS),
    st.lists(st.integers(100, 999), max_size=3, unique=True),
    st.sampled_from(("count", "exists")),
)


def case(noun: str, numbers: list[int], kind: str) -> tuple[Facts, str]:
    """Facts of a count or exists question and the true plain sentence."""
    read = Plan(Kind(kind), Predicate(noun))
    names = tuple(f"{number}.jpg" for number in numbers)
    verdict = Verdict(read.kind, len(names) if kind == "count" else bool(names), names)
    said = facts(read, verdict, names, ())
    assert said is not None
    return said, say(read, Ruling(verdict), names)


@settings(max_examples=100, deadline=None)
@given(CASES)
def test_the_plain_sentence_passes(made: tuple[str, list[int], str]) -> None:
    said, text = case(*made)
    assert verify(text, said) == []


@settings(max_examples=150, deadline=None)
@given(CASES, st.sampled_from(NOUNS), st.integers(-3, 3), st.integers(0, 9), st.data())
def test_a_changed_slot_fails(
    made: tuple[str, list[int], str], other: str, more: int, digit: int, data: st.DataObject
) -> None:
    """The true sentence of one verdict is false for a verdict that differs in one slot."""
    said, text = case(*made)
    changed = [replace(said, target=other)] if other != said.target else []
    if said.kind is Kind.COUNT and more and said.value + more >= 0:
        changed.append(replace(said, value=said.value + more))
    if said.kind is Kind.EXISTS:
        changed.append(replace(said, value=not said.value))
    if said.names:
        dropped = data.draw(st.integers(0, len(said.names) - 1))
        kept = tuple(name for i, name in enumerate(said.names) if i != dropped)
        changed += [replace(said, names=(*kept, f"{digit}{said.names[dropped]}")), replace(said, names=kept)]
    for wrong in changed:
        assert verify(text, wrong), (text, wrong)


@settings(max_examples=100, deadline=None)
@given(
    CASES,
    st.sampled_from(("red", "not", "no", "all", "three", "2", "cat", "maybe", "also a", "without", "only", "more")),
    st.data(),
)
def test_an_added_word_fails(made: tuple[str, list[int], str], word: str, data: st.DataObject) -> None:
    said, text = case(*made)
    words = text.split(" ")
    place = data.draw(st.integers(0, len(words)))
    longer = " ".join([*words[:place], word, *words[place:]])
    same = re.sub(r"^no,? (no )?", "no ", longer.lower()) == re.sub(r"^no,? (no )?", "no ", text.lower())
    if not same:
        assert verify(longer, said), longer
