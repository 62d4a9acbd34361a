"""Fit how a search weighs its witnesses: vector, patches, boxes. The parts `late` and `boxed` of judge.json.

    python -m training.ranking

After `training.calibrate` and `training.patches`. Scores are those of the held fold by models that never saw it. The
weights make the photograph with a category the first of a haystack of 100 (softmax over the haystack; Cao et al.,
Learning to Rank: From Pairwise Approach to Listwise Approach, ICML 2007), half of the haystacks from the held fold,
half from photos-1k; scale and offset then make the result a probability. Prints the recall of weights fitted on the
other half of the photographs.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agents.params import LEAST_BOX
from evaluation.bootstrap import paired_interval
from models.encoders.clip import build_clip, build_tokenizer
from models.encoders.detector import decode
from models.encoders.text import SentenceEncoder
from models.encoders.tower import PROPOSALS
from training.calibrate import fit_logistic
from training.data import cache_folder, weights_folder
from training.material import load_material
from training.patches import Lesson, Texts, load_examples, load_regions, train
from training.stack import HeldFold, load_detector
from training.trunks import HELD_FOLD

SIZE = 100
REPEATS = 4
"""Haystacks for each photograph and category that it shows, of each kind."""

PENALTY = 1e-3
SENTENCE = 0.5
"""What MaxSim counts beside the cosine of a sentence; chosen on the held fold's captions (training.patch_figures)."""

KINDS = ("coco", "photos-1k")


@dataclass(frozen=True, slots=True)
class Witnesses:
    """Of n photographs of the held fold, (n, 80) each: logit of the stored probability, best patch's cosine, logit of
    the best box's score; `labels` 1, 0 or -1; `is_coco` (n,)."""

    similarity: NDArray[np.float32]
    patches: NDArray[np.float32]
    boxes: NDArray[np.float32]
    labels: NDArray[np.int8]
    is_coco: NDArray[np.bool_]


def patch_scores(keys: Sequence[str]) -> NDArray[np.float32]:
    """(n, 80): best patch's cosine with each category's name, by a head that never saw the held fold."""
    examples = load_examples()
    regions, texts = load_regions(HELD_FOLD, examples), Texts(SentenceEncoder(build_clip(), build_tokenizer()))

    def lesson(held: bool) -> Lesson:
        rows = [n for n, one in enumerate(examples) if (one.fold == HELD_FOLD) is held]
        return Lesson.of([examples[n] for n in rows], [regions[n] for n in rows], texts)

    head, seen = train(lesson(False)), lesson(True)
    with torch.inference_mode():
        vectors, names = head(seen.patches[0].float()), head.text(seen.names)
        cosine = torch.einsum("cd,npd->ncp", names, vectors).masked_fill(~seen.used[:, None], -1).amax(2)
    place = {one.key: n for n, one in enumerate(one for one in examples if one.fold == HELD_FOLD)}
    return np.stack([cosine[place[key]].numpy() for key in keys])


@torch.inference_mode()
def box_scores(keys: list[str], logits: Tensor) -> NDArray[np.float32]:
    """(n, 80): logit of the best calibrated box, at least that of `LEAST_BOX`."""
    fold, calibration = HeldFold(keys), load_detector(None)
    best = torch.full((len(keys), logits.shape[1]), LEAST_BOX)
    for n in range(len(keys)):
        found = decode(fold.boxes(n), PROPOSALS)
        if len(found.boxes):
            best[n] = calibration.calibrated(found.scores, logits[n]).amax(0).clamp(min=LEAST_BOX)
    found_logits: NDArray[np.float32] = torch.logit(best, 1e-6).numpy()
    return found_logits


def load_witnesses() -> Witnesses:
    material = load_material()
    oof = torch.load(cache_folder() / "oof.pt", weights_only=False)
    is_coco = material.is_coco[oof["rows"]]
    used = is_coco | np.array([material.keys[row].startswith("photos-1k/") for row in oof["rows"]])
    rows, logits = oof["rows"][used], oof["logits"][torch.from_numpy(used)]
    keys = [material.keys[row] for row in rows]
    return Witnesses(
        logits.numpy(), patch_scores(keys), box_scores(keys, logits), material.labels[rows].numpy(), is_coco[used]
    )


@dataclass(frozen=True, slots=True)
class Haystacks:
    """Rows (q, SIZE) of photographs, the needle first, and the category (q,) that it alone shows."""

    rows: NDArray[np.int64]
    category: NDArray[np.int64]


def draw(seen: Witnesses, kind: str, seed: int) -> Haystacks:
    """Of each photograph of coco/ and category that it shows, where there are distractors enough."""
    random = np.random.default_rng(seed)
    rows, categories = [], []
    mine = seen.is_coco == (kind == "coco")
    for needle, category in zip(*np.nonzero((seen.labels == 1) & seen.is_coco[:, None]), strict=True):
        others = np.flatnonzero((seen.labels[:, category] == 0) & mine)
        if len(others) < SIZE - 1:
            continue
        for _ in range(REPEATS):
            rows.append(np.concatenate([[needle], random.choice(others, SIZE - 1, replace=False)]))
            categories.append(category)
    return Haystacks(np.array(rows), np.array(categories))


def listwise(inputs: Tensor) -> Tensor:
    """Weights (k,) under which the first of each row of (q, n, k) is the likeliest."""
    weight = torch.zeros(inputs.shape[-1])
    weight[0] = 1.0
    weight.requires_grad_()
    optimizer = torch.optim.LBFGS([weight], max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = -torch.log_softmax(inputs @ weight, 1)[:, 0].mean() + PENALTY * weight.pow(2).sum()
        torch.autograd.backward(loss)
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return weight.detach()


def taken(scores: NDArray[np.float32], haystacks: Haystacks) -> Tensor:
    """(q, SIZE, k) of scores (n, 80, k)."""
    return torch.from_numpy(scores[haystacks.rows, haystacks.category[:, None]])


def recall(scores: NDArray[np.float32], haystacks: Haystacks) -> NDArray[np.int64]:
    """Rank of each needle from 0, ties against it, by scores (n, 80)."""
    found = scores[haystacks.rows, haystacks.category[:, None]]
    ranks: NDArray[np.int64] = (found[:, 1:] >= found[:, :1]).sum(1)
    return ranks


def fit(seen: Witnesses, inputs: NDArray[np.float32], haystacks: Sequence[Haystacks]) -> list[float]:
    """Weights of [two inputs (n, 80, 2), 1]: their order by `listwise`, scale and offset by the labels of coco/."""
    weight = listwise(torch.cat([taken(inputs, part) for part in haystacks]))
    score = torch.from_numpy(inputs[seen.is_coco].reshape(-1, 2)) @ weight
    labels = torch.from_numpy(seen.labels[seen.is_coco].reshape(-1) == 1).float()
    scale, offset = fit_logistic(torch.stack([score, torch.ones_like(score)], 1), labels, penalty=0.0).tolist()
    return [round(float(scale * w), 4) for w in weight] + [round(float(offset), 4)]


def fit_stages(seen: Witnesses, haystacks: Sequence[Haystacks]) -> tuple[list[list[float]], list[NDArray[np.float32]]]:
    """Weights of both stages, and the scores (n, 80) before the first and after each."""
    weights, scores = [], [seen.similarity]
    for witness in (seen.patches, seen.boxes):
        inputs = np.stack([scores[-1], witness], -1)
        a, b, c = fit(seen, inputs, haystacks)
        weights.append([a, b, c])
        scores.append((a * inputs[..., 0] + b * inputs[..., 1] + c).astype(np.float32))
    return weights, scores


def part(haystacks: Haystacks, half: int) -> Haystacks:
    use = haystacks.rows[:, 0] % 2 == half
    return Haystacks(haystacks.rows[use], haystacks.category[use])


def main() -> None:
    seen = load_witnesses()
    drawn = [draw(seen, kind, 7) for kind in KINDS]
    for kind, whole in zip(KINDS, drawn, strict=True):
        ranks: list[list[NDArray[np.int64]]] = [[], [], []]
        needles = [str(row) for half in (0, 1) for row in part(whole, half).rows[:, 0]]
        for half in (0, 1):
            _, scores = fit_stages(seen, [part(one, 1 - half) for one in drawn])
            for found, stage in zip(ranks, scores, strict=True):
                found.append(recall(stage, part(whole, half)))
        stages = [np.concatenate(stage) for stage in ranks]
        said = [f"{np.mean(stage < 1):.3f} / {np.mean(stage < 5):.3f}" for stage in stages]
        print(f"recall@1 / @5 among {SIZE} of {kind}: vector {said[0]}, patches {said[1]}, boxes {said[2]}")
        for name, before, after in zip(("patches", "boxes"), stages, stages[1:], strict=False):
            ahead, (low, high) = paired_interval(list(after < 1), list(before < 1), needles)
            print(f"  recall@1 by {name}: {ahead:+.4f} [{low:+.4f}, {high:+.4f}]")
    (late, boxed), _ = fit_stages(seen, drawn)
    path = weights_folder() / "judge.json"
    fitted = {"late": late, "late_sentence": SENTENCE, "boxed": boxed}
    path.write_text(json.dumps(json.loads(path.read_text()) | fitted, indent=None) + "\n")
    print(fitted)


if __name__ == "__main__":
    main()
