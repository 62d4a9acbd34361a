"""The image tower of the offline profile: one look at a photograph gives everything that is stored of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from models.encoders.appearance import Appearance
from models.encoders.captions import CAPTION_DIM, CaptionHead
from models.encoders.coco import CATEGORIES, CLASS_COUNT
from models.encoders.detector import Detector, decode
from models.encoders.heads import PROBABILITY_FLOOR, ConceptHeads, ScaleScores
from models.encoders.preprocess import SCALES, prepare
from models.encoders.trunk import Maps, Trunk
from thresher.types import ImageFeatures, Pixels, Proposals

CONCEPT_COUNT = len(CATEGORIES) + CLASS_COUNT
VECTOR_DIM = CONCEPT_COUNT + CAPTION_DIM
PROPOSALS = 50
BOX_CATEGORIES, BOX_CLASSES = 8, 4
"""Scores kept of each proposal: the best detector categories and the best ImageNet classes."""

MIN_BOX_SCORE = 0.005


@dataclass(frozen=True, slots=True)
class Look:
    """One image at one scale: the trunk's maps, its cells (1280, h, w) in f32, and their scores."""

    maps: Maps
    cells: Tensor
    scores: ScaleScores


class OfflineTower(nn.Module):
    """Trunk and heads. Stands in for the visual tower of the open_clip model, with its own preprocessing.

    The trunk runs in bf16 (3 % relative error against f32, half of its time), the heads in f32.
    """

    def __init__(self, trunk: Trunk) -> None:
        super().__init__()
        self.trunk = trunk
        self.heads = ConceptHeads()
        self.appearance = Appearance()
        self.captions = CaptionHead()
        self.detector = Detector()

    def load(self, folder: Path) -> None:
        """Load the trained parts from their files and fix everything for inference."""
        self.trunk.load_state_dict(load_file(folder / "tail.safetensors"), strict=False)
        parts: Mapping[str, nn.Module] = {
            "concepts": self.heads,
            "appearance": self.appearance,
            "captions": self.captions,
            "detector": self.detector,
        }
        for name, part in parts.items():
            part.load_state_dict(load_file(folder / f"{name}.safetensors"))
        self.trunk.halve()
        self.eval().requires_grad_(False)

    def maps(self, image: Pixels, long_side: int) -> Maps:
        """The trunk's maps of one image at one scale (bf16)."""
        maps: Maps = self.trunk(prepare(image, long_side).bfloat16())
        return maps

    def look(self, maps: Maps) -> Look:
        """The cells and their scores, from the maps of one image."""
        cells = self.trunk.cells(maps.s32)[0].float()
        return Look(maps, cells, self.heads.scale(cells.flatten(1).T, self.trunk.classifier))

    @torch.inference_mode()
    def forward(self, image: Pixels) -> ImageFeatures:
        """Everything that is stored of one upright image."""
        looks = [self.look(self.maps(image, scale)) for scale in SCALES]
        scores = self.heads.image([look.scores for look in looks])
        caption = self.captions.image(self.captions.inputs(scores.logits, scores.class_logs))
        probabilities = torch.cat([scores.logits.sigmoid(), scores.classes])
        vector = torch.cat([probabilities.clamp(PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR), caption])
        pooled = torch.cat([look.scores.pooled for look in looks])
        appearance = self.appearance(pooled, torch.stack([look.scores.mean for look in looks]))
        return ImageFeatures(vector.numpy(), appearance.numpy(), self.proposals(image, looks[-1]))

    def proposals(self, image: Pixels, look: Look) -> Proposals:
        """The best boxes, each with its best categories and ImageNet classes."""
        height, width = look.cells.shape[1:]
        cell_logits = look.scores.logits.T.reshape(1, -1, height, width)
        dense = self.detector(look.maps.s16.float(), look.maps.s32.float(), cell_logits)
        found = decode(dense, PROPOSALS)
        if not len(found.boxes):
            return Proposals.none()
        slope, offset = self.detector.calibration
        scores = torch.where(
            found.scores > MIN_BOX_SCORE, torch.sigmoid(slope * torch.logit(found.scores) + offset), 0.0
        )
        value, category = scores.topk(BOX_CATEGORIES)
        category = torch.where(value > 0, category, -1)
        classes = F.softmax(self.trunk.classifier(box_means(look.cells, found.boxes)), -1)
        class_value, class_index = classes.topk(BOX_CLASSES)
        size = torch.tensor([image.shape[1], image.shape[0]] * 2)
        return Proposals(
            boxes=(found.boxes * size).numpy(),
            concepts=torch.cat([category, class_index + len(CATEGORIES)], 1).to(torch.int16).numpy(),
            scores=torch.cat([value, class_value], 1).numpy(),
        )


def box_means(cells: Tensor, boxes: Tensor) -> Tensor:
    """Mean cell inside each box: (1280, h, w), (n, 4) in 0..1 to (n, 1280). A box takes at least its centre's cell."""
    height, width = cells.shape[1:]
    scale = torch.tensor([width, height, width, height])
    corners = boxes * scale
    low = corners[:, :2].floor().long()
    high = corners[:, 2:].ceil().long()
    sums = F.pad(cells.double().cumsum(1).cumsum(2), (1, 0, 1, 0))
    x0, x1 = low[:, 0].clamp(0, width - 1), high[:, 0].clamp(max=width)
    y0, y1 = low[:, 1].clamp(0, height - 1), high[:, 1].clamp(max=height)
    x1, y1 = torch.maximum(x1, x0 + 1), torch.maximum(y1, y0 + 1)
    total = sums[:, y1, x1] - sums[:, y0, x1] - sums[:, y1, x0] + sums[:, y0, x0]
    return (total / ((x1 - x0) * (y1 - y0))).T.float()
