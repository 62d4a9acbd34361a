"""Sentence against image: learnt projections of what the heads read of a photograph, and of MiniLM vectors, into one
space."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.encoders.coco import CATEGORIES, CLASS_COUNT
from models.encoders.heads import CLASS_SCORES
from models.encoders.trunk import CELL_CHANNELS

CAPTION_DIM = 384
TEXT_DIM = 384
HIDDEN = 512
POOLED = 4 * CELL_CHANNELS
PARTS = ((len(CATEGORIES), 80), (CLASS_SCORES * CLASS_COUNT, 200), (POOLED, 100), (POOLED, 100))
"""Width of each part of the inputs and features made of it: logits, class log-probabilities, pooled cells of the tail
that keeps the classes, of the one that was tuned for the categories."""

WIDTHS = [width for width, _ in PARTS]
FEATURES = sum(count for _, count in PARTS)
MEMBERS = 6


class Components(nn.Module):
    """Linear features of one part of the inputs: (n, width) to (n, count)."""

    mean: Tensor
    axes: Tensor

    def __init__(self, width: int, count: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("axes", torch.zeros(count, width))

    def forward(self, inputs: Tensor) -> Tensor:
        return (inputs - self.mean) @ self.axes.T


class ImageMember(nn.Module):
    """One projection of features (n, 480) to unit vectors."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(FEATURES, CAPTION_DIM)
        self.hidden = nn.Linear(FEATURES, HIDDEN)
        self.out = nn.Linear(HIDDEN, CAPTION_DIM)

    def forward(self, features: Tensor) -> Tensor:
        return F.normalize(self.linear(features) + self.out(F.gelu(self.hidden(features))), dim=-1)


class CaptionHead(nn.Module):
    """`image`: (n, 14320) inputs to unit vectors; `text`: MiniLM vectors (n, 384) to unit vectors of the same space.

    The image side is the mean of several projections that were trained towards one text side.
    """

    def __init__(self) -> None:
        super().__init__()
        self.parts = nn.ModuleList(Components(width, count) for width, count in PARTS)
        self.members = nn.ModuleList(ImageMember() for _ in range(MEMBERS))
        self.words = nn.Linear(TEXT_DIM, CAPTION_DIM)

    @staticmethod
    def inputs(logits: Tensor, class_logs: Tensor, kept: Tensor, tuned: Tensor) -> Tensor:
        """From (..., 80) logits, (..., 4, 1000) log-probabilities and (..., 5120) pooled cells of both tails to
        (..., 14320)."""
        logs = (class_logs.float().exp() + 1e-4).log().flatten(-2)
        return torch.cat([logits.clamp(-8, 4), logs, kept, tuned], -1)

    def features(self, inputs: Tensor) -> Tensor:
        """Scaled logits and principal components, (n, 480)."""
        return torch.cat([part(x) for part, x in zip(self.parts, torch.split(inputs, WIDTHS, -1), strict=True)], -1)

    def image(self, inputs: Tensor) -> Tensor:
        features = self.features(inputs)
        return F.normalize(torch.stack([member(features) for member in self.members]).mean(0), dim=-1)

    def text(self, sentences: Tensor) -> Tensor:
        return F.normalize(self.words(sentences), dim=-1)
