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
    _check_together(query)
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


def _check_together(query: Query) -> None:
    """InvalidInput where something of a query with a picture would be passed over. Regions go with an instance."""
    given = {
        "an exemplar": bool(query.exemplar),
        "regions": bool(query.regions) and query.aspect is not Aspect.INSTANCE,
        "words": bool(query.text.strip()),
        f"the aspect {query.aspect.value}": query.aspect is not Aspect.WHOLE,
        f"the medium {query.medium.value}": query.medium is not Medium.PHOTOGRAPH,
    }
    asked = [name for name, there in given.items() if there]
    if len(asked) > 1:
        raise InvalidInput(
            f"A search cannot have {' and '.join(asked)} together.", "Search for one after the other.", "query"
        )


async def search(query: Query, where: Filter, limit: int, parts: SearchParts) -> Ranked:
    """At most `limit` photographs of the scope, best first. InvalidInput, NotFound, InvalidImage."""
    return await form_of(query)(query, where, limit, parts)
