"""The offline profile's grounder: boxes by the tower's detector, masks by a decoder prompted with a box."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from pycocotools import mask as coco_mask

from models.encoders.phrases import concept_names
from models.encoders.preprocess import SCALES
from models.encoders.text import TextReader
from models.encoders.tower import OfflineTower
from models.encoders.trunk import Maps
from models.encoders.worker import Worker
from models.grounders.mask_decoder import MaskDecoder, paste, sample_maps
from thresher.types import Box, Mask, Pixels, Point, Prompt, Proposals, Region

MIN_SCORE = 0.2
"""Proposals are given for a phrase from this score on; the best one is given in any case."""

CONFIDENT = 0.3
MAX_REGIONS = 10
OVERLAP = 0.5


class OfflineGrounder:
    """`models.protocols.Grounder`. A phrase is found by way of the concepts it stands for."""

    def __init__(self, tower: OfflineTower, decoder: MaskDecoder, reader: TextReader) -> None:
        self._tower = tower
        self.decoder = decoder
        self._reader = reader
        self._worker = Worker("grounder")

    async def ground(self, image: Pixels, prompts: Sequence[Prompt]) -> Sequence[Sequence[Region]]:
        return await self._worker.run(lambda: self._ground(image, prompts))

    @torch.inference_mode()
    def _ground(self, image: Pixels, prompts: Sequence[Prompt]) -> list[list[Region]]:
        if all(isinstance(prompt, Box) for prompt in prompts):
            proposals, maps = Proposals.none(), self._tower.maps(image, SCALES[-1])
        else:
            looks = self._tower.looks(image)
            proposals, maps = self._tower.proposals(image, looks), looks[-1].maps
        found = [self._regions(prompt, proposals, image) for prompt in prompts]
        masks = iter(self._masks(image, maps, [region.box for regions in found for region in regions]))
        return [[Region(r.box, r.score, r.phrase, next(masks)) for r in regions] for regions in found]

    def _regions(self, prompt: Prompt, proposals: Proposals, image: Pixels) -> list[Region]:
        """Where a prompt is, still without masks, best first."""
        if isinstance(prompt, Box):
            box = clip_box(prompt, image.shape[1], image.shape[0])
            return [Region(box, 1.0, "")] if box.area > 0 else []
        if isinstance(prompt, Point):
            return at_point(prompt, proposals)
        text = self._reader.read(prompt)
        return for_concepts(prompt, {concept.index: concept.weight for concept in text.concepts}, proposals)

    def _masks(self, image: Pixels, maps: Maps, boxes: Sequence[Box]) -> list[Mask]:
        if not boxes:
            return []
        height, width = image.shape[:2]
        scaled = [(b.x0 / width, b.y0 / height, b.x1 / width, b.y1 / height) for b in boxes]
        logits = self.decoder.both_ways(sample_maps(maps, torch.tensor(scaled, dtype=torch.float32)))
        return [encode(paste(one, box, height, width)) for one, box in zip(logits, boxes, strict=True)]


def encode(mask: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> Mask:
    """A binary mask (height, width) as compressed COCO RLE."""
    rle = coco_mask.encode(np.asfortranarray(mask))
    return Mask(int(rle["size"][0]), int(rle["size"][1]), rle["counts"])


def clip_box(box: Box, width: int, height: int) -> Box:
    """The part of a box inside the image (of no area where they do not meet)."""
    return Box(
        min(max(box.x0, 0.0), width), min(max(box.y0, 0.0), height),
        min(max(box.x1, 0.0), width), min(max(box.y1, 0.0), height),
    )  # fmt: skip


def at_point(point: Point, proposals: Proposals) -> list[Region]:
    """The smallest confident proposal that contains the point, else the most confident one, else nothing."""
    names = concept_names()
    around = []
    for row, concepts, scores in zip(proposals.boxes, proposals.concepts, proposals.scores, strict=True):
        box = Box(*(float(v) for v in row))
        if box.x0 <= point.x < box.x1 and box.y0 <= point.y < box.y1:
            best = int(scores.argmax())
            around.append(Region(box, float(scores[best]), names[concepts[best]]))
    confident = sorted((r for r in around if r.score >= CONFIDENT), key=lambda r: r.box.area)
    return confident[:1] or sorted(around, key=lambda r: -r.score)[:1]


def for_concepts(phrase: str, weights: dict[int, float], proposals: Proposals) -> list[Region]:
    """Proposals whose weighted score for a phrase's concepts is enough, best first, without overlapping ones; where
    none has enough, the best one that has any."""
    regions = []
    for row, concepts, scores in zip(proposals.boxes, proposals.concepts, proposals.scores, strict=True):
        score = min(1.0, sum(weights.get(int(c), 0.0) * float(s) for c, s in zip(concepts, scores, strict=True)))
        if score > 0:
            regions.append(Region(Box(*(float(v) for v in row)), score, phrase))
    regions.sort(key=lambda r: -r.score)
    kept: list[Region] = []
    for region in [r for r in regions if r.score >= MIN_SCORE] or regions[:1]:
        if all(region.box.iou(other.box) < OVERLAP for other in kept):
            kept.append(region)
    return kept[:MAX_REGIONS]
