"""The arithmetic of composed queries, against plain loops and against what the methods promise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrievers.composed.mulvec import Probes, mulvec_scores, soft_maxsim
from retrievers.composed.pdv import pdv_query
from retrievers.composed.units import unit
from retrievers.composed.weimocir import weighted_query, weimocir_scores
from retrievers.maxsim import VectorSets

seeds = st.integers(0, 2**32 - 1)
property_test = settings(deadline=None, max_examples=50)


def vectors(random: np.random.Generator, *shape: int) -> np.ndarray:
    return random.standard_normal(shape).astype(np.float32)


@given(seeds)
@property_test
def test_pdv_is_the_formula_on_unit_vectors(seed: int) -> None:
    random = np.random.default_rng(seed)
    v, t0, t1 = vectors(random, 3, 16)
    alpha_image, alpha_text, beta = random.uniform(0, 2, 3) / (1, 1, 2)
    v1, a, b = (x / np.linalg.norm(x) for x in (v, t0, t1))
    expected = (1 - beta) * (v1 + alpha_image * (b - a)) + beta * (b + alpha_text * (b - a))
    found = pdv_query(v, t0, t1, alpha_image, alpha_text, beta)
    assert found == pytest.approx(expected / np.linalg.norm(expected), abs=1e-5)


@given(seeds)
@property_test
def test_pdv_ends_are_the_search_for_the_image_and_for_the_text(seed: int) -> None:
    v, t0, t1 = vectors(np.random.default_rng(seed), 3, 8)
    assert pdv_query(v, t0, t1, 0, 0, 0) == pytest.approx(unit(v), abs=1e-6)
    assert pdv_query(v, t0, t1, 0, 0, 1) == pytest.approx(unit(t1), abs=1e-6)
    same = pdv_query(v, t0, t0, 5, 5, 0)  # words that change nothing
    assert same == pytest.approx(unit(v), abs=1e-5)


@given(seeds, st.floats(0.1, 3))
@property_test
def test_pdv_moves_the_query_towards_what_is_wanted_and_away_from_the_reference(seed: int, alpha: float) -> None:
    v, t0, t1 = vectors(np.random.default_rng(seed), 3, 32)
    direction = unit(t1) - unit(t0)
    before, after = pdv_query(v, t0, t1, 0, 0, 0), pdv_query(v, t0, t1, alpha, 0, 0)
    assert after @ direction > before @ direction


@given(seeds)
@property_test
def test_weimocir_is_the_plain_loop(seed: int) -> None:
    random = np.random.default_rng(seed)
    image, text = vectors(random, 2, 12)
    images = vectors(random, 7, 12)
    captioned = np.sort(random.integers(0, 7, random.integers(0, 10)))
    captions = vectors(random, len(captioned), 12)
    alpha, beta = random.random(2)
    query = weighted_query(image, text, alpha)
    expected = []
    for n in range(7):
        by_image = float(unit(images[n]) @ query)
        own = [float(unit(caption) @ query) for caption, of in zip(captions, captioned, strict=True) if of == n]
        expected.append((1 - beta) * by_image + beta * (np.mean(own) if own else by_image))
    assert weimocir_scores(query, images, captions, captioned, beta) == pytest.approx(expected, abs=1e-5)


def test_a_zero_vector_is_no_error() -> None:
    zero = np.zeros(4, np.float32)
    assert weighted_query(zero, zero, 0.5).tolist() == [0, 0, 0, 0]
    assert np.isfinite(pdv_query(zero, zero, zero)).all()


def documents(random: np.random.Generator, count: int) -> VectorSets:
    """Some of them without a vector."""
    return VectorSets.of([unit(vectors(random, random.integers(0, 6), 8)) for _ in range(count)], 8)


@given(seeds, st.integers(0, 40), st.integers(1, 4))
@property_test
def test_soft_maxsim_is_the_plain_loop(seed: int, count: int, probes: int) -> None:
    random = np.random.default_rng(seed)
    sets, asked = documents(random, count), vectors(random, probes, 8)
    found = soft_maxsim(asked, sets, 0.1)
    assert found.shape == (probes, count)
    for n in range(count):
        own = sets.vectors[sets.offsets[n] : sets.offsets[n + 1]]
        for m in range(probes):
            similar = own @ unit(asked[m])
            weights = np.exp(similar / 0.1)
            expected = (weights @ similar / weights.sum()) if len(own) else 0
            assert found[m, n] == pytest.approx(expected, abs=1e-4)


@given(seeds)
@property_test
def test_soft_maxsim_lies_between_mean_and_maximum_and_does_not_grow_with_copies(seed: int) -> None:
    random = np.random.default_rng(seed)
    own, probe = unit(vectors(random, 5, 8)), vectors(random, 1, 8)
    similar = own @ unit(probe[0])
    one = soft_maxsim(probe, VectorSets.of([own], 8))[0, 0]
    assert similar.mean() - 1e-5 <= one <= similar.max() + 1e-5
    many = soft_maxsim(probe, VectorSets.of([np.concatenate([own] * 4)], 8))[0, 0]
    assert many == pytest.approx(one, abs=1e-5)
    cold = soft_maxsim(probe, VectorSets.of([own], 8), 1e-4)[0, 0]
    assert cold == pytest.approx(similar.max(), abs=1e-3)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(5)
    sets, asked = documents(random, 50), vectors(random, 3, 8)
    whole = soft_maxsim(asked, sets)
    monkeypatch.setattr("retrievers.composed.mulvec._BLOCK", 12)
    assert soft_maxsim(asked, sets) == pytest.approx(whole, abs=1e-6)


def test_mulvec_wants_the_desired_keeps_the_preserved_and_flees_the_forbidden() -> None:
    axes = np.eye(4, dtype=np.float32)
    none = np.zeros((0, 4), np.float32)
    shows = VectorSets.of([axes[[0]], axes[[0, 1]], axes[[0, 1, 2]], axes[[3]]], 4)
    probes = Probes(desired=axes[[1]], preserve=axes[[0]], forbidden=axes[[2]])
    scores = mulvec_scores(probes, none, shows)
    assert scores.argmax() == 1
    assert scores == pytest.approx([0.5, 1.5, 1.0, 0], abs=1e-5)
    assert mulvec_scores(Probes(none, none, none), none, shows).tolist() == [0, 0, 0, 0]


def test_the_vector_of_the_whole_image_counts_as_one_of_its_vectors() -> None:
    axes = np.eye(3, dtype=np.float32)
    none = np.zeros((0, 3), np.float32)
    shows = VectorSets.of([none, axes[[0]]], 3)
    found = mulvec_scores(Probes(axes[[2]], none, none), axes[[2, 1]], shows)
    assert found == pytest.approx([1, 0], abs=1e-5)
