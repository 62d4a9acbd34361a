"""Near-duplicates: the hash of a picture, and the groups that a store makes of what it is given."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from retrievers.alignment import same_picture, small_grey
from retrievers.duplicates import MAX_DISTANCE, Groups, grouped
from retrievers.lance_store import LanceStore
from retrievers.protocols import ImageStore
from retrievers.signatures import perceptual_hash, signatures
from tests.retrievers.store_rows import DOT, ids_of, made, repeating, row
from thresher.types import Filter, Pixels


def picture(seed: int, side: int = 300) -> Pixels:
    """Soft blobs of colour: what low frequencies tell apart."""
    rng = np.random.default_rng(seed)
    return scaled(rng.integers(0, 256, (9, 9, 3), np.uint8), side)


def scaled(pixels: Pixels, side: int) -> Pixels:
    found = cv2.resize(pixels, (side, side), interpolation=cv2.INTER_CUBIC)
    return found.astype(np.uint8)


def bits(one: Pixels, other: Pixels) -> int:
    first, second = perceptual_hash(one), perceptual_hash(other)
    assert first is not None and second is not None
    return (first ^ second).bit_count()


def test_a_saved_scaled_or_brightened_picture_keeps_its_hash() -> None:
    pixels = picture(1)
    saved = cv2.imdecode(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 40])[1], cv2.IMREAD_COLOR)
    assert saved is not None and bits(pixels, saved.astype(np.uint8)) <= 2
    assert bits(pixels, scaled(pixels, 170)) <= 2
    assert bits(pixels, (pixels * 0.6 + 40).astype(np.uint8)) <= 4


def test_other_and_mirrored_pictures_have_other_hashes() -> None:
    assert all(bits(picture(seed), picture(seed + 1)) > MAX_DISTANCE for seed in range(0, 40, 2))
    assert bits(picture(1), np.ascontiguousarray(picture(1)[:, ::-1])) > MAX_DISTANCE


@pytest.mark.parametrize("shape", [(1, 1, 3), (10, 10, 3), (3, 2000, 3)])
def test_a_blank_picture_has_no_hash(shape: tuple[int, int, int]) -> None:
    assert perceptual_hash(np.full(shape, 90, np.uint8)) is None


def test_tiny_pictures_have_signatures() -> None:
    made_of = signatures(np.random.default_rng(0).integers(0, 256, (10, 7, 3), np.uint8))
    assert made_of.phash is not None and 0 <= made_of.phash < 1 << 64
    assert made_of.colours.dtype == np.float32


async def test_the_first_of_a_group_leads_it(images: ImageStore) -> None:
    first, second, third, other = row(1), row(2), row(3), row(4)
    await images.add([repeating(first, of=1), repeating(second, of=1, bits=3, turn=0.1)])
    await images.add([repeating(third, of=1, bits=MAX_DISTANCE), repeating(other, of=2)])
    leader = first.record.id
    assert await images.groups(ids_of([first, second, third, other])) == {
        second.record.id: leader,
        third.record.id: leader,
    }
    assert (await images.get([third.record.id]))[third.record.id].group == leader
    assert [record.group for record in await images.list(Filter(ids=(leader,)), 1)] == [""]


async def test_both_the_hash_and_the_appearance_decide(images: ImageStore) -> None:
    await images.add([repeating(row(1), of=1)])
    far, unlike, without = (
        repeating(row(2), of=1, bits=MAX_DISTANCE + 1),
        repeating(row(3), of=1, turn=0.9),
        replace(repeating(row(4), of=1), phash=None),
    )
    await images.add([far, unlike, without])
    assert await images.groups(ids_of([far, unlike, without])) == {}


async def test_what_a_row_says_of_its_group_does_not_count(images: ImageStore) -> None:
    await images.add([row(1, group="f" * 64)])
    assert (await images.get(ids_of([row(1)])))[row(1).record.id].group == ""


async def test_the_first_by_id_leads_when_the_leader_is_deleted(images: ImageStore) -> None:
    some = [repeating(row(number), of=1, bits=number % 3) for number in range(5)]
    await images.add(some)
    leader, others = some[0].record.id, sorted(ids_of(some[1:]))
    await images.delete(leader)
    assert await images.groups(others) == dict.fromkeys(others[1:], others[0])
    again, late = some[0], repeating(row(9), of=1, bits=1)
    await images.add([again, late])
    assert await images.groups(ids_of([again, late])) == dict.fromkeys(ids_of([again, late]), others[0])


async def test_groups_outlive_the_process(tmp_path: Path) -> None:
    store = LanceStore(tmp_path)
    images = await made(store, DOT)
    high = replace(repeating(row(1), of=1), phash=(1 << 64) - 1)
    await images.add([high])
    await store.close()
    again = await LanceStore(tmp_path).open("holiday", DOT)
    await again.add([replace(repeating(row(2), of=1), phash=(1 << 64) - 2)])
    assert await again.groups(ids_of([row(2)])) == {row(2).record.id: high.record.id}


async def test_the_nearest_of_several_leaders_is_joined() -> None:
    groups = Groups({"a" * 64: 0b1111, "b" * 64: 0b1, "c" * 64: 0b1}, {})
    one = replace(repeating(row(1), of=1), phash=0)
    alike = one.features.appearance

    async def appearances(ids: object) -> dict[str, np.ndarray[tuple[int], np.dtype[np.float32]]]:
        del ids
        return {"a" * 64: alike, "b" * 64: alike * np.float32(0.9), "c" * 64: alike * np.float32(0.95)}

    async def contents(_image: str) -> bytes | None:
        return one.content

    (found,) = await grouped([one], groups, appearances, contents)
    assert found.record.group == "c" * 64


def view(shift: int = 0, caption: bool = False) -> bytes:
    """Blobs; those of the left half are shifted by some pixels, as near things are in the other picture of a pair."""
    random = np.random.default_rng(4)
    pixels = np.full((200, 300, 3), 128, np.uint8)
    for x, y, size, grey in random.integers((20, 0, 8, 0), (270, 180, 30, 255), (60, 4)):
        left = max(0, x + (shift if x < 150 else -shift))
        pixels[y : y + size, left : left + size] = grey
    if caption:
        pixels[176:] = 0
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=80)
    return stream.getvalue()


def same(one: bytes, other: bytes) -> bool:
    return same_picture(small_grey(one), small_grey(other))


def test_a_copy_is_the_same_picture_and_another_view_is_not() -> None:
    assert same(view(), view())
    assert same(view(), view(caption=True))
    assert not same(view(), view(shift=12))
    assert same(view(), b"what cannot be decoded is not told apart")
