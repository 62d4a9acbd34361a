"""Questions of the haystack suite, drawn from random labels."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from evaluation.coco import Presence
from evaluation.haystacks import (
    Draw,
    Drawn,
    Pool,
    Quantifier,
    VhsQuestion,
    draw_questions,
    draw_several,
    matched_pairs,
    wording,
)
from thresher.errors import InvalidInput

MATCHED = (
    VhsQuestion(33, 72, (13,), (13, 17, 9, 7), True),
    VhsQuestion(79, 48, (18,), (9, 26, 4, 18), False),
    VhsQuestion(26, 59, (1,), (1, 9, 27, 29), True),
)
FREE = (
    VhsQuestion(30, 35, (8,), (10, 8, 21, 26), True),
    VhsQuestion(8, 51, (6,), (10, 6, 19, 9), False),
    VhsQuestion(62, 30, (4,), (19, 21, 24, 4), True),
)
"""The first questions of `test_draws_are_those_of_the_measurements`, as the recipe's own script drew them."""


@st.composite
def labels(draw: st.DrawFn) -> Presence:
    shape = (draw(st.integers(2, 14)), draw(st.integers(2, 6)))
    bits = draw(st.lists(st.booleans(), min_size=shape[0] * shape[1], max_size=shape[0] * shape[1]))
    return np.array(bits, np.bool_).reshape(shape)


def drawn_or_skip(presence: Presence, size: int, seed: int, draw: Draw, count: int = 20) -> Drawn:
    try:
        return draw_questions(Pool.of(presence), size, count, seed, draw)
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
        assert [row for row in question.haystack if presence[row, question.x]] == list(question.needles)
        assert bool(presence[question.needles[0], question.y]) is question.answer
        assert question.x != question.y


@given(labels(), st.integers(1, 6), st.integers(1, 9), st.sampled_from(Draw))
def test_answers_are_balanced(presence: Presence, size: int, count: int, draw: Draw) -> None:
    drawn = drawn_or_skip(presence, size, 7, draw, count)
    yes = sum(question.answer for question in drawn.questions)
    assert yes - (count - yes) in (0, 1)


@given(labels(), st.integers(1, 6), st.integers(0, 99), st.sampled_from(Draw))
def test_same_seed_same_questions(presence: Presence, size: int, seed: int, draw: Draw) -> None:
    assert drawn_or_skip(presence, size, seed, draw) == draw_questions(Pool.of(presence), size, 20, seed, draw)


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
    drawn = draw_questions(Pool.of(presence), 3, 10, 7, Draw.MATCHED)
    assert drawn.dropped == (0,)
    assert {question.x for question in drawn.questions} == {1, 2}


@pytest.mark.parametrize("draw", Draw)
def test_a_size_that_no_category_fills_is_refused(draw: Draw) -> None:
    presence = np.eye(4, dtype=np.bool_)
    presence[0, 1] = True
    with pytest.raises(InvalidInput, match="size 9"):
        draw_questions(Pool.of(presence), 9, 10, 7, draw)


def test_free_draw_without_any_possible_yes_is_refused() -> None:
    with pytest.raises(InvalidInput, match="No questions"):
        draw_questions(Pool.of(np.eye(4, dtype=np.bool_)), 2, 10, 7, Draw.FREE)


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
    matched = draw_questions(Pool.of(table), 4, 3, 7, Draw.MATCHED).questions
    free = draw_questions(Pool.of(table), 4, 3, 7, Draw.FREE).questions
    assert matched == MATCHED
    assert free == FREE


def test_wording_keeps_the_official_article() -> None:
    assert wording("umbrella", "apple") == "For the image with a umbrella, is there a apple?"
    several = "For all images with a umbrella, do any of them contain a apple?"
    assert wording("umbrella", "apple", Quantifier.ANY) == several


NEEDLES = ((2, 2), (2, 3), (3, 3))


def several_or_skip(pool: Pool, size: int, seed: int, draw: Draw, needles: tuple[int, int], count: int = 24) -> Drawn:
    try:
        return draw_several(pool, size, count, seed, draw, needles)
    except InvalidInput:
        assume(False)
        raise


@given(labels(), st.integers(3, 6), st.integers(0, 99), st.sampled_from(Draw), st.sampled_from(NEEDLES))
def test_several_needles_show_x_alone_and_the_answer_is_true(
    presence: Presence, size: int, seed: int, draw: Draw, needles: tuple[int, int]
) -> None:
    drawn = several_or_skip(Pool.of(presence), size, seed, draw, needles)
    assert drawn == draw_several(Pool.of(presence), size, 24, seed, draw, needles)
    for question in drawn.questions:
        assert len(set(question.haystack)) == len(question.haystack) == size
        assert {row for row in question.haystack if presence[row, question.x]} == set(question.needles)
        assert needles[0] <= len(question.needles) == len(set(question.needles)) <= needles[1]
        shows = presence[list(question.needles), question.y]
        assert bool(shows.all() if question.quantifier is Quantifier.ALL else shows.any()) is question.answer
        assert question.x != question.y


def test_several_needles_are_balanced_for_each_word() -> None:
    presence = np.random.RandomState(3).rand(60, 5) < 0.4
    for draw in Draw:
        drawn = draw_several(Pool.of(presence), 12, 40, 7, draw, (2, 3))
        asked = Counter((question.quantifier, question.answer) for question in drawn.questions)
        assert set(asked.values()) == {10} and len(asked) == 4
        assert {len(question.needles) for question in drawn.questions} == {2, 3}


def test_matched_pairs_of_several_leave_the_number_that_shows_y_open() -> None:
    presence = np.random.RandomState(3).rand(60, 5) < 0.4
    drawn = draw_several(Pool.of(presence), 12, 400, 7, Draw.MATCHED, (3, 3))
    number = {
        key: {int(presence[list(q.needles), q.y].sum()) for q in drawn.questions if (q.quantifier, q.answer) == key}
        for key in itertools.product(Quantifier, (True, False))
    }
    assert number == {
        (Quantifier.ALL, True): {3},
        (Quantifier.ALL, False): {0, 1, 2},
        (Quantifier.ANY, True): {1, 2, 3},
        (Quantifier.ANY, False): {0},
    }


@pytest.mark.parametrize(
    ("size", "needles", "message"),
    [(5, (1, 3), r"1\.\.3"), (5, (3, 2), r"3\.\.2"), (2, (2, 3), "do not fit"), (70, (2, 3), "size 70")],
)
def test_several_needles_that_cannot_be(size: int, needles: tuple[int, int], message: str) -> None:
    presence = np.random.RandomState(3).rand(60, 5) < 0.4
    with pytest.raises(InvalidInput, match=message):
        draw_several(Pool.of(presence), size, 10, 7, Draw.MATCHED, needles)


@given(labels(), labels(), st.integers(1, 12), st.sampled_from(Draw))
def test_fillers_fill_only_what_is_missing_and_never_show_x(
    presence: Presence, others: Presence, size: int, draw: Draw
) -> None:
    width = min(presence.shape[1], others.shape[1])
    pool = Pool(presence[:, :width], others[:, :width])
    try:
        drawn = draw_questions(pool, size, 20, 7, draw)
    except InvalidInput:
        assume(False)
        raise
    both = np.concatenate([pool.presence, pool.fillers])
    for question in drawn.questions:
        assert len(set(question.haystack)) == size
        assert [row for row in question.haystack if both[row, question.x]] == list(question.needles)
        assert question.needles[0] < len(presence)
        fillers = sum(row >= len(presence) for row in question.haystack)
        assert fillers == max(0, size - 1 - int((~pool.presence[:, question.x]).sum()))


def test_fillers_change_no_question_that_needs_none() -> None:
    presence = np.random.RandomState(3).rand(60, 5) < 0.4
    fillers = np.zeros((20, 5), np.bool_)
    for draw in Draw:
        alone = draw_questions(Pool.of(presence), 10, 50, 7, draw)
        assert draw_questions(Pool(presence, fillers), 10, 50, 7, draw) == alone
        assert draw_questions(Pool(presence, fillers), 52, 50, 7, draw).dropped == ()
        with pytest.raises(InvalidInput, match="60 photographs and 20 distractors"):
            draw_questions(Pool(presence, fillers), 81, 50, 7, draw)
