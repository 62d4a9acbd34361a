"""True sentences of random verdicts pass the check, and fail it once a slot is changed or a word is added."""

from __future__ import annotations

import re
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from agents.kinds import say
from agents.kinds.base import Ruling
from agents.verify import Facts, facts, verify
from thresher.types import Kind, Plan, Predicate, Verdict

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
        changed.append(replace(said, value=said.value + more, photos=said.photos + more))
    if said.kind is Kind.EXISTS:
        changed.append(replace(said, value=not said.value, photos=0 if said.value else 1))
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
