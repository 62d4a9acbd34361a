"""Fit every threshold and decision on out-of-fold scores: judge.json, text.json, the detector's calibration.

    python -m training.calibrate

Nothing here sees the test fold. Image scores are those of `training.stack`, box scores
those of the detector trained without fold 4.
"""

from __future__ import annotations

import json

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor

from models.encoders.clip import build_clip, build_tokenizer
from models.encoders.coco import CATEGORIES, CLASS_COUNT
from models.encoders.detector import MIN_SCORE, decode, pairwise_iou
from models.encoders.phrases import class_names, class_synonyms, lookup
from models.encoders.text import SentenceEncoder, Vocabulary, prompt
from models.encoders.tower import PROPOSALS
from training.data import Photo, cache_folder, weights_folder
from training.detector import detector_path
from training.material import Material, load_material
from training.questions import DRAWS, draw_many, draw_questions
from training.stack import HeldFold
from training.trunks import HELD_FOLD
from training.unknown_words import UNKNOWN_WORDS

NO_DETECTOR = 1.01
"""Over every score: no detector finds an ImageNet class, and its parts look as much like it as the whole."""

CLASS_BASE_RATE = 0.01
FALSE_READINGS = 0.05
"""Part of the words without a concept that may be read as their neighbours."""

SEVERAL_SIZES = (5, 10, 20, 50, 100)
BOX_GRID = np.arange(0.1, 0.81, 0.02)
PRIOR_COUNT = 20.0
"""A category's own threshold counts as much as the common one from this many positives on."""


def fit_logistic(x: Tensor, y: Tensor, penalty: float = 1e-3) -> Tensor:
    """Weights of a logistic regression; x (n, k) with its own constant column."""
    weight = torch.zeros(x.shape[1], requires_grad=True)
    optimizer = torch.optim.LBFGS([weight], max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = F.binary_cross_entropy_with_logits(x @ weight, y) + penalty * weight.pow(2).sum()
        torch.autograd.backward(loss)
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return weight.detach()


def fit_asked(logits: NDArray[np.float32], shown: NDArray[np.bool_], base: NDArray[np.float64]) -> list[float]:
    """Weights of [logit p, logit base rate, 1] on questions of both draws about single photographs."""
    rows, answers = [], []
    for draw in DRAWS:
        for q in draw_questions(shown, 1, 6000, draw, seed=7):
            rows.append([logits[q.needle, q.y].clip(-13, 13), np.log(base[q.y] / (1 - base[q.y])), 1.0])
            answers.append(float(q.answer))
    x, y = torch.tensor(np.array(rows), dtype=torch.float32), torch.tensor(answers)
    weight = fit_logistic(x, y)
    print("asked", weight.tolist(), "accuracy", float((((x @ weight) > 0) == (y > 0)).float().mean()))
    return [float(w) for w in weight]


def fit_asked_of_several(
    p: NDArray[np.float64], shown: NDArray[np.bool_], base: NDArray[np.float64]
) -> dict[str, list[float]]:
    """The same for questions about all or any of 2 or 3 photographs of a haystack, where the probability is the part of
    those with X that is expected to show Y."""
    rows: dict[bool, list[list[float]]] = {True: [], False: []}
    answers: dict[bool, list[float]] = {True: [], False: []}
    for draw in DRAWS:
        for size in SEVERAL_SIZES:
            for q in draw_many(shown, size, 1500, seed=7, draw=draw):
                first, second = p[q.haystack, q.x], p[q.haystack, q.y]
                part = float(np.clip((first * second).sum() / first.sum(), 1e-6, 1 - 1e-6))
                rows[q.every].append([np.log(part / (1 - part)), np.log(base[q.y] / (1 - base[q.y])), 1.0])
                answers[q.every].append(float(q.answer))
    found = {}
    for every, name in ((True, "asked_all"), (False, "asked_any")):
        inputs, y = torch.tensor(rows[every], dtype=torch.float32), torch.tensor(answers[every])
        weight = fit_logistic(inputs, y)
        print(name, weight.tolist(), "accuracy", float((((inputs @ weight) > 0) == (y > 0)).float().mean()))
        found[name] = [float(w) for w in weight]
    return found


def matching_thresholds(scores: NDArray[np.float32], wanted: NDArray[np.int64], common: float) -> list[float]:
    """For each column of scores the threshold with as many scores above it as `wanted`, drawn to a common one."""
    found = []
    for column, count in zip(scores.T, wanted, strict=True):
        ranked = np.sort(column)[::-1]
        own = float((ranked[count - 1] + ranked[count]) / 2) if 0 < count < len(ranked) else common
        share = count / (count + PRIOR_COUNT)
        found.append(round(float(np.clip(share * own + (1 - share) * common, 0.05, 0.95)), 4))
    return found


def box_table(photos: list[Photo], image_logits: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """All (box, category) pairs of the held-out detector on its fold: logit of the raw score with the category's logit
    in the photograph (n, 2), category, correct (IoU >= .5), photograph. `image_logits` (photographs, 80)."""
    fold = HeldFold([photo.key for photo in photos])
    scores, categories, correct, owners = [], [], [], []
    with torch.inference_mode():
        for n, photo in enumerate(photos):
            found = decode(fold.boxes(n), PROPOSALS)
            for category in range(len(CATEGORIES)):
                use = found.scores[:, category] > MIN_SCORE
                if not use.any():
                    continue
                value = found.scores[use, category]
                true = [t.box for t in photo.things if t.category == category and not t.crowd]
                hit = torch.zeros(len(value))
                if true:
                    overlap = pairwise_iou(found.boxes[use], torch.tensor(true))
                    for i in value.argsort(descending=True):
                        best = int(overlap[i].argmax())
                        if overlap[i, best] >= 0.5:
                            hit[i] = 1.0
                            overlap[:, best] = 0.0
                image = image_logits[n, category].clamp(-8, 8).expand_as(value)
                scores.append(torch.stack([torch.logit(value, 1e-6), image], 1))
                categories.append(torch.full((len(value),), category))
                correct.append(hit)
                owners.append(torch.full((len(value),), n))
    return torch.cat(scores), torch.cat(categories), torch.cat(correct), torch.cat(owners)


def fit_boxes(material: Material, image_logits: Tensor) -> list[float]:
    """Write the detector's calibration and return the counting thresholds of the categories' boxes.

    A threshold has the least relative error (at most 1) of the number of objects, summed over the fold's photographs;
    a category's own one is drawn to the common one.
    """
    photos = [photo for photo in material.photos.values() if photo.fold == HELD_FOLD]
    scores, category, correct, owner = box_table(photos, image_logits)
    x = torch.cat([scores, torch.ones_like(scores[:, :1])], 1)
    weight = fit_logistic(x, correct, penalty=0.0)
    path = detector_path(None)
    save_file({**load_file(path), "calibration": weight}, path)
    calibrated = torch.sigmoid(x @ weight).numpy()
    true = np.zeros((len(photos), len(CATEGORIES)))
    for n, photo in enumerate(photos):
        np.add.at(true[n], [t.category for t in photo.things if not t.crowd], 1)
    errors = np.zeros((len(BOX_GRID), len(CATEGORIES)))
    for k, threshold in enumerate(BOX_GRID):
        counted = np.zeros_like(true)
        over = calibrated >= threshold
        np.add.at(counted, (owner.numpy()[over], category.numpy()[over]), 1)
        errors[k] = np.minimum(np.abs(counted - true) / np.maximum(true, 1), 1).sum(0)
    common = BOX_GRID[errors.sum(1).argmin()]
    share = true.sum(0) / (true.sum(0) + PRIOR_COUNT)
    as_good = errors <= errors.min(0) + 0.5
    own = BOX_GRID[np.where(as_good, np.abs(BOX_GRID - common)[:, None], np.inf).argmin(0)]
    shown = int((true > 0).sum())
    print(f"boxes {weight.tolist()}: common threshold {common:.2f}, error {errors.sum(1).min():.0f} of {shown}")
    return [round(float(v), 3) for v in share * own + (1 - share) * common]


def fit_nearness() -> dict[str, float]:
    """Least cosine of the nearest concept at which a word outside the table is read as its neighbours.

    Right: WordNet synonyms among whose three nearest concepts is the right one. Wrong: words that have no concept,
    and the other synonyms. The threshold lets at most `FALSE_READINGS` of the wrong ones through; its rates are
    measured over halves, each with the threshold of the other.
    """
    encode = SentenceEncoder(build_clip(), build_tokenizer())
    vocabulary = Vocabulary.load(weights_folder() / "vocabulary.safetensors")
    cosine, right = [], []
    for index, names in enumerate(class_synonyms()):
        for name in names[1:3]:
            if name.lower() != class_names()[index].lower():
                value, near = vocabulary.nearest(encode([prompt(name.lower())])[0], 3)
                cosine.append(float(value[0]))
                right.append(index + len(CATEGORIES) in near.tolist())
    for word in UNKNOWN_WORDS:
        if lookup(word) is None:
            cosine.append(float(vocabulary.nearest(encode([prompt(word)])[0], 1)[0][0]))
            right.append(False)
    c, r = np.array(cosine), np.array(right)

    def least(rows: NDArray[np.bool_]) -> float:
        return float(np.quantile(c[rows & ~r], 1 - FALSE_READINGS))

    half = np.arange(len(c)) % 2 == 0
    passed = np.concatenate([c[half] >= least(~half), c[~half] >= least(half)])
    truth = np.concatenate([r[half], r[~half]])
    border = least(half | True)
    print(f"nearness {border:.3f}: read are {passed[truth].mean():.2f} of {truth.sum()} right words,", end=" ")
    print(f"{passed[~truth].mean():.2f} of {(~truth).sum()} wrong ones")
    return {"least": round(border, 3), "temperature": 0.05}


def main() -> None:
    (weights_folder() / "text.json").write_text(json.dumps(fit_nearness(), indent=1) + "\n")
    material = load_material()
    oof = torch.load(cache_folder() / "oof.pt", weights_only=False)
    coco = material.is_coco[oof["rows"]]
    shown = material.labels[oof["rows"]][coco].numpy() == 1
    logits = oof["logits"][coco].numpy()
    p = 1 / (1 + np.exp(-logits))
    base = (material.labels[material.is_coco].numpy() == 1).mean(0).clip(2e-3, 1 - 2e-3)
    common = float(np.sort(p.ravel())[::-1][int(shown.sum())])
    print(f"common threshold of images {common:.3f}")
    judge = {
        "base_rates": [round(float(b), 5) for b in base] + [CLASS_BASE_RATE] * CLASS_COUNT,
        "thresholds": matching_thresholds(p, shown.sum(0), common) + [0.5] * CLASS_COUNT,
        "box_thresholds": fit_boxes(material, torch.from_numpy(logits)) + [NO_DETECTOR] * CLASS_COUNT,
        "asked": fit_asked(logits, shown, base),
        **fit_asked_of_several(p, shown, base),
    }
    (weights_folder() / "judge.json").write_text(json.dumps(judge, indent=None) + "\n")


if __name__ == "__main__":
    main()
