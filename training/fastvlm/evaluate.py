"""FastVLM on the test photographs, alone and as a witness of the judge: models/offline/fastvlm-figures.json.

    python -m training.fastvlm.evaluate [EVERY]      (EVERY 2: every second photograph of fold 0)

The judge is the stored probability of the profile. On the (photograph, category) pairs that it finds plausible, those
that agents.look would ask about, a logistic over [logit p, 1] and one over [logit p, margin, 1] are cross-fitted over
photographs; the difference of their log losses is given with a paired bootstrap over photographs.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from agents.judge import PLAUSIBLE
from models.encoders.coco import CATEGORIES
from models.encoders.offline import load_offline
from models.generators import smollm2
from models.generators.fastvlm import assemble
from training.calibrate import fit_logistic
from training.data import cache_folder, read_pixels, weights_folder
from training.fastvlm.data import Seen, balanced_questions, load_parts, trained_path
from training.fastvlm.packing import tokens
from training.fastvlm.train import Matcher, Question, auc

PARTS = 5
DRAWS = 5000

Values = NDArray[np.float64]


def weights_digest(folder: Path) -> str:
    """Of the trained files that the stored probabilities come from."""
    digest = hashlib.sha256()
    for name in ("tail.safetensors", "concepts.safetensors"):
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()[:16]


def stored(photographs: list[Seen]) -> NDArray[np.float32]:
    """(n, 80) probabilities as an import stores them; kept in the cache folder by the weights' digest."""
    path = cache_folder() / f"fastvlm-stored-{weights_digest(weights_folder())}.npz"
    known: dict[int, NDArray[np.float32]] = {}
    if path.exists():
        kept = np.load(path)
        known = dict(zip(kept["ids"].tolist(), kept["probabilities"], strict=True))
    if any(seen.photo.id not in known for seen in photographs):
        tower = load_offline(weights_folder())[0].tower
        known = {s.photo.id: tower(read_pixels(s.photo.path)).vector[: len(CATEGORIES)] for s in photographs}
        np.savez(path, ids=np.array(list(known)), probabilities=np.stack(list(known.values())))
    return np.stack([known[seen.photo.id] for seen in photographs])


def cross_fitted(x: Values, shown: NDArray[np.bool_], photo: NDArray[np.int64]) -> Values:
    """Log loss of each row by a logistic that was fitted on other photographs; x (n, k) without the constant."""
    x = np.column_stack([(x - x.mean(0)) / x.std(0), np.ones(len(x))])
    part = np.random.default_rng(0).permutation(photo.max() + 1)[photo] % PARTS
    losses = np.zeros(len(x))
    for held in range(PARTS):
        rows, others = part == held, part != held
        y = torch.from_numpy(shown[others].astype(np.float32))
        weight = fit_logistic(torch.from_numpy(x[others].astype(np.float32)), y, penalty=1e-5).numpy()
        z = x[rows] @ weight
        losses[rows] = np.logaddexp(0, np.where(shown[rows], -z, z))
    return losses


def interval(differences: Values, photo: NDArray[np.int64]) -> tuple[float, float, float]:
    """Mean of the rows' differences, with 95 % of a bootstrap over photographs."""
    count = photo.max() + 1
    total, rows = np.bincount(photo, differences, count), np.bincount(photo, minlength=count)
    picked = np.random.default_rng(1).integers(0, count, (DRAWS, count))
    means = total[picked].sum(1) / rows[picked].sum(1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(differences.mean()), float(low), float(high)


def alone(matcher: Matcher, tested: list[Seen], chosen: list[Seen]) -> dict[str, Any]:
    """Balanced questions (for every category as many photographs with it as without)."""
    ours, theirs = balanced_questions(tested, 3, seed=5), balanced_questions(chosen, 1, seed=5)
    said, border = matcher.answers(tested, ours, None), np.median(matcher.answers(chosen, theirs, None))
    shown = np.array([shown for *_, shown in ours])
    return {
        "questions": len(ours),
        "auc": round(auc(said, ours), 3),
        "accuracy_at_even_chances": round(float(((said > 0) == shown).mean()), 3),
        "accuracy_at_the_choosing_median": round(float(((said > border) == shown).mean()), 3),
        "says_yes": round(float((said > 0).mean()), 3),
    }


def as_witness(matcher: Matcher, tested: list[Seen], probabilities: NDArray[np.float32]) -> dict[str, Any]:
    pairs = np.argwhere(probabilities >= PLAUSIBLE)
    questions: list[Question] = [(int(n), int(c), int(c) in tested[n].photo.categories) for n, c in pairs]
    shown, photo = np.array([shown for *_, shown in questions]), pairs[:, 0]
    p = probabilities[pairs[:, 0], pairs[:, 1]].astype(np.float64).clip(1e-6, 1 - 1e-6)
    own, said = np.log(p / (1 - p)), matcher.answers(tested, questions, None).astype(np.float64)
    before = cross_fitted(own[:, None], shown, photo)
    after = cross_fitted(np.column_stack([own, said]), shown, photo)
    mean, low, high = interval(after - before, photo)
    return {
        "pairs": len(questions),
        "auc_of_the_judge": round(auc(own, questions), 3),
        "auc": round(auc(said, questions), 3),
        "log_loss": round(float(before.mean()), 5),
        "log_loss_with_fastvlm": round(float(after.mean()), 5),
        "difference": round(mean, 5),
        "interval_95": [round(low, 5), round(high, 5)],
        "lowers_log_loss": high < 0,
    }


def main() -> None:
    every = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    parts = load_parts()
    tested = parts.test[::every]
    model, processor = assemble(smollm2.model_folder())
    model.load_state_dict({**model.state_dict(), **load_file(trained_path())})
    words = tokens(processor)
    matcher = Matcher(model, words)
    begin = time.monotonic()
    found: dict[str, Any] = {
        "photographs": len(tested),
        "offline_weights": weights_digest(weights_folder()),
        "trained": hashlib.sha256(trained_path().read_bytes()).hexdigest()[:16],
        "alone": alone(matcher, tested, parts.choose),
    }
    print(json.dumps(found, indent=1), f"{time.monotonic() - begin:.0f} s", flush=True)
    found["as_witness"] = as_witness(matcher, tested, stored(tested))
    text = json.dumps(found, indent=1)
    (weights_folder() / "fastvlm-figures.json").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
