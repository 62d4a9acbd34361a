# ruff: noqa: E501 (tables of sentences)
"""The examples a language model is shown, what it is asked, and what is made of its sentence."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Literal

import pytest

from agents.kinds import say
from agents.kinds.base import Ruling
from agents.prompts import examples, prompt
from agents.verify import facts, verify
from agents.write import CITED, frame, plain, reworded
from tests.agents.agent_fakes import FakeGenerator
from thresher.types import And, Expr, Kind, Plan, Predicate, Verdict

SHOTS = examples("reword")
THINGS: dict[str, Expr] = {
    **{noun: Predicate(noun) for noun in ("vase", "horse", "bear", "oven", "fence", "cow", "sheep")},
    "red vase on a table": Predicate("vase", "red", "on", "table"),
    "small cow": Predicate("cow", "small"),
    "at least two horses": Predicate("horse", min_count=2),
    "cow and a sheep": And((Predicate("cow"), Predicate("sheep"))),
}
Made = tuple[Plan, Ruling]


def made(plan: Plan, value: bool | int, images: int, counts: Sequence[int] = ()) -> Made:
    return plan, Ruling(Verdict(plan.kind, value, tuple(f"{i:064x}" for i in range(images))), tuple(counts))


def counted(kind: Kind) -> Callable[[list[Expr], list[int]], Made]:
    return lambda x, n: made(Plan(kind, x[0]), n[0] if n else 0, n[0] if n else 0)


def about(kind: Kind, value: bool) -> Callable[[list[Expr], list[int]], Made]:
    """Of all and any: "1 of the 5", "all 3", "none of the 5", and "the only" without a number."""

    def build(x: list[Expr], n: list[int]) -> Made:
        total = n[-1] if n else 1
        part = n[0] if len(n) == 2 else total
        having = total - part if kind is Kind.ALL and not value else part if value else 0
        return made(Plan(kind, x[0], x[1]), value, part, (total, having))

    return build


def compared(comparison: Literal["more", "fewer"], value: bool) -> Callable[[list[Expr], list[int]], Made]:
    return lambda x, n: made(Plan(Kind.COMPARE, x[0], None, x[1], comparison), value, sum(n), n)


BUILD: dict[str, list[Callable[[list[Expr], list[int]], Made]]] = {
    "count some": [counted(Kind.COUNT), counted(Kind.WHICH), counted(Kind.FIND)],
    "count none": [counted(Kind.COUNT), counted(Kind.WHICH), counted(Kind.FIND)],
    "exists yes": [lambda x, n: made(Plan(Kind.EXISTS, x[0]), True, n[0])],
    "exists no": [lambda x, _: made(Plan(Kind.EXISTS, x[0]), False, 0)],
    "one yes": [lambda x, _: made(Plan(Kind.EXISTS, x[0], x[1]), True, 1)],
    "one no": [lambda x, _: made(Plan(Kind.EXISTS, x[0], x[1]), False, 1)],
    "only yes": [about(Kind.ALL, True), about(Kind.ANY, True)],
    "only no": [about(Kind.ALL, False), about(Kind.ANY, False)],
    "all yes": [about(Kind.ALL, True)],
    "all no": [about(Kind.ALL, False)],
    "any yes": [about(Kind.ANY, True)],
    "any no": [about(Kind.ANY, False)],
    "more yes": [compared("more", True)],
    "fewer yes": [compared("fewer", True)],
    "compare no": [compared("more", False), compared("fewer", False)],
    "objects some": [lambda x, n: made(Plan(Kind.COUNT_OBJECTS, x[0]), n[0], n[1], (n[1],))],
    "objects none": [lambda x, _: made(Plan(Kind.COUNT_OBJECTS, x[0]), 0, 0, (0,))],
}
"""A set of examples -> the verdicts that a sentence of it can be of, from its nouns and numbers."""


def verdicts(name: str, sentence: str) -> list[Made]:
    phrases = "|".join(sorted(THINGS, key=len, reverse=True))
    things = [THINGS[phrase] for phrase in re.findall(rf"\b({phrases})s?\b", sentence)]
    return [build(things, [int(digits) for digits in re.findall(r"\d+", sentence)]) for build in BUILD[name]]


def test_every_kind_and_polarity_has_its_examples() -> None:
    assert set(SHOTS) == set(BUILD)
    assert all(3 <= len(shots) <= 4 and len(set(shots)) == len(shots) for shots in SHOTS.values())
    built = {
        (plan.kind, bool(ruling.verdict.value)) for name in SHOTS for plan, ruling in verdicts(name, SHOTS[name][0][0])
    }
    assert built == {
        (kind, value) for kind in Kind if kind not in (Kind.DESCRIBE, Kind.READ) for value in (True, False)
    }


@pytest.mark.parametrize("name", BUILD)
def test_examples_are_what_the_kinds_say(name: str) -> None:
    for said, answer in SHOTS[name]:
        for plan, ruling in verdicts(name, said):
            assert say(plan, ruling, ()) == said
            assert frame(plan, ruling) == name
            known = facts(plan, ruling.verdict, (), ruling.counts)
            assert known is not None
            assert verify(said, known) == []
            assert verify(answer, known) == []
            assert answer != said


SWAPS = "more/fewer, fewer/more, any/all, all/any, any/some, on/under, only/first, Yes/No, No/Yes, no/a, a/no, an/no, is/isn't"


def changed(sentence: str) -> set[str]:
    """The sentence with one slot changed, so that it is false or unclear."""
    texts = set()
    for found in re.finditer(r"\d+", sentence):
        for number in (int(found[0]) + 1, int(found[0]) - 1, int(found[0]) * 10):
            texts.add(f"{sentence[: found.start()]}{number}{sentence[found.end() :]}")
    for noun in THINGS:
        for other in THINGS:
            texts.add(re.sub(rf"\b{noun}(?=s?\b)", other, sentence))
    for pair in SWAPS.split(", "):
        word, other = pair.split("/")
        texts.add(re.sub(rf"\b{word}\b", other, sentence))
        texts.add(re.sub(rf"\b{word}\b", other, sentence, count=1))
    return texts - {sentence}


@pytest.mark.parametrize("name", BUILD)
def test_an_example_with_one_slot_changed_fails(name: str) -> None:
    for said, answer in SHOTS[name]:
        for plan, ruling in verdicts(name, said):
            known = facts(plan, ruling.verdict, (), ruling.counts)
            assert known is not None
            assert [text for text in changed(answer) if not verify(text, known)] == []


def test_an_answer_fails_for_every_other_verdict() -> None:
    def claim(said: str) -> str:
        """Alike where one says the same as the other."""
        said = re.sub(r"^(Yes|No), ", "", said).lower().replace(" an ", " a ")
        return re.sub(r"^there are no (\w+)s", r"no photo shows a \1", said)

    shots = [(name, said, answer) for name, pairs in SHOTS.items() for said, answer in pairs]
    for name, said, _ in shots:
        for plan, ruling in verdicts(name, said):
            known = facts(plan, ruling.verdict, (), ruling.counts)
            assert known is not None
            passing = {claim(other) for _, other, answer in shots if not verify(answer, known)}
            assert passing == {claim(said)}


def test_the_model_is_shown_examples_of_the_kind_and_the_claim() -> None:
    plan, ruling = made(Plan(Kind.EXISTS, Predicate("dog")), False, 0)
    messages = prompt("reword", shots=frame(plan, ruling), claim=say(plan, ruling, ()))
    assert [message.role for message in messages] == [
        "system",
        *["user", "assistant"] * len(SHOTS["exists no"]),
        "user",
    ]
    assert all("no" in message.text for message in messages[1:])
    assert messages[-1].text == "No, no photo shows a dog."


DOG, BALL = Predicate("dog"), Predicate("ball")
NAMES = [f"{letter}/{number}.jpg" for number, letter in enumerate("abcdefg")]


@pytest.mark.parametrize(
    ("case", "answer", "text"),
    [
        (made(Plan(Kind.COUNT, DOG), 2, 2), "There is a dog in 2 photos.", "There is a dog in 2 photos: a/0.jpg and b/1.jpg."),
        (made(Plan(Kind.FIND, DOG), 1, 1), "There is a dog in 1 photo", "There is a dog in 1 photo: a/0.jpg."),
        (
            made(Plan(Kind.EXISTS, DOG), True, 57),
            "Yes, there is a dog in 57 photos.\nI hope this helps.",
            "Yes, there is a dog in 57 photos: a/0.jpg, b/1.jpg, c/2.jpg, d/3.jpg, e/4.jpg and 52 more.",
        ),
        (made(Plan(Kind.EXISTS, DOG), False, 0), "No, there is no dog in these photos.", "No, there is no dog in these photos."),
        (
            made(Plan(Kind.EXISTS, DOG, BALL), False, 1),
            "No, there is no ball in the photo with a dog.",
            "No, there is no ball in the photo with a dog (a/0.jpg).",
        ),
        (
            made(Plan(Kind.ALL, DOG, BALL), False, 1, (3, 2)),
            "No, there is no ball in 1 of the 3 photos with a dog.",
            "No, there is no ball in 1 of the 3 photos with a dog: a/0.jpg.",
        ),
        (
            made(Plan(Kind.ANY, DOG, BALL), False, 3, (3, 0)),
            "No, there is no ball in any of the 3 photos with a dog.",
            "No, there is no ball in any of the 3 photos with a dog.",
        ),
        (
            made(Plan(Kind.COMPARE, DOG, None, BALL, "more"), True, 5, (3, 2)),
            "Yes, there are more photos of a dog (3) than of a ball (2).",
            "Yes, there are more photos of a dog (3) than of a ball (2).",
        ),
        (
            made(Plan(Kind.COUNT_OBJECTS, DOG), 2, 1, (1,)),
            "I can see 2 dogs in 1 photo.",
            "I can see 2 dogs in 1 photo: a/0.jpg.",
        ),
    ],
)  # fmt: skip
async def test_files_are_named_as_in_the_plain_sentence(case: Made, answer: str, text: str) -> None:
    plan, ruling = case
    given: list[str] = []
    names = NAMES[: len(ruling.verdict.images)]
    found = await reworded(plan, ruling, names, FakeGenerator(say=lambda said: given.append(said) or answer))
    assert found == (text, [])
    assert not re.search(r"jpg", given[0])
    citation = re.search(r": \w/.*(?=\.$)| \(\w/.*\)", text)
    assert (citation[0] if citation else "") in plain(plan, ruling, names)
    assert ("jpg" in text) == ("jpg" in plain(plan, ruling, names))


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "\n",
        "There is a dog in 3 photos.",
        "There is a cat in 2 photos.",
        "There is a dog in 2 photos: a/0.jpg and b/1.jpg.",
        "There is a dog in 2 photos: a/0.jpg.",
        "There is a dog in 2 photos: x.jpg.",
        "There is a dog in 2 photos [1] [2].",
        "There is a dog in 2 photos (4).",
    ],
)
async def test_what_the_model_adds_or_changes_is_not_shown(answer: str) -> None:
    plan, ruling = made(Plan(Kind.COUNT, DOG), 2, 2)
    text, problems = await reworded(plan, ruling, NAMES[:2], FakeGenerator(say=lambda _: answer))
    assert text == ""
    assert problems


async def test_what_is_involved_is_said_by_rule() -> None:
    plan, ruling = made(Plan(Kind.ALL, None, DOG), True, 1, (3, 3))
    assert await reworded(plan, ruling, NAMES[:1], FakeGenerator()) == ("", [])
    assert len(NAMES) > CITED
