"""Which stored photograph a new one nearly repeats: the same picture saved, scaled, trimmed or captioned again.

Leader clustering (Hartigan, "Clustering Algorithms", 1975): a photograph joins the group of the nearest leader, or
leads a group of its own. The group is named by its leader and is a column of the row, so nothing else has to be kept
true. A mirrored picture is another one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from retrievers.alignment import Grey, same_picture, small_grey
from thresher.types import ImageId, ImageRow

MAX_DISTANCE = 12
"""Bits of 64 that the perceptual hashes of near-duplicates differ in, at most."""

MIN_COSINE = 0.6
"""Of their appearance, at least. Both were chosen on generated copies (docs/retrieval-instances.md): of 600 they find
99 %, and no two of 2,318 different photographs are taken for one; the hash alone takes 11 pairs of these for one."""

COMPARED = 3
"""Leaders that a photograph is laid over, nearest first: a scene that is taken again and again may have thousands."""

_BITS = (1 << 64) - 1

Appearances = Callable[[Sequence[ImageId]], Awaitable[Mapping[ImageId, NDArray[np.float32]]]]
"""Unit vectors f32 (appearance_dim,) of stored photographs."""

Contents = Callable[[ImageId], Awaitable[bytes | None]]
"""The bytes of a stored photograph, None where there are none."""


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups of a table. `leaders`: hash of each photograph that leads one, were it of itself alone; `members`: the
    leader of each of the others, and its hash. A photograph without a hash is in neither."""

    leaders: dict[ImageId, int] = field(default_factory=dict)
    members: dict[ImageId, tuple[ImageId, int]] = field(default_factory=dict)

    def add(self, image_id: ImageId, phash: int | None, group: ImageId) -> None:
        """`phash` signed or not, as a column or a row has it."""
        if phash is None:
            return
        if group:
            self.members[image_id] = group, phash & _BITS
        else:
            self.leaders[image_id] = phash & _BITS

    def remove(self, image_id: ImageId) -> None:
        self.leaders.pop(image_id, None)
        self.members.pop(image_id, None)

    def heirs(self, leader: ImageId) -> dict[ImageId, ImageId]:
        """What the group of each follower becomes when the leader goes: the first by id leads."""
        first, *others = [*sorted(member for member, (led_by, _) in self.members.items() if led_by == leader), ""]
        return {first: "", **{member: first for member in others if member}} if first else {}

    def regroup(self, groups: Mapping[ImageId, ImageId]) -> None:
        """Members have other groups now; "" where they lead one."""
        for image_id, group in groups.items():
            _, phash = self.members.pop(image_id)
            self.add(image_id, phash, group)

    def near(self, phash: int) -> dict[ImageId, int]:
        """Leaders near by hash, with the bits that differ."""
        if not self.leaders:
            return {}
        hashes = np.fromiter(self.leaders.values(), np.uint64, len(self.leaders))
        bits = np.bitwise_count(hashes ^ np.uint64(phash))
        close = bits <= MAX_DISTANCE
        if not close.any():
            return {}
        ids = list(self.leaders)
        return {ids[place]: int(bits[place]) for place in np.flatnonzero(close)}


async def grouped(
    rows: Sequence[ImageRow], groups: Groups, appearances: Appearances, contents: Contents
) -> list[ImageRow]:
    """New rows, in their order, each with its `group`: a leader that is stored or comes before it in `rows`.

    Of several near leaders that are the same picture, the one with the least distance counts, of those the one most
    alike. `appearances` is asked for stored leaders that are near by hash, `contents` for those that look alike, too:
    few. `groups` stays as it is.
    """
    near = [groups.near(row.phash) if row.phash is not None else {} for row in rows]
    wanted = list(dict.fromkeys(image_id for one in near for image_id in one))
    vectors = dict(await appearances(wanted)) if wanted else {}
    found: list[ImageRow] = []
    fresh = Groups()
    given = {row.record.id: row.content for row in rows}
    greys: dict[ImageId, Grey | None] = {}

    async def grey(image_id: ImageId) -> Grey | None:
        if image_id not in greys:
            content = given[image_id] if image_id in given else await contents(image_id)
            greys[image_id] = None if content is None else await asyncio.to_thread(small_grey, content)
        return greys[image_id]

    for row, stored in zip(rows, near, strict=True):
        group = ""
        if row.phash is not None:
            for leader in _alike(row, {**stored, **fresh.near(row.phash)}, vectors):
                pair = await grey(leader), await grey(row.record.id)
                if await asyncio.to_thread(same_picture, *pair):
                    group = leader
                    break
            fresh.add(row.record.id, row.phash, group)
            vectors[row.record.id] = row.features.appearance
        found.append(replace(row, record=replace(row.record, group=group)))
    return found


def _alike(row: ImageRow, near: Mapping[ImageId, int], vectors: Mapping[ImageId, NDArray[np.float32]]) -> list[ImageId]:
    """The nearest leaders that look alike, nearest first."""
    alike = [(bits, -float(vectors[i] @ row.features.appearance), i) for i, bits in near.items() if i in vectors]
    return [image_id for _, cosine, image_id in sorted(alike) if -cosine >= MIN_COSINE][:COMPARED]
