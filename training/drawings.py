"""Pictures that show none of the 80 categories: gradients, noise, textures, flat shapes, charts.

They are labelled negative for every category, so that the heads, which otherwise see photographs with people in 93
of 100, do not take "nothing in particular" for a person. Two disjoint seeds: one trains, one checks.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from thresher.types import Pixels

TRAIN_SEED, CHECK_SEED = 11, 12
KINDS = ("gradient", "noise", "waves", "shapes", "bars", "lines", "grid", "glyph", "cells", "checks")


def _color(rng: np.random.Generator) -> tuple[int, int, int]:
    r, g, b = (int(v) for v in rng.integers(0, 256, 3))
    return r, g, b


def _smooth(rng: np.random.Generator, size: tuple[int, int], cells: int) -> NDArray[np.float32]:
    """Noise in 0..1 of about `cells` bumps across, (h, w)."""
    small = Image.fromarray(rng.integers(0, 256, (cells, cells), dtype=np.uint8))
    return np.asarray(small.resize(size, Image.Resampling.BICUBIC), np.float32) / np.float32(255)


def _tint(rng: np.random.Generator, gray: NDArray[np.float32]) -> Image.Image:
    """Map gray in 0..1 onto a ramp between two colours (or leave it gray)."""
    if rng.random() < 0.4:
        low, high = np.zeros(3), np.full(3, 255.0)
    else:
        low, high = np.array(_color(rng), float), np.array(_color(rng), float)
    return Image.fromarray((low + gray[..., None].clip(0, 1) * (high - low)).clip(0, 255).astype(np.uint8))


def _fields(kind: str, rng: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    x, y = np.meshgrid(np.linspace(0, 1, size[0]), np.linspace(0, 1, size[1]))
    angle = rng.random() * 2 * np.pi
    along = np.cos(angle) * x + np.sin(angle) * y
    if kind == "gradient":
        gray = along if rng.random() < 0.6 else np.hypot(x - rng.random(), y - rng.random())
    elif kind == "noise":
        gray = sum(_smooth(rng, size, int(2 ** rng.uniform(2, 8))) for _ in range(3)) / 3
    elif kind == "waves":
        gray = 0.5 + 0.5 * np.sin(along * rng.uniform(10, 200) + 4 * _smooth(rng, size, int(rng.integers(2, 20))))
    elif kind == "cells":
        bumps = _smooth(rng, size, int(rng.integers(8, 60)))
        gray = np.where(bumps > 0.55, 0.3 + 0.7 * bumps, 0.1 * rng.random()) + 0.05 * rng.standard_normal(bumps.shape)
    else:
        n = int(rng.integers(4, 20))
        gray = (np.floor(x * n) + np.floor(y * n)) % 2
    return _tint(rng, np.asarray(gray, np.float32))


def _drawn(kind: str, rng: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    w, h = size
    image = Image.new("RGB", size, (255, 255, 255) if rng.random() < 0.5 else _color(rng))
    draw = ImageDraw.Draw(image)
    if kind == "shapes":
        for _ in range(int(rng.integers(1, 9))):
            x, y, r = rng.integers(0, w), rng.integers(0, h), rng.integers(h // 12, h // 3)
            box = [int(x - r), int(y - r), int(x + r), int(y + r)]
            getattr(draw, ("ellipse", "rectangle")[int(rng.integers(2))])(box, fill=_color(rng))
    elif kind == "bars":
        n = int(rng.integers(3, 12))
        for i in range(n):
            draw.rectangle(
                [i * w // n + 4, int((h - 12) * rng.random()), (i + 1) * w // n - 4, h - 10], fill=_color(rng)
            )
    elif kind == "lines":
        for _ in range(int(rng.integers(1, 6))):
            ys = np.cumsum(rng.standard_normal(40)) * h / 30 + h / 2
            draw.line([(i * w / 39, float(v)) for i, v in enumerate(ys)], fill=_color(rng), width=3)
        draw.line([(20, 10), (20, h - 20), (w - 10, h - 20)], fill=(0, 0, 0), width=2)
    elif kind == "grid":
        for step in range(0, max(w, h), int(rng.integers(12, 60))):
            draw.line([(step, 0), (step, h)], fill=(120, 120, 120))
            draw.line([(0, step), (w, step)], fill=(120, 120, 120))
    else:
        points = [(w / 2 + rng.normal() * w / 5, h / 2 + rng.normal() * h / 5) for _ in range(int(rng.integers(3, 8)))]
        draw.polygon(points, fill=_color(rng), outline=_color(rng))
        draw.rounded_rectangle([w // 8, h // 8, 7 * w // 8, 7 * h // 8], 20, outline=_color(rng), width=10)
    return image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0, 1.5))))


def drawings(seed: int = TRAIN_SEED, each: int = 16) -> dict[str, Pixels]:
    """`each` pictures of every kind, by key "drawings/<seed>/<n>"."""
    rng = np.random.default_rng(seed)
    pictures: dict[str, Pixels] = {}
    for n in range(each * len(KINDS)):
        kind = KINDS[n % len(KINDS)]
        size = (int(rng.integers(200, 500)), int(rng.integers(200, 500)))
        make = _fields if kind in ("gradient", "noise", "waves", "cells", "checks") else _drawn
        pictures[f"drawings/{seed}/{n}"] = np.asarray(make(kind, rng, size))
    return pictures
