"""CIRR: Liu et al., "Image Retrieval on Real-life Images with Pre-trained Vision-and-Language Models", ICCV 2021.

    ANNOTATIONS/captions/cap.rc2.SPLIT.json      [{"pairid", "reference", "target_hard", "caption",
                                                   "img_set": {"members": [6 names]}}, ...]
    ANNOTATIONS/image_splits/split.rc2.SPLIT.json  {name: "./dev/NAME.png"}

as in Cuberick-Orion/CIRR (cap.rc2.val.json, cap.rc2.test1.json, split.rc2.val.json and README.md). test1 has no
`target_hard`: the predictions go to the authors' server (Test-split_server.md): pairid -> 50 names, and 3 of the
subset, with "version" and "metric". The reference is never in the ranking, as in `cirr_compute_val_metrics` of
miccunifi/SEARLE (src/validate.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evaluation.composed.benchmark import Asked, Benchmark, Gallery, malformed, photographs_below, read_json, require
from evaluation.suite import Record

SPLITS = ("val", "test1", "train")
RECALLS, SUBSET_RECALLS = (1, 5, 10, 50), (1, 2, 3)
VERSION = "rc2"


def read(annotations: Path, images: Path, split: str = "val") -> Benchmark:
    """`images`: the folder that the photographs lie below, at any depth. `InvalidInput` where a file is another."""
    captions = annotations / "captions" / f"cap.{VERSION}.{split}.json"
    places = annotations / "image_splits" / f"split.{VERSION}.{split}.json"
    entries, paths = read_json(captions), read_json(places)
    try:
        names = {str(name): Path(str(path)).name for name, path in paths.items()}
        asked = tuple(map(_asked, entries))
        shown = {
            name for one in asked for name in (one.reference, *one.targets, *(one.galleries["subset"].names or ()))
        }
        if not asked or not shown <= set(names):
            raise KeyError(next(iter(shown - set(names)), "no queries"))
    except (KeyError, TypeError, AttributeError) as error:
        raise malformed(captions, error) from error
    files = require(names.values(), photographs_below(images), images)
    return Benchmark(
        "cirr",
        f"CIRR, {split}: {len(asked)} queries, {len(names)} photographs",
        {"split": split, "version": VERSION},
        {name: files[file] for name, file in names.items()},
        asked,
        None if asked[0].targets else submission,
    )


def _asked(entry: Mapping[str, Any]) -> Asked:
    reference = str(entry["reference"])
    members = tuple(str(name) for name in entry["img_set"]["members"] if name != reference)
    return Asked(
        key=str(entry["pairid"]),
        row={"set": "CIRR"},
        reference=reference,
        text=str(entry["caption"]),
        targets=(str(entry["target_hard"]),) if "target_hard" in entry else (),
        galleries={"": Gallery(recalls=RECALLS), "subset": Gallery(members, recalls=SUBSET_RECALLS)},
    )


def submission(records: Sequence[Record]) -> dict[str, Any]:
    """The two files that the test server takes."""
    return {
        f"{name}.json": {
            "version": VERSION,
            "metric": name,
            **{record["query"]: record["rankings"][gallery][:most] for record in records},
        }
        for name, gallery, most in (("recall", "", 50), ("recall_subset", "subset", 3))
    }
