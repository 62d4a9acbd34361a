"""Which form a query has, and what finds it: one file a form."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from agents.params import SearchParts
from agents.search import composed, conditional, exemplars, image, instance, regions, sketch, text
from agents.search.parts import Ranked
from thresher.errors import InvalidInput
from thresher.types import Aspect, Filter, Medium, Query

Form = Callable[[Query, Filter, int, SearchParts], Awaitable[Ranked]]


def form_of(query: Query) -> Form:
    """InvalidInput where the parts of a query do not go together."""
    if sum(map(bool, (query.image, query.content, query.exemplar))) > 1:
        raise InvalidInput("A search has one picture at most.", "Give an image, a content or an exemplar.", "query")
    if not (query.pictured or query.exemplar):
        if query.regions or query.aspect is not Aspect.WHOLE or query.medium is not Medium.PHOTOGRAPH:
            raise InvalidInput("Regions, aspect and medium are of a picture.", "Give the picture, too.", "query")
        if not query.text.strip():
            raise InvalidInput("There is nothing to search for.", "Give a text or a picture.", "query")
        return text.search
    if query.exemplar:
        return exemplars.search
    if query.aspect is Aspect.INSTANCE:
        return instance.search
    if query.regions:
        return regions.search
    if query.medium is not Medium.PHOTOGRAPH:
        return sketch.search
    if query.text.strip():
        return composed.search
    if query.aspect is not Aspect.WHOLE:
        return conditional.search
    return image.search


async def search(query: Query, where: Filter, limit: int, parts: SearchParts) -> Ranked:
    """At most `limit` photographs of the scope, best first. InvalidInput, NotFound, InvalidImage."""
    return await form_of(query)(query, where, limit, parts)
