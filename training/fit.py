"""Fitting of the linear heads: global, cell, stack. Each returns the inference module with standardisation folded in.

Labels are 1, 0 or -1 (not used); rows carry weights, so that partially labelled photographs can count less.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.encoders.coco import CATEGORIES
from models.encoders.heads import CellHead, Stack
from models.encoders.trunk import CELL_CHANNELS

COUNT = len(CATEGORIES)
CELL_FACTOR = 1 / 36
"""Scale of standardised cells: about the square root of their number of channels."""


def masked_bce(logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    """Summed binary cross-entropy over labelled entries; `weights` (rows,) or broadcastable."""
    loss = F.binary_cross_entropy_with_logits(logits, (labels == 1).float(), reduction="none")
    return (loss * (labels >= 0) * weights).sum()


def base_rates(labels: Tensor, weights: Tensor) -> Tensor:
    """Weighted share of ones among the labelled entries of each category, kept inside 0.002..0.998."""
    used = (labels >= 0) * weights[:, None]
    return (((labels == 1) * used).sum(0) / used.sum(0).clamp(min=1e-6)).clamp(2e-3, 1 - 2e-3)


def standardise(x: Tensor, floor: float) -> tuple[Tensor, Tensor]:
    """Mean and deviation of each column; `floor` is added to the deviation."""
    return x.mean(0), x.std(0) + floor


def linear_factor(width: int) -> float:
    """Scale of standardised inputs of the overall head, so that one learning rate fits any width."""
    return 4 / math.sqrt(width)


def fit_pooled(pooled: Tensor, labels: Tensor, weights: Tensor) -> nn.Linear:
    """Logistic regression on standardised pooled features: L2 .002, 60 full-batch Adam steps."""
    mean, deviation = standardise(pooled, 0.05)
    factor = linear_factor(pooled.shape[1])
    x = (pooled - mean) / deviation * factor
    weight = torch.zeros(pooled.shape[1], COUNT, requires_grad=True)
    bias = torch.logit(base_rates(labels, weights)).requires_grad_()
    optimizer = torch.optim.Adam([weight, bias], lr=0.03)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 60)
    total = weights.sum()
    for _ in range(60):
        loss = masked_bce(x @ weight + bias, labels, weights[:, None]) / total + 0.002 * weight.pow(2).sum()
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        schedule.step()
    return folded_linear(weight.detach() * factor, bias.detach(), mean, deviation)


def folded_linear(weight: Tensor, bias: Tensor, mean: Tensor, deviation: Tensor) -> nn.Linear:
    """A linear layer on raw inputs from `weight` (inputs, outputs) on standardised ones."""
    folded = weight / deviation[:, None]
    layer = nn.Linear(*weight.shape)
    with torch.no_grad():
        layer.weight.copy_(folded.T)
        layer.bias.copy_(bias - mean @ folded)
    return layer.requires_grad_(False)


def fit_cells(cells: Tensor, priors: Tensor, labels: Tensor, weights: Tensor, seed: int = 0) -> CellHead:
    """Logistic regression on standardised cells and the prior: 3 epochs of Adam, batches of 4,096."""
    torch.manual_seed(seed)
    mean, deviation = standardise(cells[torch.randperm(len(cells))[:20000]].float(), 0.05)
    batch, epochs = 4096, 3
    weight = torch.zeros(CELL_CHANNELS, COUNT, requires_grad=True)
    prior_weight = torch.full((COUNT,), 0.3, requires_grad=True)
    bias = torch.full((COUNT,), -4.0, requires_grad=True)
    groups = [{"params": [weight], "lr": 0.015}, {"params": [prior_weight, bias], "lr": 0.03}]
    optimizer = torch.optim.Adam(groups)
    steps = epochs * math.ceil(len(cells) / batch)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(epochs):
        order = torch.randperm(len(cells))
        for rows in torch.split(order, batch):
            x = (cells[rows].float() - mean) / deviation
            logits = x @ weight * CELL_FACTOR + prior_weight * priors[rows].float() + bias
            loss = masked_bce(logits, labels[rows], weights[rows][:, None]) / len(rows) + 1e-6 * weight.pow(2).sum()
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            schedule.step()
    head = CellHead()
    head.linear = folded_linear(weight.detach() * CELL_FACTOR, bias.detach(), mean, deviation)
    head.prior_weight.data.copy_(prior_weight.detach())
    return head.requires_grad_(False)


def fit_stack(scores: Tensor, labels: Tensor, weights: Tensor, steps: int = 300) -> Stack:
    """Shared weights with small offsets a category over (rows, 80, scores) out-of-fold scores."""
    mean, deviation = scores.mean((0, 1)), scores.std((0, 1))
    x = (scores - mean) / deviation
    shared = torch.full((scores.shape[-1],), 0.3, requires_grad=True)
    offset = torch.zeros(COUNT, scores.shape[-1], requires_grad=True)
    bias = torch.logit(base_rates(labels, weights)).requires_grad_()
    optimizer = torch.optim.Adam([shared, offset, bias], lr=0.03)
    total = weights.sum()
    for _ in range(steps):
        logits = (x * (shared + offset)).sum(-1) + bias
        loss = masked_bce(logits, labels, weights[:, None]) / total
        loss = loss + 1e-3 * (bias - bias.mean()).pow(2).sum() + 0.05 * offset.pow(2).sum()
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
    stack = Stack(scores.shape[-1])
    with torch.no_grad():
        stack.weight.copy_((shared + offset).detach() / deviation)
        stack.bias.copy_(bias.detach() - (stack.weight * mean).sum(-1))
    return stack.requires_grad_(False)
