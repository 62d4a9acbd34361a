"""Train what FastVLM adds to its two packages, models/offline/fastvlm.safetensors, from where it is.

    python -m training.fastvlm.train MINUTES      (CPU minutes of one thread; one more run goes on from the last)

Connector and the attention of the first `LAYERS` layers learn whether the noun of the question is among the image's
tokens, read off right behind those layers (a sixth of the cost of all thirty). At first the image's tokens are told
from the labels, then less and less often. Every `CHECK` steps the photographs that choose are asked; the file is
written whenever they are answered better than before.
"""

from __future__ import annotations

import math
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from models.generators import smollm2
from models.generators.fastvlm import assemble
from training.fastvlm.data import (
    Parts,
    Seen,
    balanced_questions,
    frequencies,
    load_parts,
    trained_path,
    training_questions,
)
from training.fastvlm.packing import Tokens, margins, tokens
from training.fastvlm.start import told
from training.metrics import area_under_curve

LAYERS = 4
BATCH = 6
"""Photographs a step."""
MOST_SHOWN = 4
"""Categories that a photograph shows and is asked about; as many absent ones are asked about too."""
CHECK = 100
RATE = 5e-4
TOLD_UNTIL = 0.3
"""Part of the run after which no image's tokens are told from labels."""

Question = tuple[int, int, bool]


class Matcher:
    """FastVLM's connector and the first layers of its language model, with what of them is trained."""

    def __init__(self, model: Any, words: Tokens) -> None:
        self.words = words
        self.connector = model.model.multi_modal_projector
        self.language = model.model.language_model
        self.layers = self.language.layers
        model.requires_grad_(False)
        self.trained: dict[str, nn.Parameter] = {}
        for name, parameter in model.named_parameters():
            if "multi_modal_projector" in name or _is_tuned(name):
                self.trained[name] = parameter.requires_grad_(True)

    def margins(self, images: Tensor, asked: Sequence[Sequence[int]], depth: int | None = LAYERS) -> Tensor:
        """As `training.fastvlm.packing.margins`, read behind `depth` layers."""
        self.language.layers = self.layers[:depth] if depth else self.layers
        try:
            return margins(self.language, self.words, images, asked)
        finally:
            self.language.layers = self.layers

    @torch.no_grad()
    def answers(self, photographs: Sequence[Seen], questions: Sequence[Question], depth: int | None) -> NDArray[Any]:
        """Margins of (photograph, category, shown) questions, in their order."""
        asked: dict[int, list[tuple[int, int]]] = {}
        for place, (photo, category, _) in enumerate(questions):
            asked.setdefault(photo, []).append((place, category))
        found = np.zeros(len(questions), np.float32)
        rows = list(asked.items())
        for n in range(0, len(rows), 4):
            part = rows[n : n + 4]
            images = self.connector(torch.stack([photographs[photo].map for photo, _ in part]).float())
            said = self.margins(images, [[category for _, category in of] for _, of in part], depth)
            found[[place for _, of in part for place, _ in of]] = said.numpy()
        return found

    def save(self, to: Path) -> None:
        save_file({name: p.detach().bfloat16().contiguous() for name, p in self.trained.items()}, to)


def _is_tuned(name: str) -> bool:
    found = any(f"language_model.layers.{layer}." in name for layer in range(LAYERS))
    return found and ("self_attn" in name or "layernorm" in name)


def train(matcher: Matcher, parts: Parts, minutes: float, told_until: float) -> None:
    """Goes on for `minutes` of CPU time; keeps the best of what it saw."""
    choose = random.Random(2)
    weights = frequencies(parts.train)
    connector = [p for name, p in matcher.trained.items() if "projector" in name]
    attention = [p for name, p in matcher.trained.items() if "projector" not in name]
    optimizer = torch.optim.AdamW([*connector, *attention], lr=RATE, betas=(0.9, 0.98), weight_decay=0.01)
    questions = balanced_questions(parts.choose, 2, seed=5)
    before = matcher.answers(parts.choose, questions, LAYERS)
    centre, spread = float(before.mean()), float(before.std())  # the later layers read another scale
    best = auc(before, questions)
    print(f"before: {best:.3f} on {len(questions)} questions", flush=True)
    begin, step, order, mean_loss = time.process_time(), 0, list[int](), 0.7
    while (done := (time.process_time() - begin) / 60 / minutes) < 1:
        if len(order) < BATCH:
            order = choose.sample(range(len(parts.train)), len(parts.train))
        batch = [parts.train[order.pop()] for _ in range(BATCH)]
        drawn = [training_questions(seen, weights, choose, MOST_SHOWN) for seen in batch]
        images = matcher.connector(torch.stack([seen.map for seen in batch]).float())
        is_told = torch.tensor([choose.random() > done / told_until for _ in batch])
        if is_told.any():
            labels = torch.stack([seen.cells() for seen in batch])
            images = torch.where(is_told[:, None, None], told(matcher.connector, labels), images)
        said = matcher.margins(images, [[category for category, _ in of] for of in drawn])
        wanted = torch.tensor([float(shown) for of in drawn for _, shown in of])
        loss = F.binary_cross_entropy_with_logits((said - centre) / spread, wanted)
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1.0, (step + 1) / 20) * (0.05 + 0.475 * (1 + math.cos(math.pi * done)))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_([*connector, *attention], 1.0)
        optimizer.step()
        step += 1
        mean_loss += (loss.item() - mean_loss) / min(step, 20)
        if step % 10 == 0:
            print(f"{step}: loss {mean_loss:.3f}, {done * minutes:.1f} min", flush=True)
        if step % CHECK == 0:
            best = _keep(matcher, parts, questions, best)
    _keep(matcher, parts, questions, best)


def _keep(matcher: Matcher, parts: Parts, questions: Sequence[Question], best: float) -> float:
    found = auc(matcher.answers(parts.choose, questions, LAYERS), questions)
    print(f"  {found:.3f} on the photographs that choose", flush=True)
    if found > best:
        matcher.save(trained_path())
    return max(found, best)


def auc(said: NDArray[Any], questions: Sequence[Question]) -> float:
    return area_under_curve(said, np.array([shown for *_, shown in questions]))


def main() -> None:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    parts = load_parts()
    print(f"{len(parts.train)} photographs train, {len(parts.choose)} choose", flush=True)
    model, processor = assemble(smollm2.model_folder())
    model.load_state_dict({**model.state_dict(), **load_file(trained_path())})
    train(Matcher(model, tokens(processor)), parts, float(sys.argv[1]), TOLD_UNTIL)


if __name__ == "__main__":
    main()
