"""Caption -> photograph: how often the photograph that a caption describes is among the best of a search for it.

Protocol (that of text-to-image retrieval on COCO, Karpathy & Fei-Fei, CVPR 2015, in galleries of another size): each
of the first `CAPTIONS` captions of a photograph is a search of its own in a gallery of photographs that have captions,
and only the one it was written for is right. Several galleries are drawn at random; the whole set is one more. The
server breaks ties. A caption of which the encoder knows no word finds nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial

import numpy as np

from evaluation.coco import LabelledPhotographs
from evaluation.scopes import draw_scope, photos
from evaluation.suite import Question, Record, Suite, mean_rows
from thresher.client import Client
from thresher.errors import InvalidInput
from thresher.types import Filter, ImageId

CAPTIONS = 5
RANKS = (1, 5, 10)


@dataclass(frozen=True, slots=True)
class Settings:
    """`gallery` photographs in a drawn gallery, `draws` of them."""

    gallery: int = 200
    draws: int = 5
    seed: int = 7


Captions = Sequence[tuple[str, ...]]
"""Of each photograph; empty where nobody wrote any."""


def suite(photographs: LabelledPhotographs, captions: Captions, settings: Settings) -> Suite:
    """`captions` belong to `photographs`. `InvalidInput` where these cannot fill a gallery."""
    captioned, written = with_captions(photographs, captions)
    return Suite(
        name="captions",
        title=f"captions, {len(captioned.ids)} photographs with captions, seed {settings.seed}",
        settings={**asdict(settings), "captions": _digest(written)},
        photographs=photos(photographs),  # those without captions too: other suites use the same collection
        ids=photographs.ids,
        questions=tuple(
            Question(
                f"{name}/{captioned.files[row].name}/{number}",
                f"{len(gallery)} photographs",
                partial(_search, captioned.ids[row], text, tuple(captioned.ids[one] for one in gallery)),
            )
            for name, gallery in galleries(len(captioned.ids), settings).items()
            for row in gallery
            for number, text in enumerate(written[row])
        ),
        rows=mean_rows,
    )


def galleries(count: int, settings: Settings) -> dict[str, tuple[int, ...]]:
    """Name -> photographs: those that are drawn, then all `count`. Pure and seeded. `InvalidInput`: too few."""
    if settings.draws and count < settings.gallery:
        raise InvalidInput(
            f"{count} photographs have captions, which does not fill a gallery of {settings.gallery}.",
            "Ask for smaller galleries, or for none: --draws 0.",
        )
    random = np.random.default_rng(settings.seed)
    everyone = np.ones(count, bool)
    drawn = {f"draw {number}": draw_scope(random, everyone, settings.gallery) for number in range(settings.draws)}
    return {**drawn, "all": tuple(range(count))}


def with_captions(
    photographs: LabelledPhotographs, captions: Captions
) -> tuple[LabelledPhotographs, tuple[tuple[str, ...], ...]]:
    """Only the photographs that have captions, and the first `CAPTIONS` of each."""
    rows = [row for row, own in enumerate(captions) if own]
    kept = replace(
        photographs,
        files=tuple(photographs.files[row] for row in rows),
        ids=tuple(photographs.ids[row] for row in rows),
        presence=photographs.presence[rows],
    )
    return kept, tuple(tuple(captions[row][:CAPTIONS]) for row in rows)


async def _search(image: ImageId, text: str, gallery: tuple[ImageId, ...], client: Client, collection: str) -> Record:
    """`rank` of the photograph, from 0; None beyond the last of `RANKS`."""
    found = await client.search(collection, text, where=Filter(ids=gallery), limit=max(RANKS), separate_duplicates=True)
    ranking = [hit.record.id for hit in found.hits]
    rank = ranking.index(image) if image in ranking else None
    return {
        "row": {"gallery": len(gallery)},
        "cluster": image,
        "question": text,
        "rank": rank,
        "unknown": found.unknown_concept,
        "scores": {f"recall_at_{most}": rank is not None and rank < most for most in RANKS},
    }


def _digest(captions: Captions) -> str:
    return hashlib.sha256(json.dumps(captions).encode()).hexdigest()[:12]
