"""Scopes."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.scopes import draw_scope, refuse_one_category, scope_filter
from tests.evaluation.label_client import world
from thresher.errors import InvalidInput


def test_a_scope_has_its_members_and_others_that_are_allowed() -> None:
    allowed = np.arange(30) % 2 == 0
    scope = draw_scope(np.random.default_rng(1), allowed, 10, (3,))
    assert len(scope) == len(set(scope)) == 10
    assert 3 in scope and all(row == 3 or row % 2 == 0 for row in scope)
    assert scope == draw_scope(np.random.default_rng(1), allowed, 10, (3,))
    places = {draw_scope(np.random.default_rng(seed), allowed, 10, (3,)).index(3) for seed in range(40)}
    assert len(places) > 5


def test_a_scope_that_cannot_be_filled() -> None:
    with pytest.raises(InvalidInput, match="There are 4 photographs for a scope of 5"):
        draw_scope(np.random.default_rng(1), np.array([True, True, True, False]), 5, (3,))


def test_the_filter_names_the_photographs() -> None:
    photographs, _ = world(5)
    assert scope_filter(photographs, (3, 0)).ids == (photographs.ids[3], photographs.ids[0])


def test_one_category_is_refused() -> None:
    photographs, _ = world(20, categories=("dog", "cat"))
    refuse_one_category(photographs)
    photographs.presence[:, 1] = False
    with pytest.raises(InvalidInput, match="one category only: dog"):
        refuse_one_category(photographs)
    photographs.presence[:] = False
    with pytest.raises(InvalidInput, match="no category"):
        refuse_one_category(photographs)
