"""Tiny files in the official layouts, read and scored."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from evaluation.composed import circo, cirr, fashioniq, genecis
from evaluation.composed.benchmark import average_precision_at, photographs_below, recall_at
from thresher.errors import InvalidInput


def photographs(root: Path, *names: str) -> Path:
    for number, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.full((40, 60, 3), number * 20, np.uint8)
        pixels[10:20, 20:50] = 255
        Image.fromarray(pixels).save(path)
    return root


def write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


MEMBERS = ["dev-1-0-img0", "dev-2-0-img1", "dev-3-0-img0", "dev-4-0-img0", "dev-5-0-img1", "dev-6-0-img0"]


def cirr_files(root: Path, split: str = "val", **changed: Any) -> Path:
    entry = {
        "pairid": 12060,
        "reference": MEMBERS[0],
        "target_hard": MEMBERS[2],
        "target_soft": {MEMBERS[2]: 1.0},
        "caption": "show three bottles of soft drink",
        "img_set": {"id": 36, "members": MEMBERS, "reference_rank": 2, "target_rank": 3},
    }
    if split == "test1":
        del entry["target_hard"], entry["target_soft"]
    write(root / "captions" / f"cap.rc2.{split}.json", [entry | changed])
    places = {name: f"./dev/{name}.png" for name in [*MEMBERS, "dev-7-0-img0"]}
    write(root / "image_splits" / f"split.rc2.{split}.json", places)
    photographs(root / "images", *(path for path in places.values()))
    return root


def test_cirr_ranks_all_photographs_and_the_five_others_of_the_set(tmp_path: Path) -> None:
    root = cirr_files(tmp_path)
    found = cirr.read(root, root / "images")
    [one] = found.asked
    assert (one.key, one.reference, one.targets) == ("12060", MEMBERS[0], (MEMBERS[2],))
    assert one.text == "show three bottles of soft drink"
    assert one.galleries[""].names is None and one.galleries[""].recalls == (1, 5, 10, 50)
    assert one.galleries["subset"].names == tuple(MEMBERS[1:]) and one.galleries["subset"].recalls == (1, 2, 3)
    assert not one.kept
    assert set(found.files) == {*MEMBERS, "dev-7-0-img0"}
    assert found.submission is None


def test_cirr_test_predictions_have_the_form_that_the_test_server_takes(tmp_path: Path) -> None:
    root = cirr_files(tmp_path, "test1")
    found = cirr.read(root, root / "images", "test1")
    assert found.asked[0].targets == ()
    assert found.submission is not None
    rankings = {"": [f"n{k}" for k in range(60)], "subset": MEMBERS[1:]}
    files = found.submission([{"query": "12060", "rankings": rankings}])
    assert files["recall.json"] == {"version": "rc2", "metric": "recall", "12060": [f"n{k}" for k in range(50)]}
    assert files["recall_subset.json"] == {"version": "rc2", "metric": "recall_subset", "12060": MEMBERS[1:4]}


CIRCO = {
    "reference_img_id": 271520,
    "target_img_id": 355099,
    "relative_caption": "shows two people and has a more colorful background",
    "shared_concept": "a girl with a traditional Chinese umbrella",
    "gt_img_ids": [355099, 528417],
    "id": 0,
    "semantic_aspects": ["cardinality"],
}


def test_circo_has_several_truths_and_keeps_the_reference(tmp_path: Path) -> None:
    write(tmp_path / "val.json", [CIRCO])
    images = photographs(
        tmp_path / "unlabeled2017", "000000271520.jpg", "000000355099.jpg", "000000528417.jpg", "000000000007.jpg"
    )
    found = circo.read(tmp_path, images)
    [one] = found.asked
    assert one.reference == "000000271520.jpg" and one.kept
    assert one.targets == ("000000355099.jpg", "000000528417.jpg")
    assert one.galleries[""].precisions == (5, 10, 25, 50)
    assert len(found.files) == 4


def test_circo_test_predictions_are_ids_by_query(tmp_path: Path) -> None:
    hidden = {name: CIRCO[name] for name in ("reference_img_id", "relative_caption", "shared_concept", "id")}
    write(tmp_path / "test.json", [hidden])
    found = circo.read(tmp_path, photographs(tmp_path / "images", "000000271520.jpg"), "test")
    assert found.submission is not None
    ranking = [f"{k:012d}.jpg" for k in range(1, 60)]
    files = found.submission([{"query": "0", "rankings": {"": ranking}}])
    assert files == {"submission_test.json": {"0": list(range(1, 51))}}


def fashioniq_files(root: Path) -> Path:
    for category, candidate, target in (("dress", "B1", "B2"), ("shirt", "B3", "B4"), ("toptee", "B1", "B5")):
        captions = ["is a lighter color. ", "is white, with a graphic"]
        entry = {"candidate": candidate, "target": target, "captions": captions}
        write(root / "captions" / f"cap.{category}.val.json", [entry])
        write(root / "image_splits" / f"split.{category}.val.json", [candidate, target, "B9"])
    photographs(root / "images", *(f"{name}.jpg" for name in ("B1", "B2", "B3", "B4", "B5", "B9")))
    return root


def test_fashioniq_ranks_each_category_for_itself_and_joins_the_texts(tmp_path: Path) -> None:
    root = fashioniq_files(tmp_path)
    found = fashioniq.read(root, root / "images")
    assert [one.row["set"] for one in found.asked] == ["FashionIQ dress", "FashionIQ shirt", "FashionIQ toptee"]
    one = found.asked[0]
    assert one.text == "is a lighter color and is white, with a graphic"
    assert (one.reference, one.targets, one.kept) == ("B1", ("B2",), True)
    assert one.galleries[""].names == ("B1", "B2", "B9") and one.galleries[""].recalls == (10, 50)
    assert set(found.files) == {"B1", "B2", "B3", "B4", "B5", "B9"}


def test_genecis_reads_whole_photographs_and_crops(tmp_path: Path) -> None:
    objects = {
        "reference": {"val_image_id": 139},
        "target": {"val_image_id": 285},
        "gallery": [{"val_image_id": 632}, {"val_image_id": 285}],
        "condition": "cell phone",
    }
    box = {"image_id": "2345", "instance_bbox": [20, 10, 20, 10]}
    attributes = {
        "reference": box,
        "target": {"image_id": "2346", "instance_bbox": [0, 0, 60, 40]},
        "gallery": [{"image_id": "2345", "instance_bbox": [0, 0, 5, 5]}],
        "condition": "color",
    }
    write(tmp_path / "change_object.json", [objects])
    write(tmp_path / "focus_attribute.json", [attributes])
    root = photographs(
        tmp_path / "images",
        *(f"val2017/{image:012d}.jpg" for image in (139, 285, 632)),
        "VG_100K/2345.jpg",
        "VG_100K_2/2346.jpg",
    )
    found = genecis.read(tmp_path, root, tmp_path / "crops")
    crop, whole = found.asked
    assert whole.row["set"] == "GeneCIS change object" and whole.text == "cell phone"
    assert whole.targets == ("000000000285",)
    assert whole.galleries[""].names == ("000000000285", "000000000632")  # the target once, first
    assert crop.reference == "2345-20-10-20-10"
    with Image.open(found.files[crop.reference]) as square:
        # left 20 - 14, top 10 - 7; 34 x 17 from there; on a square of 34
        pixels = np.asarray(square)
    assert pixels.shape == (34, 34, 3)
    assert (pixels[:8] == 0).all() and (pixels[25:] == 0).all()
    assert (pixels[16, 20:] > 240).all() and (pixels[16, :10] < 100).all()


@pytest.mark.parametrize(
    "changed", [{"reference": "dev-9-9-img9"}, {"img_set": None}, {"img_set": {"members": ["x"]}}, {"target_hard": "y"}]
)
def test_what_is_no_cirr_file_is_refused(tmp_path: Path, changed: dict[str, Any]) -> None:
    root = cirr_files(tmp_path, **changed)
    with pytest.raises(InvalidInput, match="another format"):
        cirr.read(root, root / "images")


def test_missing_files_photographs_and_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"cap\.rc2\.val\.json"):
        cirr.read(tmp_path, tmp_path)
    root = cirr_files(tmp_path)
    (root / "images" / "dev" / f"{MEMBERS[3]}.png").unlink()
    with pytest.raises(InvalidInput, match=rf"1 of 7 photographs .*{MEMBERS[3]}"):
        cirr.read(root, root / "images")
    with pytest.raises(InvalidInput, match="no folder"):
        photographs_below(tmp_path / "nowhere")
    write(tmp_path / "val.json", [CIRCO | {"reference_img_id": "x"}])
    with pytest.raises(InvalidInput, match="another format"):
        circo.read(tmp_path, root / "images")
    for broken in ("{", "[]", "[1]", "{}"):
        (tmp_path / "val.json").write_text(broken)
        with pytest.raises(InvalidInput):
            circo.read(tmp_path, root / "images")
    fashion = fashioniq_files(tmp_path / "fashion")
    write(fashion / "captions" / "cap.shirt.val.json", [{"candidate": "B3", "captions": ["a"]}])
    with pytest.raises(InvalidInput, match="another format"):
        fashioniq.read(fashion, fashion / "images")
    with pytest.raises(InvalidInput, match=r"focus_attribute\.json"):
        genecis.read(tmp_path, root / "images", tmp_path / "crops")


def test_scores_are_those_of_the_official_scorers() -> None:
    ranking = ["a", "x", "b", "y", "z", "c"]
    assert recall_at(ranking, ["b", "c"], 3) and not recall_at(ranking, ["b", "c"], 2)
    assert average_precision_at(ranking, ["a", "b", "c"], 5) == pytest.approx((1 + 2 / 3) / 3)
    assert average_precision_at(ranking, ["a", "b", "c"], 2) == pytest.approx(1 / 2)
    assert average_precision_at(ranking, ["q"], 5) == 0
    random = np.random.default_rng(0)
    for _ in range(50):  # CIRCO's own arithmetic
        names = [str(n) for n in random.permutation(30)]
        truth = [str(n) for n in random.permutation(30)[: random.integers(1, 9)]]
        labels = np.isin(names, truth)
        precisions = np.cumsum(labels) * labels / np.arange(1, 31)
        for rank in (5, 10, 25):
            expected = precisions[:rank].sum() / min(len(truth), rank)
            assert average_precision_at(names, truth, rank) == pytest.approx(expected)
