"""What the judge is given, before it judges: for fitting it on labelled photographs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from agents.boxes import phrase_scores
from agents.params import SearchParts
from agents.retrieve import retrieve
from thresher.types import Filter, ImageId, Predicate, Witnesses


async def witnesses(
    phrases: Sequence[str], scope: Filter, parts: SearchParts
) -> tuple[tuple[ImageId, ...], list[Witnesses]]:
    """(photographs of the scope, what is known of each phrase about them)."""
    found = await retrieve([Predicate(phrase) for phrase in phrases], scope, parts)
    proposals = await parts.store.proposals(found.ids)
    nothing = np.zeros(0, np.float32)
    said = []
    for phrase in phrases:
        text = found.texts[phrase]
        boxes = [phrase_scores(proposals[image], text).max(initial=0.0) for image in found.ids if text.known]
        said.append(
            Witnesses(
                known=text.known,
                concepts=tuple(concept.name for concept in text.concepts),
                calibrated=text.calibrated,
                similarity=found.scores.get(phrase, nothing),
                detection=np.array(boxes, np.float32),
            )
        )
    return found.ids, said
