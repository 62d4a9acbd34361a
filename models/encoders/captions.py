"""Sentence against image: a learnt projection of class scores, and of MiniLM vectors, into one space."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.encoders.coco import CATEGORIES, CLASS_COUNT
from models.encoders.heads import CLASS_SCORES

CAPTION_DIM = 384
TEXT_DIM = 384
HIDDEN = 512
INPUTS = len(CATEGORIES) + CLASS_SCORES * CLASS_COUNT


class CaptionHead(nn.Module):
    """`image`: (n, 4080) inputs to unit vectors; `text`: MiniLM vectors (n, 384) to unit vectors of the same space."""

    mean: Tensor
    deviation: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(INPUTS, CAPTION_DIM)
        self.hidden = nn.Linear(INPUTS, HIDDEN)
        self.out = nn.Linear(HIDDEN, CAPTION_DIM)
        self.words = nn.Linear(TEXT_DIM, CAPTION_DIM)
        self.register_buffer("mean", torch.zeros(INPUTS))
        self.register_buffer("deviation", torch.ones(INPUTS))

    @staticmethod
    def inputs(logits: Tensor, class_logs: Tensor) -> Tensor:
        """From (..., 80) logits and (..., 4, 1000) log-probabilities to (..., 4080)."""
        logs = (class_logs.float().exp() + 1e-4).log().flatten(-2)
        return torch.cat([logits.clamp(-8, 4), logs], -1)

    def image(self, inputs: Tensor) -> Tensor:
        x = (inputs - self.mean) / self.deviation
        return F.normalize(self.linear(x) + self.out(F.gelu(self.hidden(x))), dim=-1)

    def text(self, sentences: Tensor) -> Tensor:
        return F.normalize(self.words(sentences), dim=-1)
