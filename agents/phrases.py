"""Noun phrases as the encoder reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agents.nouns import split_attribute
from models.protocols import Encoder
from thresher.types import TextFeatures


async def read_phrases(phrases: Sequence[str], encoder: Encoder) -> tuple[dict[str, TextFeatures], dict[str, str]]:
    """Features of each phrase, and what had to be left out of it.

    An encoder with a closed vocabulary may know "cup" but not "cup of coffee", or "sofa" but not "red sofa": then the
    head stands for the phrase. Where it does not know the head either, the phrase is unknown.
    """
    closed = bool(len(encoder.concepts))
    shorter = {phrase: head_of(phrase) if closed else phrase for phrase in phrases}
    wanted = list(dict.fromkeys([*phrases, *shorter.values()]))
    features = dict(zip(wanted, await encoder.texts(wanted), strict=True)) if wanted else {}
    texts: dict[str, TextFeatures] = {}
    reduced: dict[str, str] = {}
    for phrase in phrases:
        text, head = features[phrase], shorter[phrase]
        if closed and head != phrase and not (text.known and text.concepts):
            text = features[head]
            reduced[phrase] = " ".join(phrase.replace(head, "", 1).split())
        if closed and not text.concepts:
            text = replace(text, known=False)
            reduced.pop(phrase, None)
        texts[phrase] = text
    return texts, reduced


def head_of(phrase: str) -> str:
    """What stands for a phrase that the encoder does not know: "red cup of coffee" -> "cup"."""
    return split_attribute(phrase.partition(" of ")[0])[1]
