"""Masks for the photographs that are shown, never for those that are only counted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from models.protocols import Grounder
from thresher.errors import ThresherError
from thresher.types import Citation, ImageId, Pixels, Prompt, Region


async def ground(
    citation: Citation, phrases: tuple[str, ...], grounder: Grounder, load: Callable[[ImageId], Awaitable[Pixels]]
) -> tuple[Citation, str]:
    """The citation with masks, and what went wrong ("" where nothing did): one failure does not spoil the answer.

    Prompts are the boxes of the citation's regions; where the encoder proposed none, the phrases themselves.
    """
    prompts: list[Prompt] = [region.box for region in citation.regions] or list(phrases)
    if not prompts:
        return citation, ""
    try:
        pixels = await load(citation.image_id)
        found = await grounder.ground(pixels, prompts)
    except ThresherError as error:
        return citation, f"{citation.path}: {error.message}"
    regions: list[Region] = []
    if citation.regions:
        for region, masked in zip(citation.regions, found, strict=True):
            regions.append(replace(region, mask=masked[0].mask) if masked else region)
    else:
        for phrase, seen in zip(phrases, found, strict=True):
            regions.extend(replace(region, phrase=phrase) for region in seen)
    return replace(citation, regions=tuple(regions)), ""
