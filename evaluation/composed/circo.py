"""CIRCO: Baldrati et al., "Zero-Shot Composed Image Retrieval with Textual Inversion", ICCV 2023.

    ANNOTATIONS/val.json, test.json   [{"id", "reference_img_id", "relative_caption", "shared_concept",
                                        "target_img_id", "gt_img_ids": [...]}, ...]

as in miccunifi/CIRCO (annotations/val.json, annotations/test.json, src/dataset.py); the gallery is all of COCO
unlabeled2017, whose files are named by id (000000271520.jpg). test has no truth: id -> 50 photograph ids goes to the
authors' server (submission_examples/submission_test.json). mAP@k after `compute_metrics` of src/evaluation.py; there
and in miccunifi/SEARLE the reference stays in the ranking.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evaluation.composed.benchmark import Asked, Benchmark, Gallery, malformed, photographs_below, read_json, require
from evaluation.suite import Record

SPLITS = ("val", "test")
PRECISIONS = (5, 10, 25, 50)


def read(annotations: Path, images: Path, split: str = "val") -> Benchmark:
    """Every photograph below `images` is in the gallery. `InvalidInput` where a file is not official."""
    source = annotations / f"{split}.json"
    entries = read_json(source)
    try:
        asked = tuple(map(_asked, entries))
        if not asked:
            raise KeyError("no queries")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise malformed(source, error) from error
    files = photographs_below(images)
    require([name for one in asked for name in (one.reference, *one.targets)], files, images)
    return Benchmark(
        "circo",
        f"CIRCO, {split}: {len(asked)} queries, {len(files)} photographs",
        {"split": split},
        files,
        asked,
        None if asked[0].targets else submission,
    )


def _asked(entry: Mapping[str, Any]) -> Asked:
    return Asked(
        key=str(entry["id"]),
        row={"set": "CIRCO"},
        reference=_file(entry["reference_img_id"]),
        text=str(entry["relative_caption"]),
        targets=tuple(map(_file, entry.get("gt_img_ids", ()))),
        galleries={"": Gallery(precisions=PRECISIONS)},
        kept=True,
    )


def _file(image: Any) -> str:
    return f"{int(image):012d}.jpg"


def submission(records: Sequence[Record]) -> dict[str, Any]:
    """The file that the test server takes."""
    return {
        "submission_test.json": {
            record["query"]: [int(Path(name).stem) for name in record["rankings"][""][:50]] for record in records
        }
    }
