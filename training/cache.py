"""Run the frozen part of the trunk once over every photograph and keep its maps.

    python -m training.cache SHARD SHARDS      (one thread a process; SHARD counts from 0)

Writes, in the cache folder, maps in f16 by key:
- tails-<shard>.pt: {(key, scale, mirrored): (208, h, w)}, mirrored for the smaller scale of coco/ only;
- boxes-<shard>.pt: {(key, scale): ((48, ...), (120, ...))}: strides 8 and 16, coco/, coco-partial4/ and the
  held fold's part of the rest;
- masks-<shard>.pt: {key: (24, h, w)}: stride 4 at the larger scale, photographs with masks.
"""

from __future__ import annotations

import sys
import time
from functools import cache
from typing import Any

import torch
from torch import Tensor

from models.encoders.clip import build_clip, build_trunk
from models.encoders.preprocess import SCALES, prepare
from models.encoders.trunk import Trunk
from thresher.types import Pixels
from training.data import cache_folder, load_class_photos, load_photos, read_pixels
from training.drawings import drawings
from training.material import load_material
from training.trunks import HELD_FOLD

TailKey = tuple[str, int, bool]


def _half(x: Tensor) -> Tensor:
    return x[0].half().contiguous().clone()


class MapCache:
    """Collects maps of photographs."""

    def __init__(self, trunk: Trunk) -> None:
        self.trunk = trunk
        self.tails: dict[TailKey, Tensor] = {}
        self.boxes: dict[tuple[str, int], tuple[Tensor, Tensor]] = {}
        self.masks: dict[str, Tensor] = {}

    def add(self, key: str, pixels: Pixels, mirror: bool = False, strides: bool = False, fine: bool = False) -> None:
        for scale in SCALES:
            x = prepare(pixels, scale).bfloat16()
            low = self.trunk.lower(x)
            self.tails[(key, scale, False)] = _half(low.tail)
            if mirror and scale == SCALES[0]:
                self.tails[(key, scale, True)] = _half(self.trunk.lower(x.flip(-1)).tail)
            if strides:
                self.boxes[(key, scale)] = _half(low.s8), _half(low.s16)
            if fine and scale == SCALES[-1]:
                self.masks[key] = _half(low.s4)


@cache
def load_shards(name: str) -> dict[Any, Any]:
    """All shards of "tails", "boxes" or "masks", memory-mapped."""
    found: dict[Any, Any] = {}
    for path in sorted(cache_folder().glob(f"{name}-*.pt")):
        found |= torch.load(path, mmap=True)
    return found


@torch.inference_mode()
def main() -> None:
    shard, shards = int(sys.argv[1]), int(sys.argv[2])
    torch.set_num_threads(1)
    maps = MapCache(build_trunk(build_clip()).halve())
    start = time.monotonic()
    photos = [*load_photos("coco"), *load_photos("coco-partial4")]
    for n, photo in enumerate(photos[shard::shards]):
        maps.add(photo.key, read_pixels(photo.path), mirror=True, strides=True, fine=photo.has_masks)
        if n and n % 200 == 0:
            print(f"{n} photographs, {(time.monotonic() - start) / n:.3f} s each", flush=True)
    held = load_material().of_fold(HELD_FOLD)
    for picture in load_class_photos()[shard::shards]:
        maps.add(picture.key, read_pixels(picture.path), strides=picture.key in held)
    for key, pixels in list(drawings().items())[shard::shards]:
        maps.add(key, pixels, strides=key in held)
    for name in ("tails", "boxes", "masks"):
        torch.save(getattr(maps, name), cache_folder() / f"{name}-{shard}.pt")
    print(f"{len(maps.tails)} maps, {time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    main()
