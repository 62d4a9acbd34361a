"""Texts into the phrases that are looked for one by one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.encoders.chunks import CHUNK_WORDS, MOST_CHUNKS, chunks, queries


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a dog holds two red frisbees", ["dog", "red frisbees"]),
        ("A man riding a motorcycle while eating food.", ["man", "motorcycle", "food"]),
        ("There is a tennis racket and a laptop on the floor", ["tennis racket", "laptop", "floor"]),
        ("A tall building behind a wedding cake", ["tall building", "wedding cake"]),
        ("a photo of a baseball bat", ["baseball bat"]),
        ("a dog near another dog", ["dog"]),
        ("something white", []),
        ("it is standing there", []),
        ("?!", []),
        ("", []),
    ],
)
def test_noun_phrases(text: str, wanted: list[str]) -> None:
    assert chunks(text) == wanted


def test_a_sentence_is_asked_as_a_whole_and_in_parts() -> None:
    assert queries("A dog near  the beach.") == ["A dog near the beach.", "dog", "beach"]


@pytest.mark.parametrize("text", ["dog", "a dog", "A photo of a dog."])
def test_a_word_is_one_query(text: str) -> None:
    assert queries(text) == ["dog"]


def test_an_adjective_stays_with_its_noun() -> None:
    assert queries("a red car") == ["red car"]


def test_nothing_to_look_for_gives_nothing() -> None:
    assert queries(" . ") == queries("") == []


def test_words_without_a_noun_phrase_are_asked_as_they_are() -> None:
    assert queries("sitting there") == ["sitting there"]


@given(st.text(max_size=300))
def test_any_text_gives_few_short_distinct_phrases(text: str) -> None:
    found = chunks(text)
    assert len(found) == len(set(found)) <= MOST_CHUNKS
    assert all(part.strip() == part != "" for part in found)
    assert len(queries(text)) <= 1 + MOST_CHUNKS
    if len(found) > 1:
        assert all(len(part.split()) <= CHUNK_WORDS for part in found)
