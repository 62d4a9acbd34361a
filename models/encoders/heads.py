"""What turns the trunk's cells into the stored scores: pooling, scores a category of two tails, their stack, classes.

Shapes: n cells of one image at one scale, 1,280 channels; 80 categories; 1,000 ImageNet classes. All in f32.
The recipe is measured in `training/README.md`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.encoders.coco import CATEGORIES, CLASS_COUNT, evidence
from models.encoders.trunk import CELL_CHANNELS, Trunk

TAIL_SCORES = 6
"""Scores a category from the cells of one tail at both scales."""

STACK_SCORES = 2 * TAIL_SCORES + 2
"""Those of both tails, and the detector's best at each scale."""

CELL_NORM = math.log(30.0)
"""Subtracted from a log-sum-exp over cells, so that it is near the best cell's logit."""

CLASS_SCORES = 4
PROBABILITY_FLOOR = 1e-7


def membership() -> Tensor:
    """(80, 1000) of 0 and 1: which classes' probability counts for a category in the prior."""
    matrix = torch.zeros(len(CATEGORIES), CLASS_COUNT)
    for row, name in zip(matrix, CATEGORIES, strict=True):
        row[list(evidence(name))] = 1.0
    return matrix


def prior_log_odds(class_probabilities: Tensor, members: Tensor) -> Tensor:
    """Log-odds of the summed class probabilities, (n, 80); 0 for categories without a class."""
    p = (class_probabilities @ members.T).clamp(1e-6, 1 - 1e-6)
    return torch.log(p / (1 - p)) * (members.sum(1) > 0)


def pool(cells: Tensor) -> Tensor:
    """Generalised mean (p = 3) and maximum over (n, 1280) cells: (2560,)."""
    return torch.cat([(cells.pow(3).mean(0) + PROBABILITY_FLOOR).pow(1 / 3), cells.amax(0)])


class GlobalHead(nn.Module):
    """Linear on the pooled cells of both scales: (..., 5120) -> (..., 80) logits."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4 * CELL_CHANNELS, len(CATEGORIES))

    def forward(self, pooled: Tensor) -> Tensor:
        logits: Tensor = self.linear(pooled)
        return logits


class CellHead(nn.Module):
    """Linear on each cell, plus the ImageNet prior: (n, 1280), (n, 80) -> (n, 80) logits."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(CELL_CHANNELS, len(CATEGORIES))
        self.prior_weight = nn.Parameter(torch.zeros(len(CATEGORIES)))

    def forward(self, cells: Tensor, prior: Tensor) -> Tensor:
        logits: Tensor = self.linear(cells) + self.prior_weight * prior
        return logits


class Stack(nn.Module):
    """Calibrated logit of each category from its scores: (..., 80, scores) -> (..., 80)."""

    def __init__(self, scores: int = STACK_SCORES) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(len(CATEGORIES), scores))
        self.bias = nn.Parameter(torch.zeros(len(CATEGORIES)))

    def forward(self, scores: Tensor) -> Tensor:
        return (scores * self.weight).sum(-1) + self.bias


def class_logits(log_probabilities: Tensor, weight: Tensor, lead: Tensor, bias: Tensor) -> Tensor:
    """Logit that a class is shown: (..., 4, 1000) and weight (4,) -> (..., 1000).

    `lead` weighs how far a class is ahead of all others: on photos-1k a class at 30 % without a rival was right as
    often as one at 80 % with one.
    """
    score = (weight[:, None] * log_probabilities).sum(-2)
    best, second = score.topk(2, dim=-1).values.chunk(2, dim=-1)
    rival = torch.where(score == best, second, best)
    return score + lead * (score - rival) + bias


class ClassCalibration(nn.Module):
    """Probability that a class is shown, from log-probabilities pooled and of the best cell, both scales."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(CLASS_SCORES))
        self.lead = nn.Parameter(torch.zeros(()))
        self.bias = nn.Parameter(torch.zeros(()))

    def forward(self, log_probabilities: Tensor) -> Tensor:
        """(..., 4, 1000) -> (..., 1000)."""
        return torch.sigmoid(class_logits(log_probabilities, self.weight, self.lead, self.bias))


@dataclass(frozen=True, slots=True)
class ScaleScores:
    """One image at one scale. `prior` and `logits` are (n, 80), `pooled` (2560,), `mean` (1280,).

    `classes` (2, 1000): log-probabilities of the mean cell, and the best log-probability over cells.
    """

    prior: Tensor
    logits: Tensor
    pooled: Tensor
    mean: Tensor
    classes: Tensor


@dataclass(frozen=True, slots=True)
class ImageScores:
    """`logits` (80,) calibrated; `class_logs` (4, 1000) log-probabilities; `classes` (1000,) probabilities."""

    logits: Tensor
    class_logs: Tensor
    classes: Tensor


class CategoryHeads(nn.Module):
    """Scores of the categories from the cells of one tail."""

    def __init__(self) -> None:
        super().__init__()
        self.overall = GlobalHead()
        self.cell = CellHead()
        self.register_buffer("members", membership(), persistent=False)

    def scale(self, cells: Tensor, trunk: Trunk) -> ScaleScores:
        """Scores of one image at one scale, from its (n, 1280) cells by the given trunk."""
        members: Tensor = self.get_buffer("members")
        mean = cells.mean(0)
        logs = F.log_softmax(trunk.classes(torch.cat([cells, mean[None]])), -1)
        prior = prior_log_odds(logs[:-1].exp(), members)
        classes = torch.stack([logs[-1], logs[:-1].amax(0)])
        return ScaleScores(prior, self.cell(cells, prior), pool(cells), mean, classes)

    def scores(self, scales: Sequence[ScaleScores]) -> Tensor:
        """What the stack reads of this tail, (80, 6)."""
        overall = self.overall(torch.cat([scale.pooled for scale in scales]))
        return tail_scores(overall, [s.logits for s in scales], [s.prior for s in scales])


class ConceptHeads(nn.Module):
    """All heads of the concept space. `kept` reads the tail that keeps the ImageNet classes, `tuned` the one that was
    tuned for the categories alone."""

    def __init__(self) -> None:
        super().__init__()
        self.kept = CategoryHeads()
        self.tuned = CategoryHeads()
        self.stack = Stack()
        self.calibration = ClassCalibration()

    def image(self, kept: Sequence[ScaleScores], tuned: Sequence[ScaleScores], boxes: Tensor) -> ImageScores:
        """Combine both scales of one image, and the detector's best scores (80, 2)."""
        stacked = self.stack(torch.cat([self.kept.scores(kept), self.tuned.scores(tuned), boxes], -1))
        class_logs = torch.cat([scale.classes for scale in kept])
        return ImageScores(stacked, class_logs, self.calibration(class_logs))


def tail_scores(overall: Tensor, cell_logits: Sequence[Tensor], priors: Sequence[Tensor]) -> Tensor:
    """Six scores of one image by one tail, (80, 6): overall, best cell x 2, log-sum-exp x 2, best prior."""
    best = [logits.amax(0) for logits in cell_logits]
    sums = [torch.logsumexp(logits, 0) - CELL_NORM for logits in cell_logits]
    prior = torch.stack([p.amax(0) for p in priors]).mean(0)
    return torch.stack([overall, *best, *sums, prior], -1)
