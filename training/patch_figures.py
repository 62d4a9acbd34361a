"""Figures of patch and phrase vectors: caption to photograph, category to photograph, region to region.

python -m training.patch_figures      the test fold, by the weights that ship; the part `patches` of figures.json
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from models.encoders.captions import CAPTION_DIM
from models.encoders.chunks import queries
from models.encoders.coco import CATEGORIES
from models.encoders.offline import OfflineEncoder, load_offline
from models.encoders.patches import PATCH_DIM, box_means
from models.encoders.preprocess import SCALES
from thresher.types import Pixels
from training.data import (
    TEST_FOLD,
    Photo,
    Thing,
    image_labels,
    load_captions,
    load_photos,
    read_pixels,
    weights_folder,
)
from training.metrics import mean_average_precision
from training.questions import DRAWS, draw_questions

CAPTION_FUSION = 0.5
"""What the mean MaxSim counts beside the cosine of the caption vector; chosen on fold 4."""

LOGIT_FUSION = 4.0
"""What a category's MaxSim counts beside the logit of its probability; chosen on fold 4."""

GALLERY, GALLERY_DRAWS = 200, 20
SIZES = (10, 100)
QUESTIONS = 1000
LEAST_AREA = 0.01
"""Part of its photograph that a queried object covers at least."""

OBJECTS, COPIES = 600, 150
PERSON = CATEGORIES.index("person")


def recalls(scores: NDArray[np.float32]) -> dict[str, float]:
    """R@1, 5 and 10 of each caption's own photograph: (5, n, n) scores, among all and in draws of 200."""
    rng = np.random.default_rng(0)
    n = scores.shape[1]
    galleries = {"": [np.arange(n)]}
    if n > GALLERY:
        galleries["_of_200"] = [rng.choice(n, GALLERY, replace=False) for _ in range(GALLERY_DRAWS)]
    found = {}
    for name, draws in galleries.items():
        ranks = []
        for rows in draws:
            part = scores[:, rows][:, :, rows]
            ranks.append((part > np.diagonal(part, axis1=1, axis2=2)[..., None]).sum(-1))
        for k in (1, 5, 10):
            found[f"recall_at_{k}{name}"] = float((np.array(ranks) < k).mean())
    return found


def best_patches(vectors: Tensor, patches: Sequence[Tensor]) -> Tensor:
    """Best cosine of each vector (q, 64) in each photograph's patches [(p, 64)]: (q, photographs)."""
    return torch.stack([(vectors @ one.T).amax(1) for one in patches], 1)


def needle_recalls(scores: NDArray[np.float32], shown: NDArray[np.bool_]) -> dict[str, float]:
    """How often the one photograph with a category is the first, or among the first five, of a haystack."""
    found = {}
    for draw in DRAWS:
        for size in SIZES:
            ranks = []
            for q in draw_questions(shown, size, QUESTIONS, draw, seed=7):
                ranked = q.haystack[np.argsort(-scores[q.haystack, q.x], kind="stable")]
                ranks.append(int(np.flatnonzero(ranked == q.needle)[0]))
            for k in (1, 5):
                found[f"{draw} {size} recall_at_{k}"] = float((np.array(ranks) < k).mean())
    return found


@dataclass(frozen=True, slots=True)
class Query:
    """An object of a photograph (its row) that others are looked for by."""

    row: int
    thing: Thing


def draw_objects(photos: Sequence[Photo], count: int) -> list[Query]:
    """Objects other than people that are not tiny, in a random order."""
    found = [
        Query(n, t)
        for n, photo in enumerate(photos)
        for t in photo.things
        if not t.crowd and t.category != PERSON and t.area > LEAST_AREA
    ]
    order = np.random.default_rng(0).permutation(len(found))[:count]
    return [found[i] for i in order]


def region_precision(
    asked: list[Query], vectors: Tensor, patches: list[Tensor], shown: NDArray[np.bool_]
) -> dict[str, float]:
    """Share of the nearest photographs, by their best patch, that show the object's category; its own left out."""
    scores = best_patches(vectors, patches)
    scores[torch.arange(len(asked)), [q.row for q in asked]] = -2
    hits = np.stack(
        [shown[top, q.thing.category] for q, top in zip(asked, scores.topk(5).indices.numpy(), strict=True)]
    )
    chance = np.mean([shown[:, q.thing.category].mean() for q in asked])
    return {"precision_at_1": float(hits[:, 0].mean()), "precision_at_5": float(hits.mean()), "chance": float(chance)}


def copies(pixels: Pixels, thing: Thing) -> dict[str, tuple[Pixels, tuple[float, float, float, float]]]:
    """Changed copies of a photograph and where the object is in each: cut out with half its size around it, mirrored,
    at half the size."""
    height, width = pixels.shape[:2]
    x0, y0, x1, y1 = thing.box
    dx, dy = (x1 - x0) / 2, (y1 - y0) / 2
    left, top = int(max(0, x0 - dx) * width), int(max(0, y0 - dy) * height)
    right, bottom = int(np.ceil(min(1, x1 + dx) * width)), int(np.ceil(min(1, y1 + dy) * height))
    w, h = right - left, bottom - top
    inside = ((x0 * width - left) / w, (y0 * height - top) / h, (x1 * width - left) / w, (y1 * height - top) / h)
    half = Image.fromarray(pixels).resize((max(32, width // 2), max(32, height // 2)), Image.Resampling.BICUBIC)
    return {
        "crop": (np.ascontiguousarray(pixels[top:bottom, left:right]), inside),
        "flip": (np.ascontiguousarray(pixels[:, ::-1]), (1 - x1, y0, 1 - x0, y1)),
        "half": (np.asarray(half), thing.box),
    }


@torch.inference_mode()
def region(encoder: OfflineEncoder, pixels: Pixels, box: tuple[float, float, float, float]) -> Tensor:
    """The vector of one region of a photograph, (64,), as a query has it."""
    cells = encoder.tower.look(pixels, SCALES[-1]).cells
    vectors: Tensor = encoder.tower.patch_head(box_means(cells, torch.tensor([box])))
    return vectors[0]


def own_photograph(encoder: OfflineEncoder, photos: Sequence[Photo], patches: list[Tensor]) -> dict[str, float]:
    """How often the region of a changed copy finds its own photograph first, by the best patch."""
    found: dict[str, list[bool]] = {}
    for q in draw_objects(photos, COPIES):
        for name, (pixels, box) in copies(read_pixels(photos[q.row].path), q.thing).items():
            best = best_patches(region(encoder, pixels, box)[None], patches)[0].argmax()
            found.setdefault(f"own_photograph_{name}", []).append(int(best) == q.row)
    return {name: float(np.mean(hits)) for name, hits in found.items()}


@torch.inference_mode()
def caption_scores(
    encoder: OfflineEncoder, texts: Sequence[Sequence[str]], vectors: NDArray[np.float32], patches: Sequence[Tensor]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Of five captions of each photograph against all: mean MaxSim, and the caption vector's cosine, (5, n, n)."""
    late, whole = np.zeros((2, 5, len(texts), len(texts)), np.float32)
    for n, written in enumerate(texts):
        for k in range(5):
            parts = encoder.reader.sentences(queries(written[k % len(written)]))
            late[k, n] = best_patches(encoder.tower.patch_head.text(parts), patches).mean(0)
            whole[k, n] = vectors[:, -CAPTION_DIM:] @ encoder.tower.captions.text(parts[:1])[0].numpy()
    return late, whole


@torch.inference_mode()
def figures(photos: Sequence[Photo], encoder: OfflineEncoder) -> dict[str, float]:
    """Everything about the given photographs."""
    objects = draw_objects(photos, OBJECTS)
    vectors, patches = [], []
    regions = torch.zeros(len(objects), PATCH_DIM)
    for n, photo in enumerate(photos):
        pixels = read_pixels(photo.path)
        looks = encoder.tower.looks(pixels)
        features = encoder.tower.features(pixels, looks)
        vectors.append(features.vector)
        patches.append(torch.from_numpy(features.patches.vectors).float())
        for row, q in enumerate(objects):
            if q.row == n:
                regions[row] = encoder.tower.patch_head(box_means(looks[-1].cells, torch.tensor([q.thing.box])))[0]
    stored, shown = np.stack(vectors), image_labels(list(photos))
    probabilities = stored[:, : len(CATEGORIES)]
    names = torch.from_numpy(np.concatenate([encoder.reader.phrases(name) for name in CATEGORIES]))
    by_patch = best_patches(names, patches).T.numpy()
    fused = np.log(probabilities / (1 - probabilities)) + LOGIT_FUSION * by_patch
    found = {"patches_a_photograph": float(np.mean([len(p) for p in patches]))}
    for name, scores in (("probability", probabilities), ("patches", by_patch), ("fused", fused)):
        found[f"map {name}"] = mean_average_precision(scores, shown)
        found |= {f"needle {key} {name}": value for key, value in needle_recalls(scores, shown).items()}
    found |= {f"region {key}": value for key, value in region_precision(objects, regions, patches, shown).items()}
    found |= {f"region {key}": value for key, value in own_photograph(encoder, photos, patches).items()}
    written = load_captions()
    rows = [n for n, photo in enumerate(photos) if photo.id in written]
    texts = [written[photos[n].id] for n in rows]
    late, whole = caption_scores(encoder, texts, stored[rows], [patches[n] for n in rows])
    for name, scores in (("caption_vector", whole), ("patches", late), ("fused", whole + CAPTION_FUSION * late)):
        found |= {f"caption {key} {name}": value for key, value in recalls(scores).items()}
    return {name: round(value, 4) for name, value in found.items()}


def main() -> None:
    encoder, _ = load_offline(weights_folder())
    photos = [photo for photo in load_photos("coco") if photo.fold == TEST_FOLD]
    path = weights_folder() / "figures.json"
    known = json.loads(path.read_text()) | {"patches": figures(photos, encoder)}
    path.write_text(json.dumps(known, indent=1) + "\n")
    print(json.dumps(known["patches"], indent=1))


if __name__ == "__main__":
    main()
