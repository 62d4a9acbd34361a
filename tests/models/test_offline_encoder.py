"""The offline encoder against the encoder contract, on synthetic pictures."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from models.encoders.offline import OfflineEncoder, load_offline, weights_hash
from models.encoders.phrases import CATEGORY_COUNT
from models.encoders.preprocess import prepare, scaled_size
from models.encoders.tower import BOX_CATEGORIES, BOX_CLASSES, CONCEPT_COUNT, PROPOSALS
from models.protocols import Encoder
from tests.models.pictures import WEIGHTS, picture
from thresher.errors import InvalidSetting

SIZES = [(320, 240), (240, 320), (64, 64), (33, 1000), (700, 500)]


def typed(encoder: OfflineEncoder) -> Encoder:
    return encoder


def test_spec_says_what_the_vectors_are(encoder: OfflineEncoder) -> None:
    spec = typed(encoder).spec
    assert (spec.dim, spec.metric, spec.appearance_dim) == (1464, "dot", 256)
    assert len(encoder.concepts) == CONCEPT_COUNT == 1080
    assert len(spec.weights) == 64
    assert spec.weights == weights_hash(WEIGHTS)


@pytest.mark.parametrize(("width", "height"), SIZES)
async def test_features_have_the_promised_shapes(encoder: OfflineEncoder, width: int, height: int) -> None:
    (features,) = await encoder.images([picture(1, width, height)])
    assert features.vector.shape == (1464,)
    assert features.vector.dtype == np.float32
    probabilities, caption = features.vector[:CONCEPT_COUNT], features.vector[CONCEPT_COUNT:]
    assert probabilities.min() >= 1e-7
    assert probabilities.max() <= 1 - 1e-7
    assert np.linalg.norm(caption) == pytest.approx(1, abs=1e-4)
    assert np.linalg.norm(features.appearance) == pytest.approx(1, abs=1e-4)
    proposals = features.proposals
    n = len(proposals.boxes)
    assert 0 < n <= PROPOSALS
    assert proposals.boxes.dtype == np.float32
    assert proposals.concepts.dtype == np.int16
    assert proposals.concepts.shape == proposals.scores.shape == (n, BOX_CATEGORIES + BOX_CLASSES)
    assert proposals.scores.min() >= 0
    assert proposals.scores.max() <= 1
    assert proposals.concepts.max() < CONCEPT_COUNT
    x0, y0, x1, y1 = proposals.boxes.T
    assert x0.min() >= 0
    assert y0.min() >= 0
    assert x1.max() <= width
    assert y1.max() <= height
    assert (x1 > x0).all()
    assert (y1 > y0).all()


async def test_a_batch_equals_one_by_one(encoder: OfflineEncoder) -> None:
    batch = [picture(seed, *size) for seed, size in enumerate(SIZES)]
    together = await encoder.images(batch)
    for pixels, features in zip(batch, together, strict=True):
        (alone,) = await encoder.images([pixels])
        np.testing.assert_array_equal(alone.vector, features.vector)
        np.testing.assert_array_equal(alone.proposals.boxes, features.proposals.boxes)


async def test_asks_do_not_wait_for_an_upload(encoder: OfflineEncoder) -> None:
    upload = asyncio.ensure_future(encoder.images([picture(seed) for seed in range(12)]))
    await encoder.texts(["dog"])
    assert not upload.done()
    await upload


async def test_a_phrase_is_a_probability_by_dot_product(encoder: OfflineEncoder) -> None:
    (image,) = await encoder.images([picture(3)])
    dog, union, sentence = await encoder.texts(["dogs", "vehicle", "a man riding a wave on a surfboard"])
    assert dog.known and dog.calibrated
    assert [concept.name for concept in dog.concepts] == ["dog"]
    assert float(image.vector @ dog.vector) == pytest.approx(float(image.vector[dog.concepts[0].index]))
    assert len(union.concepts) == 8
    assert {concept.weight for concept in union.concepts} == {1.0}
    assert sentence.known and not sentence.calibrated and not sentence.concepts
    assert np.linalg.norm(sentence.vector) == pytest.approx(1, abs=1e-3)
    assert not sentence.vector[:CONCEPT_COUNT].any()


@pytest.mark.parametrize("word", ["justice", "quarterly report", "flibbertigibbet", "helicopter", "zxqvy"])
async def test_unknown_words_say_so(encoder: OfflineEncoder, word: str) -> None:
    (text,) = await encoder.texts([word])
    assert not text.known
    assert not text.concepts
    assert len(text.nearest) == 3
    assert not text.vector.any()


@pytest.mark.parametrize(
    ("word", "names"),
    [("submarine", {"submarine"}), ("candle holder", {"candle"}), ("sports sedan", {"sports car", "car"})],
)
async def test_near_words_are_read_as_their_neighbours(encoder: OfflineEncoder, word: str, names: set[str]) -> None:
    (text,) = await encoder.texts([word])
    assert text.known
    assert names & {concept.name for concept in text.concepts}
    assert sum(concept.weight for concept in text.concepts) == pytest.approx(1)


async def test_order_and_empty_batches(encoder: OfflineEncoder) -> None:
    assert list(await encoder.texts([])) == []
    assert list(await encoder.images([])) == []
    cat, dog = await encoder.texts(["cat", "dog"])
    assert (cat.concepts[0].name, dog.concepts[0].name) == ("cat", "dog")


async def test_appearance_finds_crops_and_recolourings_first(encoder: OfflineEncoder) -> None:
    originals = [picture(seed) for seed in range(6)]
    changed = [
        np.ascontiguousarray((p[10:230, 15:305].astype(np.float32) * 0.85 + 20).astype(np.uint8)) for p in originals
    ]
    a = np.stack([f.appearance for f in await encoder.images(originals)])
    b = np.stack([f.appearance for f in await encoder.images(changed)])
    assert ((b @ a.T).argmax(1) == np.arange(6)).all()


def test_sizes_are_multiples_of_32_and_never_empty() -> None:
    assert scaled_size(640, 480, 640) == (640, 480)
    assert scaled_size(500, 333, 384) == (384, 256)
    assert scaled_size(10000, 10, 384) == (384, 32)
    assert prepare(picture(0, 50, 1000), 384).shape == (1, 3, 384, 32)


def test_pixels_are_scaled_to_the_trunks_range() -> None:
    black, white = np.zeros((64, 64, 3), np.uint8), np.full((64, 64, 3), 255, np.uint8)
    assert prepare(black, 384).unique().tolist() == [-127 / 128]
    assert prepare(white, 384).unique().tolist() == [1.0]


def test_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match=r"tail\.safetensors"):
        load_offline(tmp_path)


async def test_it_sees_what_photographs_show(encoder: OfflineEncoder, coco: Path) -> None:
    """On test photographs that show nothing but one rare animal the right category wins."""
    import json

    from PIL import Image

    labels = json.loads((coco / "instances.json").read_text())
    shown: dict[int, set[int]] = {}
    for annotation in labels["annotations"]:
        shown.setdefault(annotation["image_id"], set()).add(annotation["category_id"])
    animals = set(range(14, 24))
    right, total = 0, 0
    for image in labels["images"]:
        kinds = shown.get(image["id"], set()) & animals
        if image["id"] % 5 or len(kinds) != 1 or total == 25:
            continue
        pixels = np.asarray(Image.open(coco / "images" / image["file_name"]).convert("RGB"))
        (features,) = await encoder.images([pixels])
        best = max(animals, key=lambda category: features.vector[category])
        right += best in kinds
        total += 1
    assert total == 25
    assert right >= 20
    assert CATEGORY_COUNT == 80
