"""GeneCIS: Vaze et al., "GeneCIS: A Benchmark for General Conditional Image Similarity", CVPR 2023.

    ANNOTATIONS/{focus,change}_{attribute,object}.json
        [{"reference", "target", "gallery": [...], "condition"}, ...]

each photograph {"val_image_id": COCO 2017 val id} for objects, {"image_id": Visual Genome id, "instance_bbox": [x, y,
width, height]} for attributes: fields after facebookresearch/genecis (README.md, datasets/vaw_dataset.py) and, for
`val_image_id`, README.md there and readers of the released files. The file names are 000000000139.jpg and 2345.jpg.
Attribute photographs are cropped as `load_cropped_image` of vaw_dataset.py does: the box moved by 0.7 of its size to
the left and up and made 1.7 times as large from there, within the photograph, on a black square. The target and the
gallery are ranked together; R@1, 2 and 3 (eval/eval_functions.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from evaluation.composed.benchmark import Asked, Benchmark, Gallery, malformed, photographs_below, read_json, require

TASKS = ("focus_attribute", "change_attribute", "focus_object", "change_object")
RECALLS = (1, 2, 3)
DILATION = 0.7

Crop = tuple[float, float, float, float]
"""x, y, width, height in pixels."""


def read(annotations: Path, images: Path, crops: Path) -> Benchmark:
    """The tasks whose files are there. Crops are written to the folder `crops`. `InvalidInput` where no file is there
    or one is not official."""
    present = [task for task in TASKS if (annotations / f"{task}.json").is_file()] or [TASKS[0]]
    asked: list[Asked] = []
    boxes: dict[str, Crop | None] = {}
    for task in present:
        source = annotations / f"{task}.json"
        entries = read_json(source)
        try:
            asked += [_asked(task, number, entry, boxes) for number, entry in enumerate(entries)]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise malformed(source, error) from error
    files = require([_file(name) for name in boxes], photographs_below(images), images)
    crops.mkdir(parents=True, exist_ok=True)
    return Benchmark(
        "genecis",
        f"GeneCIS: {len(asked)} queries, {len(boxes)} photographs and crops",
        {"tasks": present},
        {
            name: files[_file(name)] if box is None else crop(files[_file(name)], box, crops / f"{name}.png")
            for name, box in boxes.items()
        },
        tuple(asked),
    )


def _asked(task: str, number: int, entry: Mapping[str, Any], boxes: dict[str, Crop | None]) -> Asked:
    reference, target, *gallery = (
        _photograph(each, boxes) for each in (entry["reference"], entry["target"], *entry["gallery"])
    )
    return Asked(
        key=f"{task}/{number}",
        row={"set": f"GeneCIS {task.replace('_', ' ')}"},
        reference=reference,
        text=str(entry["condition"]),
        targets=(target,),
        galleries={"": Gallery(tuple(dict.fromkeys((target, *gallery))), recalls=RECALLS)},
    )


def _photograph(each: Mapping[str, Any], boxes: dict[str, Crop | None]) -> str:
    """Its name, "000000000139" or "2345-10-20-30-40"; `boxes` gains what to cut out of it."""
    if "val_image_id" in each:
        name, box = f"{int(each['val_image_id']):012d}", None
    else:
        x, y, width, height = (float(number) for number in each["instance_bbox"])
        box = (x, y, width, height)
        name = "-".join([str(each["image_id"]), *(f"{number:g}" for number in box)])
    boxes[name] = box
    return name


def _file(name: str) -> str:
    return f"{name.partition('-')[0]}.jpg"


def crop(source: Path, box: Crop, target: Path) -> Path:
    """Write the official crop of a photograph as PNG -> where."""
    if not target.exists():
        x, y, width, height = box
        with Image.open(source) as opened:
            photograph = opened.convert("RGB")
        left, top = max(0.0, x - DILATION * width), max(0.0, y - DILATION * height)
        right = min(photograph.width, left + (1 + DILATION) * width)
        bottom = min(photograph.height, top + (1 + DILATION) * height)
        low = round(left), round(top)
        cut = photograph.crop((*low, max(low[0] + 1, round(right)), max(low[1] + 1, round(bottom))))
        side = max(cut.size)
        square = Image.new("RGB", (side, side))
        square.paste(cut, ((side - cut.width) // 2, (side - cut.height) // 2))
        square.save(target)
    return target
