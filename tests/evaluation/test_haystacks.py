"""Questions of the haystack suite, drawn from random labels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from evaluation.coco import Presence
from evaluation.haystacks import Draw, Drawn, VhsQuestion, base_rate_answers, draw_questions, matched_pairs, wording
from thresher.errors import InvalidInput

MATCHED = (
    VhsQuestion(33, 72, 13, (13, 17, 9, 7), True),
    VhsQuestion(79, 48, 18, (9, 26, 4, 18), False),
    VhsQuestion(26, 59, 1, (1, 9, 27, 29), True),
)
FREE = (
    VhsQuestion(30, 35, 8, (10, 8, 21, 26), True),
    VhsQuestion(8, 51, 6, (10, 6, 19, 9), False),
    VhsQuestion(62, 30, 4, (19, 21, 24, 4), True),
)
"""The first questions of `test_draws_are_those_of_the_measurements`, as the recipe's own script drew them."""


@st.composite
def labels(draw: st.DrawFn) -> Presence:
    shape = (draw(st.integers(2, 14)), draw(st.integers(2, 6)))
    bits = draw(st.lists(st.booleans(), min_size=shape[0] * shape[1], max_size=shape[0] * shape[1]))
    return np.array(bits, np.bool_).reshape(shape)


def drawn_or_skip(presence: Presence, size: int, seed: int, draw: Draw, count: int = 20) -> Drawn:
    try:
        return draw_questions(presence, size, count, seed, draw)
    except InvalidInput:
        assume(False)
        raise


@given(labels(), st.integers(1, 6), st.integers(0, 2**33), st.sampled_from(Draw))
def test_needle_alone_shows_x_and_the_answer_is_true_of_it(
    presence: Presence, size: int, seed: int, draw: Draw
) -> None:
    drawn = drawn_or_skip(presence, size, seed, draw)
    assert len(drawn.questions) == 20
    for question in drawn.questions:
        assert len(set(question.haystack)) == len(question.haystack) == size
        assert [row for row in question.haystack if presence[row, question.x]] == [question.needle]
        assert bool(presence[question.needle, question.y]) is question.answer
        assert question.x != question.y


@given(labels(), st.integers(1, 6), st.integers(1, 9), st.sampled_from(Draw))
def test_answers_are_balanced(presence: Presence, size: int, count: int, draw: Draw) -> None:
    drawn = drawn_or_skip(presence, size, 7, draw, count)
    yes = sum(question.answer for question in drawn.questions)
    assert yes - (count - yes) in (0, 1)


@given(labels(), st.integers(1, 6), st.integers(0, 99), st.sampled_from(Draw))
def test_same_seed_same_questions(presence: Presence, size: int, seed: int, draw: Draw) -> None:
    assert drawn_or_skip(presence, size, seed, draw) == draw_questions(presence, size, 20, seed, draw)


@given(labels(), st.integers(1, 6))
def test_matched_pairs_have_a_needle_for_each_answer(presence: Presence, size: int) -> None:
    drawn = drawn_or_skip(presence, size, 7, Draw.MATCHED)
    for question in drawn.questions:
        beside_x = presence[presence[:, question.x], question.y]
        assert beside_x.any() and not beside_x.all()


@given(labels(), st.integers(1, 6), st.sampled_from(Draw))
def test_dropped_are_those_without_distractors_enough(presence: Presence, size: int, draw: Draw) -> None:
    drawn = drawn_or_skip(presence, size, 7, draw)
    asked = {question.x for question in drawn.questions}
    assert asked.isdisjoint(drawn.dropped)
    assert all((~presence[:, x]).sum() < size - 1 for x in drawn.dropped)
    assert all((~presence[:, x]).sum() >= size - 1 for x in asked)


def test_what_everything_shows_is_dropped() -> None:
    presence = np.ones((6, 3), np.bool_)
    presence[:3, 1] = False
    presence[::2, 2] = False
    drawn = draw_questions(presence, 3, 10, 7, Draw.MATCHED)
    assert drawn.dropped == (0,)
    assert {question.x for question in drawn.questions} == {1, 2}


@pytest.mark.parametrize("draw", Draw)
def test_a_size_that_no_category_fills_is_refused(draw: Draw) -> None:
    presence = np.eye(4, dtype=np.bool_)
    presence[0, 1] = True
    with pytest.raises(InvalidInput, match="size 9"):
        draw_questions(presence, 9, 10, 7, draw)


def test_free_draw_without_any_possible_yes_is_refused() -> None:
    with pytest.raises(InvalidInput, match="No questions"):
        draw_questions(np.eye(4, dtype=np.bool_), 2, 10, 7, Draw.FREE)


@given(labels())
def test_matched_pairs_by_definition(presence: Presence) -> None:
    pairs = {(x, y) for x, partners in matched_pairs(presence).items() for y in partners}
    assert pairs == {
        (x, y)
        for x in range(presence.shape[1])
        for y in range(presence.shape[1])
        if x != y and (presence[:, x] & presence[:, y]).any() and (presence[:, x] & ~presence[:, y]).any()
    }


def test_draws_are_those_of_the_measurements() -> None:
    table: NDArray[np.bool_] = np.random.RandomState(3).rand(30, 80) < 0.1
    matched = draw_questions(table, 4, 3, 7, Draw.MATCHED).questions
    free = draw_questions(table, 4, 3, 7, Draw.FREE).questions
    assert matched == MATCHED
    assert free == FREE


def test_base_rate_leaves_the_needle_out() -> None:
    presence = np.array([[1, 1], [1, 0], [0, 1]], np.bool_)
    yes = VhsQuestion(0, 1, 0, (0,), True)
    no = VhsQuestion(0, 1, 1, (1,), False)
    assert base_rate_answers(presence, [yes, no]) == [False, True]


def test_wording_keeps_the_official_article() -> None:
    assert wording("umbrella", "apple") == "For the image with a umbrella, is there a apple?"
