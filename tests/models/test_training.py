"""The parts of training that can be checked without photographs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from models.encoders.captions import Components
from models.encoders.clip import build_clip, build_trunk
from models.encoders.coco import CATEGORIES
from models.encoders.detector import Dense, Detector, best_logits, class_map, decode, fuse, pairwise_iou
from models.encoders.patches import box_means
from training.box_targets import box_targets, generalized_iou, mirrored
from training.captions import principal, scaled
from training.cells import cell_labels
from training.class_labels import PEOPLE, PERHAPS_PEOPLE, class_labels
from training.data import Photo, Thing
from training.depthwise import fast_depthwise
from training.drawings import CHECK_SEED, TRAIN_SEED, drawings
from training.finetune import Seam, summary
from training.metrics import average_precision, expected_calibration_error, mean_average_precision
from training.questions import DRAWS, draw_many, draw_questions
from training.tail import TrainableTail

DOG, PERSON = CATEGORIES.index("dog"), CATEGORIES.index("person")


def thing(category: int, *box: float, crowd: bool = False, polygon: list[float] | None = None) -> Thing:
    polygons = (np.array(polygon, np.float32),) if polygon else ()
    return Thing(category, (box[0], box[1], box[2], box[3]), crowd, polygons)


def photo(*things: Thing) -> Photo:
    return Photo("coco/1", 1, Path("none.jpg"), 100, 100, False, things)


def test_average_precision_by_hand() -> None:
    scores, shown = np.array([0.9, 0.8, 0.7, 0.6], np.float32), np.array([True, False, True, False])
    assert average_precision(scores, shown) == pytest.approx((1 + 2 / 3) / 2)
    both = mean_average_precision(np.stack([scores, scores], 1), np.stack([shown, ~shown], 1))
    assert both == pytest.approx((5 / 6 + (1 / 2 + 2 / 4) / 2) / 2)


def test_calibration_error_by_hand() -> None:
    p = np.array([0.05, 0.05, 0.95, 0.95], np.float32)
    assert expected_calibration_error(p, np.array([False, False, True, True])) == pytest.approx(0.05)
    assert expected_calibration_error(p, np.array([True, True, False, False])) == pytest.approx(0.95)


def test_cell_labels_mark_inside_touched_and_outside() -> None:
    labels = cell_labels(photo(thing(DOG, 0.0, 0.0, 0.55, 0.5)), 10, 10)
    assert labels[DOG, 1, 1] == 1
    assert labels[DOG, 0, 5] == -1
    assert labels[DOG, 8, 8] == 0
    assert not labels[PERSON].any()


def test_cell_labels_of_masks_crowds_and_tiny_objects() -> None:
    half = thing(DOG, 0.0, 0.0, 1.0, 1.0, polygon=[0, 0, 0.5, 0, 0.5, 1, 0, 1])
    labels = cell_labels(photo(half), 10, 10)
    assert labels[DOG, 5, 2] == 1
    assert labels[DOG, 5, 8] == -1
    labels = cell_labels(photo(thing(PERSON, 0.0, 0.0, 1.0, 0.5, crowd=True)), 10, 10)
    assert set(np.unique(labels[PERSON])) == {-1, 0}
    labels = cell_labels(photo(thing(DOG, 0.52, 0.52, 0.57, 0.57)), 10, 10)
    assert (labels[DOG] == 1).sum() == 1
    assert labels[DOG, 5, 5] == 1


def test_box_targets_give_the_distances_to_the_sides() -> None:
    targets = box_targets((thing(DOG, 0.2, 0.2, 0.8, 0.6),), 10, 10)
    assert targets.owned[4, 5]
    assert targets.classes[DOG, 4, 5] == 1
    np.testing.assert_allclose(targets.sides[:, 4, 5], [3.5, 2.5, 2.5, 1.5], atol=1e-5)
    turned = mirrored(targets)
    np.testing.assert_allclose(turned.sides[:, 4, 4], [2.5, 2.5, 3.5, 1.5], atol=1e-5)
    assert turned.owned[4, 4]


def test_the_smaller_box_owns_a_shared_position() -> None:
    targets = box_targets((thing(DOG, 0.4, 0.4, 0.6, 0.6), thing(PERSON, 0.0, 0.0, 1.0, 1.0)), 10, 10)
    assert targets.sides[0, 5, 5] == pytest.approx(1.5)
    assert targets.classes[DOG, 5, 5] == 1
    assert targets.classes[PERSON, 5, 5] == -1, "a position with another one's box teaches nothing about the larger"
    assert (targets.classes[PERSON] == 1).any()


def test_generalized_iou() -> None:
    same = torch.tensor([[1.0], [2.0], [3.0], [4.0]])
    giou, iou = generalized_iou(same, same)
    assert giou.item() == pytest.approx(1)
    assert iou.item() == pytest.approx(1)
    giou, iou = generalized_iou(torch.tensor([[1.0], [1.0], [0.0], [1.0]]), torch.tensor([[0.0], [1.0], [1.0], [1.0]]))
    assert iou.item() == pytest.approx(0)


def test_decode_suppresses_and_merges() -> None:
    classes = torch.full((1, 80, 8, 8), -9.0)
    classes[0, DOG, 4, 4], classes[0, DOG, 4, 6], classes[0, PERSON, 4, 4] = 3.0, 2.0, 1.0
    sides = torch.full((1, 4, 8, 8), 2.5)
    found = decode([Dense(classes, sides, torch.full((1, 8, 8), 9.0))], top=50)
    best = found.boxes[0]
    np.testing.assert_allclose(best, [0.25, 0.25, 0.875, 0.875])
    assert found.scores[0, DOG] > 0.9
    assert 0.6 < found.scores[0, PERSON] < 0.8
    overlap = pairwise_iou(found.boxes[:1], found.boxes[1:])[0]
    assert (found.scores[1:, DOG][overlap > 0.5] == 0).all()


def dense(place: int, size: int, logit: float, side: float) -> Dense:
    """One dog in the middle row of a square map."""
    classes = torch.full((1, 80, size, size), -9.0)
    classes[0, DOG, size // 2, place] = logit
    return Dense(classes, torch.full((1, 4, size, size), side), torch.full((1, size, size), 9.0))


def test_decode_averages_what_two_scales_found() -> None:
    small, large = dense(2, 4, 2.0, 1.0), dense(4, 8, 2.0, 2.0)
    one = [decode([scale], top=50) for scale in (small, large)]
    both = decode([small, large], top=50)
    assert pairwise_iou(one[0].boxes[:1], one[1].boxes[:1])[0, 0] > 0.6
    np.testing.assert_allclose(both.boxes[0], (one[0].boxes[0] + one[1].boxes[0]) / 2, atol=1e-3)
    assert (pairwise_iou(both.boxes[:1], both.boxes[1:])[0] * both.scores[1:, DOG] < 0.01).all()


def test_what_a_detector_says_of_the_whole_image() -> None:
    scales = [dense(2, 4, 2.0, 1.0), dense(4, 8, 3.0, 2.0)]
    np.testing.assert_allclose(best_logits(scales)[DOG], [2.0, 3.0])
    found = class_map(scales)
    assert found.shape == (80, 8, 8)
    assert found[DOG].flatten().argmax() == 4 * 8 + 4


def test_fusing_shares_classes_between_scales_and_keeps_boxes() -> None:
    scales = [dense(2, 4, 2.0, 1.0), dense(4, 8, 3.0, 2.0)]
    cells = torch.zeros(1, 80, 2, 2)
    cells[:, PERSON] = 5.0
    fused = fuse(scales, [cells, cells])
    assert -9 < fused[1].classes[0, DOG, 4, 4] < 3
    torch.testing.assert_close(fused[1].classes[0, DOG], class_map(scales)[DOG])
    assert (fused[0].classes[0, PERSON] > scales[0].classes[0, PERSON]).all()
    assert torch.equal(fused[1].sides, scales[1].sides)


def test_a_box_counts_for_more_in_a_photograph_that_shows_its_category() -> None:
    detector = Detector()
    detector.calibration.data = torch.tensor([1.0, 0.5, 0.0])
    raw = torch.full((2, 80), 0.4)
    raw[1] = 0.001
    likely, unlikely = (detector.calibrated(raw, torch.full((80,), logit)) for logit in (3.0, -3.0))
    assert (likely[0] > unlikely[0]).all()
    assert (likely[1] == 0).all()


def test_box_means_take_at_least_one_cell() -> None:
    cells = torch.arange(12.0).view(1, 3, 4).expand(2, 3, 4)
    boxes = torch.tensor([[0.0, 0.0, 1.0, 1.0], [0.3, 0.4, 0.31, 0.41], [0.99, 0.99, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0]])
    np.testing.assert_allclose(box_means(cells, boxes)[:, 0], [5.5, 5.0, 11.0, 11.0])


@pytest.mark.parametrize("draw", DRAWS)
def test_questions_have_one_needle_and_balanced_answers(draw: str) -> None:
    shown = np.random.default_rng(0).random((60, 80)) < 0.1
    questions = draw_questions(shown, 10, 200, "matched" if draw == "matched" else "free", seed=7)
    for q in questions:
        assert shown[q.haystack, q.x].sum() == 1
        assert shown[q.needle, q.x]
        assert q.needle in q.haystack
        assert len(set(q.haystack.tolist())) == 10
        assert shown[q.needle, q.y] == q.answer
        assert q.x != q.y
    assert sum(q.answer for q in questions) == 100


def test_questions_about_several_needles() -> None:
    shown = np.random.default_rng(0).random((200, 80)) < 0.2
    questions = draw_many(shown, 20, 200, seed=7)
    for q in questions:
        assert set(q.haystack[shown[q.haystack, q.x]]) == set(q.needles)
        assert len(set(q.haystack.tolist())) == 20
        answers = shown[q.needles, q.y]
        assert bool(answers.all() if q.every else answers.any()) == q.answer
    assert sum(q.answer for q in questions) == sum(q.every for q in questions) == 100


def test_caption_features_are_centred_and_as_large_from_wide_inputs_as_from_narrow_ones() -> None:
    drawn = torch.Generator().manual_seed(0)
    logits = torch.randn(300, 6, generator=drawn) * torch.tensor([1.0, 2, 3, 4, 5, 6]) + 7
    factors = torch.randn(300, 4, generator=drawn) * torch.tensor([4.0, 3, 2, 1])
    cells = factors @ torch.randn(4, 50, generator=drawn) + 3
    few, many = Components(6, 6), Components(50, 4)
    scaled(few, logits)
    principal(many, cells)
    for features in (few(logits), many(cells)):
        torch.testing.assert_close(features.mean(0), torch.zeros(features.shape[1]), atol=1e-4, rtol=0)
        assert 3 < features.square().sum(1).mean() < 9
    correlation = torch.corrcoef(many(cells).T)
    torch.testing.assert_close(correlation, torch.eye(4), atol=1e-3, rtol=0)


def test_a_seam_takes_maps_and_labels_from_the_same_neighbour() -> None:
    maps = torch.arange(3.0)[:, None, None, None].expand(3, 4, 6, 2)
    mixed = Seam(2, 0.5).mix(maps)
    assert (mixed[0, :, :3] == 0).all() and (mixed[0, :, 3:] == 2).all()
    assert (mixed[1, :, 3:] == 0).all()
    grid = torch.zeros(4, 6, 80, dtype=torch.int8)
    grid[0, 0, DOG], grid[1, 1, PERSON] = 1, -1
    labels = summary(grid)
    assert (labels[DOG], labels[PERSON], labels[5]) == (1, -1, 0)


def test_drawings_are_the_same_each_time_and_differ_by_seed() -> None:
    a, b, c = drawings(TRAIN_SEED, 1), drawings(TRAIN_SEED, 1), drawings(CHECK_SEED, 1)
    assert all((a[key] == b[key]).all() for key in a)
    assert not set(a) & set(c)
    assert all(p.dtype == np.uint8 and p.ndim == 3 for p in a.values())


def test_class_labels_are_partial() -> None:
    labels = class_labels()
    assert not PEOPLE & PERHAPS_PEOPLE
    assert labels[207, DOG] == 1
    assert labels[207, PERSON] == 1 * (207 in PEOPLE)
    assert labels[340, CATEGORIES.index("zebra")] == 1
    assert labels[340, CATEGORIES.index("toaster")] == 0
    assert labels[504, CATEGORIES.index("dining table")] == -1
    assert 100 < (labels[:, PERSON] == 1).sum() < 300


def test_the_trainable_tail_is_the_trunks_tail() -> None:
    trunk = build_trunk(build_clip()).halve()
    tail = TrainableTail(trunk)
    x = torch.randn(2, 208, 6, 9).bfloat16() * 2
    with torch.inference_mode():
        expected = trunk.cells(trunk.tail(x)).float()
        found = tail(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2).float()
    assert (found - expected).abs().mean() < 0.03 * expected.abs().mean()
    state = TrainableTail.trunk_state(tail.params)
    _, unexpected = trunk.load_state_dict(state, strict=False)
    assert not unexpected


def test_a_branch_is_tuned_apart() -> None:
    trunk = build_trunk(build_clip()).halve()
    other = trunk.branch()
    x = torch.randn(1, 208, 4, 5).bfloat16()
    with torch.inference_mode():
        before = trunk.cells(trunk.tail(x))
        torch.testing.assert_close(other.cells(other.tail(x)), before)
    with torch.no_grad():
        other.head.weight.mul_(2)
    with torch.inference_mode():
        torch.testing.assert_close(trunk.cells(trunk.tail(x)), before)
        assert not torch.equal(other.cells(other.tail(x)), before)
    assert other.stem is trunk.stem


def test_the_fast_depthwise_has_the_stock_gradients() -> None:
    torch.manual_seed(0)
    stock = nn.Conv2d(6, 6, 5, padding=2, groups=6)
    fast = nn.Conv2d(6, 6, 5, padding=2, groups=6)
    fast.load_state_dict(stock.state_dict())
    fast_depthwise(fast)
    for layer in (stock, fast):
        x = torch.arange(2 * 6 * 7 * 5.0).view(2, 6, 7, 5).div(100).sin().requires_grad_()
        torch.autograd.backward((layer(x) ** 2).sum())
        layer.inputs = x.grad
    torch.testing.assert_close(fast.inputs, stock.inputs)
    assert stock.weight.grad is not None and fast.weight.grad is not None
    torch.testing.assert_close(fast.weight.grad, stock.weight.grad)
    assert stock.bias is not None and fast.bias is not None
    torch.testing.assert_close(fast.bias.grad, stock.bias.grad)
