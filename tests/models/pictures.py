"""Synthetic pictures for the models' tests, and where the shipped weights are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from thresher.types import Pixels

WEIGHTS = Path(__file__).resolve().parents[2] / "models" / "offline"


def picture(seed: int, width: int = 320, height: int = 240) -> Pixels:
    """Coloured shapes on a noisy ground: no photograph, but something to look at."""
    rng = np.random.default_rng(seed)
    ground = rng.integers(0, 60, (height // 8, width // 8, 3), dtype=np.uint8)
    image = Image.fromarray(ground).resize((width, height), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    for _ in range(6):
        x, y, r = int(rng.integers(width)), int(rng.integers(height)), int(rng.integers(10, height // 3))
        color = tuple(int(v) for v in rng.integers(60, 256, 3))
        draw.ellipse([x - r, y - r, x + r, y + r], fill=color)
    return np.asarray(image)
