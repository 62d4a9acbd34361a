"""The offline profile's encoder, and the factory of everything that this profile needs of `models/offline`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from models.encoders import preprocess
from models.encoders.appearance import APPEARANCE_DIM
from models.encoders.clip import build_clip, build_tokenizer, build_trunk, text_model_path, trunk_weights_path
from models.encoders.patches import PATCH_DIM
from models.encoders.phrases import concept_names
from models.encoders.regions import region_vectors
from models.encoders.text import Nearness, SentenceEncoder, TextReader, Vocabulary
from models.encoders.tower import VECTOR_DIM, OfflineTower
from models.encoders.worker import Worker
from models.grounders.mask_decoder import MaskDecoder
from models.grounders.offline import OfflineGrounder
from thresher.errors import InvalidSetting
from thresher.types import EncoderSpec, ImageFeatures, Mask, Medium, Pixels, TextFeatures

WEIGHT_FILES = (
    "tail.safetensors",
    "objects.safetensors",
    "concepts.safetensors",
    "appearance.safetensors",
    "captions.safetensors",
    "detector.safetensors",
    "media.safetensors",
    "patches.safetensors",
    "vocabulary.safetensors",
    "text.json",
)

QUERY_FILES = ("vocabulary.safetensors", "text.json", "media.safetensors")
"""Those that only read queries."""


class OfflineEncoder:
    """`models.protocols.Encoder` on the EfficientNet-lite2 trunk and MiniLM.

    The vector is [80 + 1,000 probabilities, 384 caption numbers]; a phrase's dot product with it is the probability
    that the image shows the phrase, a sentence's the cosine of image and caption.
    """

    def __init__(self, tower: OfflineTower, reader: TextReader, spec: EncoderSpec) -> None:
        self.spec = spec
        self.concepts: Sequence[str] = concept_names()
        self.tower = tower
        self.reader = reader
        self._image_worker = Worker("image-encoder")
        self._text_worker = Worker("text-encoder")

    async def images(self, batch: Sequence[Pixels]) -> Sequence[ImageFeatures]:
        return [await self._image_worker.run(partial(self.tower.forward, image)) for image in batch]

    async def regions(self, image: Pixels, masks: Sequence[Mask]) -> NDArray[np.float32]:
        return await self._image_worker.run(lambda: region_vectors(self.tower, image, masks))

    async def query(self, image: Pixels, medium: Medium) -> NDArray[np.float32]:
        return await self._image_worker.run(lambda: self.tower.query(image, medium))

    async def texts(self, batch: Sequence[str]) -> Sequence[TextFeatures]:
        return await self._text_worker.run(lambda: [self.reader.read(text) for text in batch])


def weights_hash(folder: Path) -> str:
    """SHA-256 over everything that decides stored numbers: weights, the packages' too, and the preprocessing.

    What only reads queries (the vocabulary and its threshold, the maps of media) may change without making collections
    unreadable.
    """
    digest = hashlib.sha256(f"preprocess {preprocess.VERSION} {preprocess.SCALES}".encode())
    paths = [folder / name for name in WEIGHT_FILES if name not in QUERY_FILES]
    for path in [*paths, trunk_weights_path(), text_model_path() / "model.safetensors"]:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def load_offline(folder: Path, threads: int = 1) -> tuple[OfflineEncoder, OfflineGrounder]:
    """Encoder and grounder of the offline profile; they share one trunk in memory.

    `folder` holds our weights (models/offline), `threads` is what torch may use for one operation.
    """
    missing = [name for name in (*WEIGHT_FILES, "masks.safetensors") if not (folder / name).is_file()]
    if missing:
        raise InvalidSetting(f"{folder} lacks {', '.join(missing)}.", "Use a complete checkout of models/offline.")
    torch.set_num_threads(threads)
    clip: Any = build_clip()
    tower = OfflineTower(build_trunk(clip))
    tower.load(folder)
    clip.visual = tower
    reader = TextReader(
        SentenceEncoder(clip, build_tokenizer()),
        Vocabulary.load(folder / "vocabulary.safetensors"),
        tower.captions,
        tower.patch_head,
        Nearness.load(folder / "text.json"),
    )
    name, weights = "offline-efficientnet-lite2-minilm", weights_hash(folder)
    spec = EncoderSpec(name, VECTOR_DIM, "dot", APPEARANCE_DIM, weights, PATCH_DIM)
    return OfflineEncoder(tower, reader, spec), OfflineGrounder(tower, MaskDecoder.load(folder), reader)
