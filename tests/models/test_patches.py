"""Patch vectors and phrase vectors: shapes, geometry, and that they find things."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from models.encoders.coco import CATEGORIES
from models.encoders.offline import OfflineEncoder
from models.encoders.patches import GRID, PATCH_DIM, PATCHES, PatchHead, box_means, grid_boxes, patch_boxes
from models.encoders.preprocess import SCALES
from tests.models.pictures import picture
from training.data import Thing, read_pixels
from training.patch_figures import best_patches, copies, recalls
from training.patches import Pupil, both_ways, maxsim

GRID_BOXES = 1 + GRID * GRID


def test_the_grid_tiles_the_photograph() -> None:
    whole, cells = grid_boxes()[0], grid_boxes()[1:]
    assert whole.tolist() == [0, 0, 1, 1]
    assert len(cells) == GRID * GRID
    assert float(((cells[:, 2] - cells[:, 0]) * (cells[:, 3] - cells[:, 1])).sum()) == pytest.approx(1)
    assert len({tuple(cell.tolist()) for cell in cells}) == len(cells)


@pytest.mark.parametrize("proposals", [0, 3, 50])
def test_the_best_proposals_fill_what_the_grid_leaves(proposals: int) -> None:
    boxes = torch.rand(proposals, 4)
    found = patch_boxes(boxes)
    assert len(found) == min(PATCHES, GRID_BOXES + proposals)
    assert torch.equal(found[GRID_BOXES:], boxes[: PATCHES - GRID_BOXES])


def test_projecting_before_the_mean_is_projecting_the_mean() -> None:
    torch.manual_seed(0)
    head, cells = PatchHead(), torch.rand(1280, 7, 9) * 6
    boxes = patch_boxes(torch.tensor([[0.1, 0.2, 0.5, 0.9], [0.51, 0.5, 0.52, 0.51]]))
    with torch.inference_mode():
        torch.testing.assert_close(head.patches(cells, boxes), head(box_means(cells, boxes)), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(("width", "height"), [(320, 240), (33, 1000), (64, 64)])
async def test_a_photograph_has_unit_patches_in_its_frame(encoder: OfflineEncoder, width: int, height: int) -> None:
    (features,) = await encoder.images([picture(2, width, height)])
    vectors, boxes = features.patches.vectors, features.patches.boxes
    assert encoder.spec.patch_dim == PATCH_DIM
    assert vectors.dtype == np.float16
    assert boxes.dtype == np.float32
    assert GRID_BOXES <= len(vectors) == len(boxes) <= PATCHES
    np.testing.assert_allclose(np.linalg.norm(vectors.astype(np.float32), axis=1), 1, atol=2e-3)
    np.testing.assert_allclose(boxes[0], [0, 0, width, height], rtol=1e-6)
    np.testing.assert_allclose(boxes[GRID_BOXES:], features.proposals.boxes[: len(boxes) - GRID_BOXES], rtol=1e-5)


async def test_phrases_are_unit_rows_of_the_whole_and_its_parts(encoder: OfflineEncoder) -> None:
    word, sentence, nothing = await encoder.texts(["dogs", "a dog runs after a red frisbee on the beach", "..."])
    assert word.phrases.shape == (1, PATCH_DIM)
    assert sentence.phrases.shape == (4, PATCH_DIM)
    assert nothing.phrases.shape == (0, PATCH_DIM)
    for features in (word, sentence):
        assert features.phrases.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(features.phrases, axis=1), 1, atol=1e-5)


async def test_an_unknown_word_has_a_phrase_too(encoder: OfflineEncoder) -> None:
    (unknown,) = await encoder.texts(["zyzzyva"])
    assert not unknown.known
    assert unknown.phrases.shape == (1, PATCH_DIM)


def test_maxsim_by_hand() -> None:
    queries = F.normalize(torch.tensor([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 1.0], [9.0, 9.0]]]), dim=-1)
    asked = torch.tensor([[True, True], [True, False]])
    patches = torch.tensor([[[1.0, 0.0], [0.0, -1.0]], [[0.0, 1.0], [1.0, 0.0]]])
    used = torch.tensor([[True, True], [True, False]])
    half = 0.5**0.5
    wanted = torch.tensor([[(1 + 0) / 2, (0 + 1) / 2], [half, half]])
    torch.testing.assert_close(maxsim(queries, asked, patches, used), wanted)


def test_the_contrastive_loss_is_least_where_the_diagonal_wins() -> None:
    right, wrong = torch.eye(4) * 20, torch.eye(4).flip(0) * 20
    assert float(both_ways(right)) < 1e-4 < 10 < float(both_ways(wrong))


def test_the_pupil_folds_into_the_head_that_ships() -> None:
    torch.manual_seed(1)
    cells = torch.rand(400, 1280)
    pupil = Pupil(cells).eval()
    texts = torch.randn(3, 384)
    with torch.inference_mode():
        straight = F.normalize(pupil.cells(pupil.components(cells)), dim=-1)
        torch.testing.assert_close(pupil.head()(cells), straight, atol=1e-4, rtol=1e-3)
        torch.testing.assert_close(pupil.head().text(texts), F.normalize(pupil.words(texts), dim=-1))


def test_recalls_by_hand() -> None:
    scores = np.array([[[3, 2, 1], [9, 5, 1], [9, 8, 5]]], np.float32)
    found = recalls(scores)
    assert found["recall_at_1"] == pytest.approx(1 / 3)
    assert found["recall_at_5"] == 1


def test_best_patches_by_hand() -> None:
    found = best_patches(
        torch.tensor([[1.0, 0.0]]), [torch.tensor([[0.5, 0.0], [0.2, 9.0]]), torch.tensor([[-1.0, 0.0]])]
    )
    assert found.tolist() == [[0.5, -1.0]]


def test_copies_keep_the_object_under_its_box() -> None:
    pixels = np.zeros((100, 200, 3), np.uint8)
    pixels[20:60, 100:140] = 255
    thing = Thing(0, (0.5, 0.2, 0.7, 0.6), False, ())
    for name, (changed, box) in copies(pixels, thing).items():
        height, width = changed.shape[:2]
        x0, y0, x1, y1 = (round(v * size) for v, size in zip(box, (width, height, width, height), strict=True))
        inside = changed[y0 + 1 : y1 - 1, x0 + 1 : x1 - 1]
        assert inside.min() > 200, name
        assert changed.astype(float).sum() / 255 / 3 == pytest.approx((x1 - x0) * (y1 - y0), rel=0.1), name


def test_a_category_and_a_region_find_photographs(encoder: OfflineEncoder, coco: Path) -> None:
    """On photographs that trained nothing: the name of a rare large object ranks those that show it far above chance,
    and its region, seen at another size, finds its own photograph."""
    labels = json.loads((coco / "instances.json").read_text())
    names = ["zebra", "giraffe", "train", "pizza", "toilet", "bus"]
    chosen: dict[str, list[tuple[int, tuple[float, ...]]]] = {name: [] for name in names}
    sizes = {image["id"]: image for image in labels["images"] if image["id"] % 5 == 0}
    for annotation in labels["annotations"]:
        name, image = CATEGORIES[annotation["category_id"]], sizes.get(annotation["image_id"])
        if name in chosen and image and len(chosen[name]) < 3:
            x, y, w, h = annotation["bbox"]
            if w * h > 0.1 * image["width"] * image["height"]:
                box = (x / image["width"], y / image["height"], (x + w) / image["width"], (y + h) / image["height"])
                chosen[name].append((image["id"], box))
    rows = [(name, one) for name, found in chosen.items() for one in found]
    patches, regions = [], []
    for _, one in rows:
        pixels = read_pixels(coco / "images" / sizes[one[0]]["file_name"])
        patches.append(torch.from_numpy(encoder.tower(pixels).patches.vectors).float())
        cells = encoder.tower.look(pixels, SCALES[0]).cells
        with torch.inference_mode():
            regions.append(encoder.tower.patch_head(box_means(cells, torch.tensor([one[1]])))[0])
    scores = best_patches(torch.from_numpy(np.concatenate([encoder.reader.phrases(name) for name in names])), patches)
    best = [rows[int(row.argmax())][0] for row in scores]
    assert sum(found == name for found, name in zip(best, names, strict=True)) >= 5
    own = best_patches(torch.stack(regions), patches).argmax(1)
    assert float((own == torch.arange(len(rows))).float().mean()) > 0.8
