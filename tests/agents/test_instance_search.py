"""The search for the very same thing, over a store in memory and an encoder that finds everything equally alike."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import cv2
import numpy as np
import pytest
from pycocotools import mask as coco_mask

from agents.params import SearchParts
from agents.search import instance
from retrievers.images import read_image
from retrievers.memory_store import MemoryStore
from tests.retrievers.scenery import scenery, turned
from thresher.errors import InvalidInput, Unsupported
from thresher.rle import decode
from thresher.types import (
    Box,
    EncoderSpec,
    Filter,
    ImageFeatures,
    ImageId,
    ImageRecord,
    ImageRow,
    Mask,
    Pixels,
    Point,
    Prompt,
    Proposals,
    Query,
    Region,
)  # fmt: skip

SPEC = EncoderSpec("fake", 2, "dot", 2, "0" * 64)


def png(pixels: Pixels) -> bytes:
    return cv2.imencode(".png", pixels[..., ::-1])[1].tobytes()


class FakeEncoder:
    spec = SPEC
    concepts: Sequence[str] = ()

    async def images(self, batch: Sequence[Pixels]) -> Sequence[ImageFeatures]:
        return [ImageFeatures(np.zeros(2, np.float32), np.ones(2, np.float32), Proposals.none()) for _ in batch]


class FakeGrounder:
    """Masks the box, or 100 pixels around the point; nothing where it is too near to the corner."""

    async def ground(self, image: Pixels, prompts: Sequence[Prompt]) -> Sequence[Sequence[Region]]:
        found: list[list[Region]] = []
        for prompt in prompts:
            assert not isinstance(prompt, str)
            box = (
                prompt
                if isinstance(prompt, Box)
                else Box(prompt.x - 100, prompt.y - 100, prompt.x + 100, prompt.y + 100)
            )
            mask = np.zeros(image.shape[:2], np.uint8)
            mask[max(0, int(box.y0)) : int(box.y1), max(0, int(box.x0)) : int(box.x1)] = 1
            counts = coco_mask.encode(np.asfortranarray(mask))["counts"]
            found.append(
                [Region(box, 1.0, "", Mask(image.shape[0], image.shape[1], counts))]
                if min(box.x0, box.y0) > -90
                else []
            )
        return found


async def parts(pictures: Sequence[Pixels], **changed: Any) -> tuple[SearchParts, list[ImageId]]:
    store = MemoryStore()
    await store.create("c", SPEC)
    images = await store.open("c", SPEC)
    contents = [png(picture) for picture in pictures]
    ids = [hashlib.sha256(content).hexdigest() for content in contents]
    for image_id, content, picture in zip(ids, contents, pictures, strict=True):
        size = picture.shape[1], picture.shape[0]
        record = ImageRecord(image_id, ("a.png",), *size, "image/png", len(content), datetime(2024, 1, 1, tzinfo=UTC))
        features = ImageFeatures(np.zeros(2, np.float32), np.ones(2, np.float32), Proposals.none())
        await images.add([ImageRow(record, content, features)])

    async def decoded(content: bytes) -> Pixels:
        return read_image(content).pixels

    async def load(image_id: ImageId) -> Pixels:
        return await decoded(await images.content(image_id))

    made: dict[str, Any] = {"store": images, "encoder": FakeEncoder(), "load_pixels": load, "decode": decoded}
    return SearchParts(**{**made, "grounder": FakeGrounder(), **changed}), ids


async def test_the_source_of_a_part_comes_first_with_its_mask() -> None:
    given, ids = await parts([scenery(seed) for seed in range(6)])
    query = Query(content=png(turned(scenery(4)[50:300, 80:360], 20, 0.9)))
    found = await instance.search(query, Filter(), 10, given)
    assert len(found.hits) == 6
    assert found.hits[0].record.id == ids[4] and found.hits[0].score > 20
    assert all(hit.score < 1 and not hit.regions for hit in found.hits[1:])
    [region] = found.hits[0].regions
    assert region.mask is not None and decode(region.mask).shape == (340, 400)
    assert len((await instance.search(query, Filter(), 2, given)).hits) == 2


async def test_a_region_is_looked_for_and_not_what_is_around_it() -> None:
    given, ids = await parts([scenery(seed) for seed in range(4)])
    pasted = scenery(0)
    pasted[100:240, 120:300] = scenery(3)[60:200, 30:210]
    found = await instance.search(Query(content=png(pasted), regions=(Box(120, 100, 300, 240),)), Filter(), 4, given)
    assert found.hits[0].record.id == ids[3]
    box = found.hits[0].regions[0].box
    np.testing.assert_allclose([box.x0, box.y0, box.x1, box.y1], [30, 60, 210, 200], atol=4)
    pointed = await instance.search(Query(content=png(pasted), regions=(Point(210, 170),)), Filter(), 4, given)
    assert ids[3] in {hit.record.id for hit in pointed.hits if hit.score > 1}


async def test_all_regions_have_to_be_there() -> None:
    given, ids = await parts([scenery(seed) for seed in range(4)])
    both = np.hstack([scenery(1), scenery(2)])
    left, right = Box(0, 0, 400, 340), Box(400, 0, 800, 340)
    one = await instance.search(Query(content=png(both), regions=(left,)), Filter(), 1, given)
    assert one.hits[0].record.id == ids[1]
    assert (await instance.search(Query(content=png(both), regions=(left, right)), Filter(), 1, given)).hits[
        0
    ].score < 1


async def test_the_photograph_that_is_asked_with_is_no_hit() -> None:
    given, ids = await parts([scenery(1), scenery(2)])
    found = await instance.search(Query(image=ids[0]), Filter(), 5, given)
    assert [hit.record.id for hit in found.hits] == [ids[1]]


@pytest.mark.parametrize("size", [(1, 1), (10, 10), (300, 300)])
async def test_blank_queries_and_photographs_are_no_error(size: tuple[int, int]) -> None:
    blank = np.full((*size, 3), 200, np.uint8)
    given, ids = await parts([scenery(1), blank])
    found = await instance.search(Query(content=png(blank)), Filter(), 5, given)
    assert {hit.record.id for hit in found.hits} == set(ids) and all(hit.score < 1 for hit in found.hits)
    empty = await instance.search(Query(content=png(blank)), Filter(ids=()), 5, given)
    assert not empty.hits


async def test_regions_that_cannot_be_masked() -> None:
    given, _ = await parts([scenery(1)])
    for region in (Point(900, 10), Point(2, 2)):
        with pytest.raises(InvalidInput):
            await instance.search(Query(content=png(scenery(1)), regions=(region,)), Filter(), 5, given)
    with pytest.raises(Unsupported):
        query = Query(content=png(scenery(1)), regions=(Point(200, 200),))
        await instance.search(query, Filter(), 5, replace(given, grounder=None))
