"""Train the class-agnostic mask head, prompted with true boxes, half of them moved a little.

    python -m training.masks HELD      (4: leave that fold out, to choose by it; "none": what ships)

Uses the photographs of coco/ (folds 1-4) and coco-partial4/ that have polygons. Writes masks.safetensors (or
masks-without-4.safetensors in the cache folder), the running average of the weights.
"""

from __future__ import annotations

import math
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from safetensors.torch import save_file
from torch import Tensor, nn

from models.encoders.preprocess import SCALES
from models.encoders.trunk import Maps, Trunk
from models.grounders.mask_decoder import MARGIN, OUT, MaskDecoder, sample_maps
from training.cache import load_shards
from training.data import TEST_FOLD, Photo, Thing, cache_folder, load_photos, weights_folder
from training.trunks import load_trunk

EPOCHS = 5
RATE = 2e-3
JITTER = 0.05
"""Each corner of a moved training box moves by up to this part of the box's size."""

DROPPED = 0.1
"""Part of the maps' channels that a training step does without."""

AVERAGE = 0.997
"""Part of the averaged weights that a step keeps."""

MIN_SIDE = 8
"""Objects whose box is smaller (pixels of the file) are not used."""

SEED = 0


@dataclass(frozen=True, slots=True)
class Object:
    """One object with polygons: box (4,) in 0..1."""

    thing: Thing
    width: int
    height: int


def mask_path(held: int | None) -> Path:
    if held is None:
        return weights_folder() / "masks.safetensors"
    return cache_folder() / f"masks-without-{held}.safetensors"


def usable_objects(photo: Photo) -> list[Object]:
    """Objects of a photograph that have a mask and are not tiny."""
    return [
        Object(thing, photo.width, photo.height)
        for thing in photo.things
        if thing.polygons
        and not thing.crowd
        and (thing.box[2] - thing.box[0]) * photo.width >= MIN_SIDE
        and (thing.box[3] - thing.box[1]) * photo.height >= MIN_SIDE
    ]


def polygon_mask(thing: Thing, box: tuple[float, ...], size: int, margin: float) -> NDArray[np.float32]:
    """Part of each cell of a (size, size) grid over a box, enlarged by `margin`, that the polygons cover."""
    fine = 2
    w, h = box[2] - box[0], box[3] - box[1]
    low = np.array([box[0] - margin * w, box[1] - margin * h])
    span = np.array([w, h]) * (1 + 2 * margin)
    canvas = Image.new("L", (size * fine, size * fine))
    draw = ImageDraw.Draw(canvas)
    for polygon in thing.polygons:
        points = (polygon.reshape(-1, 2) - low) / span * size * fine
        draw.polygon([float(v) for v in points.ravel()], fill=1)
    cover: NDArray[np.float32] = np.asarray(canvas, np.float32).reshape(size, fine, size, fine).mean((1, 3))
    return cover


def photo_maps(photo: Photo, trunk: Trunk, tails: dict[tuple[str, int, bool], Tensor],
               boxes: dict[tuple[str, int], tuple[Tensor, Tensor]], fine: dict[str, Tensor]) -> Maps:  # fmt: skip
    """The four maps of one photograph from the cache, f16, n = 1."""
    s32 = trunk.tail(tails[(photo.key, SCALES[-1], False)][None].bfloat16()).half()
    s8, s16 = boxes[(photo.key, SCALES[-1])]
    return Maps(fine[photo.key][None], s8[None], s16[None], s32)


def moved(box: tuple[float, ...], rng: np.random.Generator) -> tuple[float, ...]:
    """The box itself in half of the cases, else one whose corners moved a little."""
    if rng.random() < 0.5:
        return box
    w, h = box[2] - box[0], box[3] - box[1]
    shift = rng.uniform(-JITTER, JITTER, 4) * (w, h, w, h)
    return tuple(float(v + s) for v, s in zip(box, shift, strict=True))


def mask_loss(logits: Tensor, wanted: Tensor) -> Tensor:
    """Cross-entropy and dice of (n, 56, 56)."""
    p = logits.sigmoid()
    dice = 1 - (2 * (p * wanted).sum((1, 2)) + 1) / (p.sum((1, 2)) + wanted.sum((1, 2)) + 1)
    return F.binary_cross_entropy_with_logits(logits, wanted) + dice.mean()


def main() -> None:
    torch.manual_seed(SEED)
    rng = np.random.default_rng(SEED)
    held = None if sys.argv[1] == "none" else int(sys.argv[1])
    photos = [p for p in load_photos("coco") if p.fold not in (TEST_FOLD, held) and p.has_masks]
    photos += load_photos("coco-partial4")
    tails, boxes, fine, trunk = load_shards("tails"), load_shards("boxes"), load_shards("masks"), load_trunk(held)
    with torch.inference_mode():
        maps = [photo_maps(photo, trunk, tails, boxes, fine) for photo in photos]
    objects = [usable_objects(photo) for photo in photos]
    decoder = MaskDecoder()
    with torch.no_grad():
        for n in range(4):
            decoder.scales[n] = torch.cat([m[n].flatten().float() for m in maps[:40]]).std()
    optimizer = torch.optim.AdamW(decoder.parameters(), lr=RATE, weight_decay=3e-2)
    average, step = {name: value.clone() for name, value in decoder.state_dict().items()}, 0
    print(f"{sum(len(o) for o in objects)} objects of {len(photos)} photographs", flush=True)
    start = time.monotonic()
    for epoch in range(EPOCHS):
        total, seen = 0.0, 0
        order = rng.permutation(len(photos))
        for n, k in enumerate(order):
            here = objects[k]
            if not here:
                continue
            here = [here[i] for i in rng.permutation(len(here))[:24]]
            rate = RATE * 0.5 * (1 + math.cos(math.pi * (epoch + n / len(order)) / EPOCHS)) + 1e-5
            for group in optimizer.param_groups:
                group["lr"] = rate
            prompts = [moved(o.thing.box, rng) for o in here]
            with torch.no_grad():
                samples = sample_maps(maps[k], torch.tensor(prompts, dtype=torch.float32))
            masks = [polygon_mask(o.thing, box, OUT, MARGIN) for o, box in zip(here, prompts, strict=True)]
            wanted = torch.from_numpy(np.stack(masks))
            if rng.random() < 0.5:
                samples, wanted = [s.flip(-1) for s in samples], wanted.flip(-1)
            samples = [F.dropout2d(s, DROPPED) for s in samples]
            with torch.autocast("cpu", dtype=torch.bfloat16):
                logits = decoder(samples)
            loss = mask_loss(logits.float(), wanted)
            optimizer.zero_grad()
            torch.autograd.backward(loss * min(1.0, len(here) / 8))
            nn.utils.clip_grad_norm_(decoder.parameters(), 1.0)
            optimizer.step()
            step += 1
            for name, value in decoder.state_dict().items():
                average[name].lerp_(value, 1 - min(AVERAGE, (step + 1) / (step + 20)))
            total += loss.item() * len(here)
            seen += len(here)
        print(f"epoch {epoch + 1} loss {total / seen:.3f} {time.monotonic() - start:.0f} s", flush=True)
    save_file(average, mask_path(held))


if __name__ == "__main__":
    main()
