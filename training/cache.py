"""Run the frozen part of the trunk once over every photograph and keep its maps.

    python -m training.cache SHARD SHARDS      (one thread a process; SHARD counts from 0)

Writes, in the cache folder, maps in f16 by key:
- tails-<shard>.pt: {(key, scale, mirrored): (208, h, w)}, mirrored for the smaller scale of coco/ only;
- boxes-<shard>.pt: {key: (120, h, w)}: stride 16 at the larger scale, coco/ and coco-partial4/;
- masks-<shard>.pt: {key: ((24, ...), (48, ...))}: strides 4 and 8 at the larger scale, photographs with masks.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import torch
from torch import Tensor

from models.encoders.clip import build_clip, build_trunk
from models.encoders.preprocess import SCALES, prepare
from models.encoders.trunk import Trunk
from thresher.types import Pixels
from training.data import cache_folder, load_class_photos, load_photos, read_pixels
from training.drawings import drawings

TailKey = tuple[str, int, bool]


def _half(x: Tensor) -> Tensor:
    return x[0].half().contiguous().clone()


class MapCache:
    """Collects maps of photographs."""

    def __init__(self, trunk: Trunk) -> None:
        self.trunk = trunk
        self.tails: dict[TailKey, Tensor] = {}
        self.boxes: dict[str, Tensor] = {}
        self.masks: dict[str, tuple[Tensor, Tensor]] = {}

    def add(self, key: str, pixels: Pixels, mirror: bool = False, strides: bool = False, fine: bool = False) -> None:
        for scale in SCALES:
            x = prepare(pixels, scale).bfloat16()
            low = self.trunk.lower(x)
            self.tails[(key, scale, False)] = _half(low.tail)
            if mirror and scale == SCALES[0]:
                self.tails[(key, scale, True)] = _half(self.trunk.lower(x.flip(-1)).tail)
            if strides and scale == SCALES[-1]:
                self.boxes[key] = _half(low.s16)
            if fine and scale == SCALES[-1]:
                self.masks[key] = (_half(low.s4), _half(low.s8))


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
    cache = MapCache(build_trunk(build_clip()).halve())
    start = time.monotonic()
    photos = [*load_photos("coco"), *load_photos("coco-partial4")]
    for n, photo in enumerate(photos[shard::shards]):
        cache.add(photo.key, read_pixels(photo.path), mirror=True, strides=True, fine=photo.has_masks)
        if n and n % 200 == 0:
            print(f"{n} photographs, {(time.monotonic() - start) / n:.3f} s each", flush=True)
    for name in ("boxes", "masks"):
        torch.save(getattr(cache, name), cache_folder() / f"{name}-{shard}.pt")
    for picture in load_class_photos()[shard::shards]:
        cache.add(picture.key, read_pixels(picture.path))
    for key, pixels in list(drawings().items())[shard::shards]:
        cache.add(key, pixels)
    torch.save(cache.tails, cache_folder() / f"tails-{shard}.pt")
    print(f"{len(cache.tails)} maps, {time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    main()
