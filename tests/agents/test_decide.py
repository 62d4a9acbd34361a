"""The algebra of judged sets, the distribution of a count, and box geometry."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.decide import (
    Judged,
    conjunction,
    evaluate,
    greater,
    interval,
    negation,
    negative_binomial,
    poisson_binomial,
    tally,
)
from agents.kinds import KINDS
from agents.relations import holds, is_geometric
from thresher.types import And, Box, Expr, Kind, Not, Or, Predicate, Where

N = 6
LEAVES = tuple(Predicate(name) for name in "abcd")


@st.composite
def judged(draw: st.DrawFn) -> Judged:
    p = np.array(draw(st.lists(st.floats(0, 1), min_size=N, max_size=N)))
    must = np.array(draw(st.lists(st.booleans(), min_size=N, max_size=N)))
    maybe = np.array(draw(st.lists(st.booleans(), min_size=N, max_size=N)))
    return Judged(p, must, must | maybe)


worlds = st.tuples(*[judged() for _ in LEAVES]).map(lambda parts: dict(zip(LEAVES, parts, strict=True)))
exprs: st.SearchStrategy[Expr] = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: And(tuple(parts))),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: Or(tuple(parts))),
        inner.map(Not),
    ),
    max_leaves=6,
)
World = dict[Predicate, Judged]


def on(world: World, expr: Expr | None) -> Judged:
    def leaf(one: Predicate | Where) -> Judged:
        assert isinstance(one, Predicate)
        return world[one]

    return evaluate(expr, leaf, N)


def same(left: Judged, right: Judged) -> bool:
    return (
        np.allclose(left.probability, right.probability)
        and np.array_equal(left.must, right.must)
        and np.array_equal(left.can, right.can)
    )


@settings(max_examples=60, deadline=None)
@given(worlds, exprs)
def test_must_implies_can_and_probabilities_stay_in_range(world: World, expr: Expr) -> None:
    result = on(world, expr)
    assert not np.any(result.must & ~result.can)
    assert np.all((result.probability >= -1e-12) & (result.probability <= 1 + 1e-12))


@settings(max_examples=60, deadline=None)
@given(worlds, exprs, exprs)
def test_de_morgan(world: World, a: Expr, b: Expr) -> None:
    assert same(on(world, Not(And((a, b)))), on(world, Or((Not(a), Not(b)))))
    assert same(on(world, Not(Or((a, b)))), on(world, And((Not(a), Not(b)))))


@settings(max_examples=60, deadline=None)
@given(worlds, exprs, exprs, exprs)
def test_commutes_and_associates(world: World, a: Expr, b: Expr, c: Expr) -> None:
    assert same(on(world, And((a, b, c))), on(world, And((c, And((b, a))))))
    assert same(on(world, Or((a, b, c))), on(world, Or((Or((c, a)), b))))
    assert same(on(world, Not(Not(a))), on(world, a))


@settings(max_examples=60, deadline=None)
@given(worlds, exprs)
def test_sets_are_kleenes(world: World, expr: Expr) -> None:
    """must and can are what three-valued logic says, photograph by photograph."""

    def value(one: Expr, i: int) -> bool | None:
        match one:
            case And(parts) | Or(parts):
                said = [value(part, i) for part in parts]
                deciding = isinstance(one, Or)
                return deciding if deciding in said else (None if None in said else not deciding)
            case Not(part):
                inner = value(part, i)
                return None if inner is None else not inner
            case Predicate():
                leaf = world[one]
                return True if leaf.must[i] else None if leaf.can[i] else False
            case _:
                raise AssertionError

    result = on(world, expr)
    for i in range(N):
        truth = value(expr, i)
        assert (bool(result.must[i]), bool(result.can[i])) == (truth is True, truth is not False)


def test_nothing_said_is_everything() -> None:
    assert on({}, None).must.all()
    assert same(conjunction([], N), Judged.everything(N))
    assert not negation(Judged.everything(N)).can.any()


@given(st.lists(st.floats(0, 1), max_size=8))
def test_poisson_binomial_is_the_sum_over_all_outcomes(ps: list[float]) -> None:
    want = np.zeros(len(ps) + 1)
    for outcome in product((0, 1), repeat=len(ps)):
        want[sum(outcome)] += math.prod(p if hit else 1 - p for p, hit in zip(ps, outcome, strict=True))
    assert np.allclose(poisson_binomial(np.array(ps)), want)


@pytest.mark.parametrize("n", [65, 500, 3000])
def test_long_counts_have_the_right_mean_and_spread(n: int) -> None:
    p = np.random.default_rng(7).random(n)
    pmf = poisson_binomial(p)
    k = np.arange(n + 1)
    mean = float(np.dot(pmf, k))
    assert pmf.sum() == pytest.approx(1)
    assert mean == pytest.approx(p.sum())
    assert float(np.dot(pmf, (k - mean) ** 2)) == pytest.approx(float((p * (1 - p)).sum()), rel=1e-6)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.integers(0, 30))
def test_the_interval_holds_its_mass_and_the_value(ps: list[float], value: int) -> None:
    value = min(value, len(ps))
    pmf = poisson_binomial(np.array(ps))
    low, high = interval(pmf, value)
    assert 0 <= low <= value <= high <= len(ps)
    assert low <= int(pmf.argmax()) <= high
    low, high = interval(pmf, int(pmf.argmax()))
    held = pmf[low : high + 1].sum()
    wider = held + max(pmf[low - 1] if low else 0.0, pmf[high + 1] if high < len(ps) else 0.0)
    assert held >= 0.9 - 1e-9 or (wider >= 0.9 and wider - 0.9 >= 0.9 - held - 1e-9)


def test_the_interval_is_the_nearest_to_its_mass() -> None:
    assert interval(np.array([0.85, 0.13, 0.02]), 0) == (0, 0)
    assert interval(np.array([0.80, 0.12, 0.08]), 0) == (0, 1)
    assert interval(np.array([0.05, 0.5, 0.4, 0.05]), 1) == (1, 2)
    assert interval(np.array([0.05, 0.5, 0.4, 0.05]), 3) == (1, 3)


@pytest.mark.parametrize(("mean", "variance"), [(0.3, 0.5), (3.0, 7.0), (40.0, 300.0), (2.0, 1.0), (5000.0, 12000.0)])
def test_negative_binomial_has_its_moments(mean: float, variance: float) -> None:
    pmf = negative_binomial(mean, variance)
    k = np.arange(len(pmf))
    got = float(pmf @ k)
    assert got == pytest.approx(mean, rel=1e-3)
    assert float(pmf @ (k - got) ** 2) == pytest.approx(max(variance, 1.001 * mean), rel=1e-2)


def test_a_count_is_the_median_of_what_can_be_pointed_at() -> None:
    def count(*ps: float, must: float = 0.5) -> list[int]:
        p = np.array(ps)
        return tally(Judged(p, p >= must, p >= must))[0]

    assert count(0.9, 0.45, 0.4, 0.01) == [0, 1]
    assert count(0.45, 0.01) == []
    assert count(*[0.05] * 60) == []
    assert count(0.3, *[0.05] * 60) == [0]
    open_one = Judged(np.array([0.9, 0.9]), np.array([True, False]), np.array([True, True]))
    assert tally(open_one)[0] == [0]


def test_certain_counts_have_no_width() -> None:
    assert interval(poisson_binomial(np.array([1.0, 1.0, 0.0])), 2) == (2, 2)


@given(st.lists(st.floats(0, 1), max_size=6), st.lists(st.floats(0, 1), max_size=6))
def test_greater_is_the_chance_of_more(left: list[float], right: list[float]) -> None:
    x, y = poisson_binomial(np.array(left)), poisson_binomial(np.array(right))
    want = sum(x[i] * y[j] for i in range(len(x)) for j in range(len(y)) if i > j)
    assert greater(x, y) == pytest.approx(float(want), abs=1e-9)


SOFA = Box(50, 150, 400, 300)


@pytest.mark.parametrize(
    ("relation", "a", "b", "want"),
    [
        ("on", Box(100, 120, 200, 220), SOFA, True),
        ("on", Box(100, 20, 200, 100), SOFA, False),  # floats above
        ("on", Box(100, 280, 200, 400), SOFA, False),  # stands before it
        ("on", Box(500, 120, 600, 220), SOFA, False),  # beside
        ("under", Box(100, 280, 200, 400), SOFA, True),
        ("under", Box(100, 100, 200, 200), SOFA, False),
        ("above", Box(100, 20, 200, 100), SOFA, True),
        ("next to", Box(410, 150, 500, 300), SOFA, True),
        ("next to", Box(900, 150, 990, 300), SOFA, False),
        ("next to", Box(100, 160, 200, 220), SOFA, False),  # inside it
        ("in", Box(100, 160, 200, 220), SOFA, True),
        ("in", SOFA, Box(100, 160, 200, 220), False),
        ("to the left of", Box(0, 0, 10, 10), SOFA, True),
        ("to the right of", Box(0, 0, 10, 10), SOFA, False),
    ],
)
def test_relations(relation: str, a: Box, b: Box, want: bool) -> None:
    assert holds(relation, a, b) is want


def test_what_boxes_cannot_tell() -> None:
    assert not any(map(is_geometric, ("behind", "in front of", "holding", "wearing", "chasing", "at")))


def test_every_kind_is_decided_and_said() -> None:
    assert set(KINDS) == set(Kind)
