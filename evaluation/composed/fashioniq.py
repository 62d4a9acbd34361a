"""FashionIQ: Wu et al., "Fashion IQ: A New Dataset Towards Retrieving Images by Natural Language Feedback", CVPR 2021.

    ANNOTATIONS/captions/cap.CATEGORY.SPLIT.json        [{"candidate", "target", "captions": [2 texts]}, ...]
    ANNOTATIONS/image_splits/split.CATEGORY.SPLIT.json  [names of the gallery]

as in XiaoxiaoGuo/fashion-iq (captions/cap.shirt.test.json, start_kit/data_loader.py; the splits: start_kit/eval.py and
`FashionIQDataset` of miccunifi/SEARLE, src/datasets.py). Photographs are NAME.jpg. The texts are joined by "and" and
the reference stays in the ranking, as in `fiq_generate_val_predictions` of src/validate.py there. The challenge's test
split has no `target` and is not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evaluation.composed.benchmark import (
    Asked,
    Benchmark,
    Gallery,
    Names,
    malformed,
    photographs_below,
    read_json,
    require,
)

SPLITS = ("val", "train")
CATEGORIES = ("dress", "shirt", "toptee")
RECALLS = (10, 50)


def read(annotations: Path, images: Path, split: str = "val") -> Benchmark:
    """Each category has a gallery of its own. `InvalidInput` where a file is not official."""
    asked: list[Asked] = []
    names: list[str] = []
    for category in CATEGORIES:
        captions = annotations / "captions" / f"cap.{category}.{split}.json"
        entries, gallery = (
            read_json(captions),
            read_json(annotations / "image_splits" / f"split.{category}.{split}.json"),
        )
        try:
            own = tuple(dict.fromkeys(map(str, gallery)))
            asked += [_asked(category, number, entry, own) for number, entry in enumerate(entries)]
        except (KeyError, TypeError, AttributeError) as error:
            raise malformed(captions, error) from error
        names += own
    names += [name for one in asked for name in (one.reference, *one.targets)]
    files = require([f"{name}.jpg" for name in names], photographs_below(images), images)
    return Benchmark(
        "fashioniq",
        f"FashionIQ, {split}: {len(asked)} queries, {len(files)} photographs",
        {"split": split},
        {Path(name).stem: file for name, file in files.items()},
        tuple(asked),
    )


def _asked(category: str, number: int, entry: Mapping[str, Any], gallery: Names) -> Asked:
    return Asked(
        key=f"{category}/{number}",
        row={"set": f"FashionIQ {category}"},
        reference=str(entry["candidate"]),
        text=" and ".join(str(text).strip(".?, ") for text in entry["captions"]),
        targets=(str(entry["target"]),),
        galleries={"": Gallery(gallery, recalls=RECALLS)},
        kept=True,
    )
