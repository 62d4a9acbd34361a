"""Scopes: the photographs that one question is asked about. Pure and seeded."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evaluation.coco import LabelledPhotographs
from thresher.errors import InvalidInput
from thresher.importing import Photo
from thresher.types import Filter

Rows = NDArray[np.intp]


def draw_scope(
    random: np.random.Generator, allowed: NDArray[np.bool_], size: int, among: tuple[int, ...] = ()
) -> tuple[int, ...]:
    """`size` photographs (rows of the labels) in random order: `among`, and others that are `allowed`.

    `allowed` bool (photographs,). `InvalidInput` where there are not as many.
    """
    others = np.setdiff1d(np.flatnonzero(allowed), among)
    if len(others) + len(among) < size:
        raise InvalidInput(
            f"There are {len(others) + len(among)} photographs for a scope of {size}.", "Ask for smaller scopes."
        )
    drawn = random.choice(others, size - len(among), replace=False)
    return tuple(int(row) for row in random.permutation([*drawn.tolist(), *among]))


def scope_filter(photographs: LabelledPhotographs, scope: tuple[int, ...]) -> Filter:
    """The scope as the server is told it."""
    return Filter(ids=tuple(photographs.ids[row] for row in scope))


def photos(photographs: LabelledPhotographs) -> tuple[Photo, ...]:
    """The photographs as they are imported."""
    return tuple(Photo(file, file.name, ()) for file in photographs.files)


def refuse_one_category(photographs: LabelledPhotographs) -> None:
    """`InvalidInput` where the photographs show fewer than two categories: nothing can be told apart there."""
    shown = [photographs.categories[column] for column in np.flatnonzero(photographs.presence.any(0))]
    if len(shown) < 2:
        raise InvalidInput(
            f"The photographs show {f'one category only: {shown[0]}' if shown else 'no category'}.",
            "Give a folder whose instances.json has annotations of several.",
        )
