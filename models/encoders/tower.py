"""The image tower of the offline profile: one look at a photograph gives everything that is stored of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn

from models.encoders.appearance import Appearance
from models.encoders.captions import CAPTION_DIM, CaptionHead
from models.encoders.coco import CATEGORIES, CLASS_COUNT
from models.encoders.detector import Dense, Detector, best_logits, decode, fuse
from models.encoders.heads import PROBABILITY_FLOOR, ConceptHeads, ImageScores, ScaleScores
from models.encoders.media import MediaHead, medium_features
from models.encoders.patches import PatchHead, box_means, patch_boxes
from models.encoders.preprocess import SCALES, prepare
from models.encoders.trunk import Maps, Trunk
from thresher.types import ImageFeatures, Medium, Patches, Pixels, Proposals

CONCEPT_COUNT = len(CATEGORIES) + CLASS_COUNT
VECTOR_DIM = CONCEPT_COUNT + CAPTION_DIM
PROPOSALS = 50
BOX_CATEGORIES, BOX_CLASSES = 8, 4
"""Scores kept of each proposal: the best detector categories and the best ImageNet classes."""


@dataclass(frozen=True, slots=True)
class Look:
    """One image at one scale: the maps and cells (1280, h, w), f32, of the tail that keeps the classes, the scores of
    both tails, and what the detector says."""

    maps: Maps
    cells: Tensor
    kept: ScaleScores
    tuned: ScaleScores
    dense: Dense

    @property
    def objects(self) -> Tensor:
        """The cell logits of the tail that was tuned for the categories, (1, 80, h, w)."""
        return self.tuned.logits.T.reshape(1, -1, *self.cells.shape[1:])


class OfflineTower(nn.Module):
    """Trunk, its second tail and the heads. Stands in for the visual tower of the open_clip model, with its own
    preprocessing.

    The trunk runs in bf16 (3 % relative error against f32, half of its time), the heads in f32.
    """

    def __init__(self, trunk: Trunk) -> None:
        super().__init__()
        self.trunk = trunk
        self.objects = trunk.branch()
        self.heads = ConceptHeads()
        self.appearance = Appearance()
        self.captions = CaptionHead()
        self.detector = Detector()
        self.patch_head = PatchHead()
        self.media = MediaHead()

    def load(self, folder: Path) -> None:
        """Load the trained parts from their files and fix everything for inference."""
        for name, trunk in (("tail", self.trunk), ("objects", self.objects)):
            trunk.load_state_dict(load_file(folder / f"{name}.safetensors"), strict=False)
            trunk.halve()
        parts: Mapping[str, nn.Module] = {
            "concepts": self.heads,
            "appearance": self.appearance,
            "captions": self.captions,
            "detector": self.detector,
            "patches": self.patch_head,
            "media": self.media,
        }
        for name, part in parts.items():
            part.load_state_dict(load_file(folder / f"{name}.safetensors"))
        self.eval().requires_grad_(False)

    def maps(self, image: Pixels, long_side: int) -> Maps:
        """The trunk's maps of one image at one scale (bf16)."""
        maps: Maps = self.trunk(prepare(image, long_side).bfloat16())
        return maps

    def look(self, image: Pixels, long_side: int) -> Look:
        """Everything of one image at one scale."""
        low = self.trunk.lower(prepare(image, long_side).bfloat16())
        maps = low.maps(self.trunk.tail(low.tail))
        cells = self.trunk.cells(maps.s32)[0].float()
        kept = self.heads.kept.scale(cells.flatten(1).T, self.trunk)
        others = self.objects.cells(self.objects.tail(low.tail))[0].float()
        tuned = self.heads.tuned.scale(others.flatten(1).T, self.objects)
        cell_logits = kept.logits.T.reshape(1, -1, *cells.shape[1:])
        dense = self.detector(maps.s8.float(), maps.s16.float(), maps.s32.float(), cell_logits)
        return Look(maps, cells, kept, tuned, dense)

    def looks(self, image: Pixels) -> list[Look]:
        """One image at every scale."""
        return [self.look(image, scale) for scale in SCALES]

    def boxes(self, looks: Sequence[Look]) -> list[Dense]:
        """What the detector says at each scale, all evidence together."""
        return fuse([look.dense for look in looks], [look.objects for look in looks])

    def scores(self, looks: Sequence[Look]) -> ImageScores:
        """The concepts' scores of one image."""
        boxes = best_logits([look.dense for look in looks])
        return self.heads.image([look.kept for look in looks], [look.tuned for look in looks], boxes)

    @torch.inference_mode()
    def forward(self, image: Pixels) -> ImageFeatures:
        """Everything that is stored of one upright image."""
        return self.features(image, self.looks(image))

    @torch.inference_mode()
    def query(self, image: Pixels, medium: Medium) -> NDArray[np.float32]:
        """What is looked for with a picture of a medium: f32 (256,), unit."""
        if medium is Medium.PHOTOGRAPH:
            return self.forward(image).appearance
        sought: Tensor = self.media.query(medium_features(self.trunk, image), medium, self.appearance)
        return sought.numpy()

    def features(self, image: Pixels, looks: Sequence[Look]) -> ImageFeatures:
        """Everything that is stored, from the looks at the image."""
        scores = self.scores(looks)
        pooled = torch.cat([look.kept.pooled for look in looks])
        tuned = torch.cat([look.tuned.pooled for look in looks])
        inputs = self.captions.inputs(scores.logits, scores.class_logs, pooled, tuned)
        probabilities = torch.cat([scores.logits.sigmoid(), scores.classes])
        probabilities = probabilities.clamp(PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR)
        vector = torch.cat([probabilities, self.captions.image(inputs)])
        appearance = self.appearance(pooled, torch.stack([look.kept.mean for look in looks]))
        proposals = self.proposals(image, looks)
        patches = self.patches(image, looks, proposals)
        return ImageFeatures(vector.numpy(), appearance.numpy(), proposals, patches)

    def proposals(self, image: Pixels, looks: Sequence[Look]) -> Proposals:
        """The best boxes, each with its best categories and ImageNet classes."""
        found = decode(self.boxes(looks), PROPOSALS)
        if not len(found.boxes):
            return Proposals.none()
        scores = self.detector.calibrated(found.scores, self.scores(looks).logits)
        value, category = scores.topk(BOX_CATEGORIES)
        category = torch.where(value > 0, category, -1)
        classes = F.softmax(self.trunk.classes(box_means(looks[-1].cells, found.boxes)), -1)
        class_value, class_index = classes.topk(BOX_CLASSES)
        size = torch.tensor([image.shape[1], image.shape[0]] * 2)
        return Proposals(
            boxes=(found.boxes * size).numpy(),
            concepts=torch.cat([category, class_index + len(CATEGORIES)], 1).to(torch.int16).numpy(),
            scores=torch.cat([value, class_value], 1).numpy(),
        )

    def patches(self, image: Pixels, looks: Sequence[Look], proposals: Proposals) -> Patches:
        """The patch vectors of an image: of the whole, of a grid and of its best proposals."""
        size = torch.tensor([image.shape[1], image.shape[0]] * 2)
        boxes = patch_boxes(torch.from_numpy(proposals.boxes) / size)
        vectors = self.patch_head.patches(looks[-1].cells, boxes)
        return Patches(vectors.half().numpy(), (boxes * size).numpy())
