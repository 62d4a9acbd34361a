"""`Ocr` by RapidOCR: PP-OCRv6 small (Apache-2.0) on ONNX Runtime, with the weights that lie in its wheel.

Detection looks at the photograph at `SIDE` pixels and finds nothing in most: that is the cost of a photograph without
text. What it finds is read from the full photograph.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.encoders.worker import Worker
from thresher.errors import InternalError
from thresher.types import Box, Pixels, Word

_log = logging.getLogger(__name__)

SIDE = 384
"""Longer side in pixels at which text is looked for; detection takes time by its square (docs/retrieval.md)."""

LEAST_SCORE = 0.7
"""Mean probability of the letters of a line below which it is taken for texture."""

_STRIDE = 32
"""Of the detector, in pixels: a picture thinner than half of it shows nothing."""

_MODELS = {
    "Det": "PP-OCRv6_det_small.onnx",
    "Rec": "PP-OCRv6_rec_small.onnx",
    "Cls": "ch_ppocr_mobile_v2.0_cls_mobile.onnx",
}


class RapidOcr:
    """Reads one photograph at a time, off the event loop. `threads`: of one operation."""

    def __init__(self, threads: int = 1, side: int = SIDE) -> None:
        self._side = side
        self._engine = _engine(threads, side)
        self._worker = Worker("reader of text")

    async def read(self, image: Pixels) -> Sequence[Word]:
        """Words in reading order. One that cannot be read is a photograph without words: import goes on."""
        return await self._worker.run(lambda: self._read(image))

    def _read(self, image: Pixels) -> tuple[Word, ...]:
        height, width = image.shape[:2]
        if min(height, width) * self._side < _STRIDE / 2 * max(height, width):
            return ()
        try:
            lines = _lines(self._engine(np.ascontiguousarray(image[:, :, ::-1]), return_word_box=True))
        except Exception:  # an engine of four packages, on a stranger's pixels
            _log.warning("could not read text in a photograph", exc_info=True)
            return ()
        return tuple(word for line in lines for word in _words(*line, width, height))


def _engine(threads: int, side: int) -> Any:
    """Named files are never downloaded; InternalError where the wheel does not hold them."""
    from rapidocr import RapidOCR
    from rapidocr import __file__ as package

    folder = Path(package).parent / "models"
    missing = [name for name in _MODELS.values() if not (folder / name).is_file()]
    if missing:
        raise InternalError(f"The package rapidocr has no {missing[0]}.", "Install the version in requirements/.")
    settings: dict[str, object] = {f"{part}.model_path": str(folder / name) for part, name in _MODELS.items()}
    settings |= {
        "Global.log_level": "error",
        "Global.text_score": LEAST_SCORE,
        "Det.limit_type": "max",
        "Det.limit_side_len": side,
        "EngineConfig.onnxruntime.intra_op_num_threads": threads,
        "EngineConfig.onnxruntime.inter_op_num_threads": 1,
    }
    return RapidOCR(params=settings)


_Placed = tuple[str, float, Any]
"""Text, score, and its corners, upper left first."""


def _lines(found: Any) -> list[tuple[_Placed, Sequence[_Placed]]]:
    """Each line with its words; without them where the engine places none."""
    if found.txts is None:
        return []
    lines = list(zip(found.txts, found.scores, found.boxes, strict=True))
    words = found.word_results
    if len(words) != len(lines) or not all(isinstance(each, tuple) for each in words):
        words = [()] * len(lines)
    return list(zip(lines, words, strict=True))


def _words(line: _Placed, words: Sequence[_Placed], width: int, height: int) -> list[Word]:
    """A line as its words; as a whole where these are letters, as in Chinese, or others than the line has."""
    if [word for word, _, _ in words] != line[0].split():
        words = [line]
    return [
        Word(text.strip(), _box(np.asarray(corners, np.float64), width, height), float(np.clip(score, 0, 1)))
        for text, score, corners in words
        if any(letter.isalnum() for letter in text)
    ]


def _box(corners: NDArray[np.float64], width: int, height: int) -> Box:
    """The upright box around four corners, within the photograph."""
    low, high = corners.min(axis=0), corners.max(axis=0)
    x0, y0 = float(np.clip(low[0], 0, width - 1)), float(np.clip(low[1], 0, height - 1))
    return Box(x0, y0, float(np.clip(high[0], x0 + 1, width)), float(np.clip(high[1], y0 + 1, height)))
