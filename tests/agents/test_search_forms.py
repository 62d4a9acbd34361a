"""Which form of a search a query has, and what does not go together."""

from __future__ import annotations

import pytest

from agents.search import composed, conditional, exemplars, image, instance, regions, sketch, text
from agents.search.run import Form, form_of
from thresher.errors import InvalidInput
from thresher.types import Aspect, Box, Medium, Point, Query

ID = "a" * 64
BOX = (Box(0, 0, 5, 5),)


@pytest.mark.parametrize(
    ("query", "form"),
    [
        (Query("dog"), text.search),
        (Query(image=ID), image.search),
        (Query(content=b"x"), image.search),
        (Query("without the dog", image=ID), composed.search),
        (Query(image=ID, regions=BOX), regions.search),
        (Query(content=b"x", medium=Medium.SKETCH), sketch.search),
        (Query(image=ID, aspect=Aspect.COLOUR), conditional.search),
        (Query(image=ID, aspect=Aspect.INSTANCE), instance.search),
        (Query(image=ID, aspect=Aspect.INSTANCE, regions=(Point(1, 2),)), instance.search),
        (Query(exemplar="our mascot"), exemplars.search),
    ],
)
def test_form(query: Query, form: Form) -> None:
    assert form_of(query) is form


@pytest.mark.parametrize(
    "query",
    [
        Query(),
        Query(" "),
        Query(regions=BOX),
        Query("dog", aspect=Aspect.COLOUR),
        Query("dog", medium=Medium.SKETCH),
        Query(image=ID, content=b"x"),
        Query(image=ID, exemplar="x"),
        Query("with a dog", image=ID, regions=BOX),
        Query("with a dog", image=ID, medium=Medium.SKETCH),
        Query("with a dog", image=ID, aspect=Aspect.INSTANCE),
        Query("with a dog", exemplar="our mascot"),
        Query(image=ID, regions=BOX, aspect=Aspect.COLOUR),
        Query(image=ID, medium=Medium.SKETCH, aspect=Aspect.PLACE),
    ],
)
def test_nothing_is_passed_over(query: Query) -> None:
    with pytest.raises(InvalidInput) as refused:
        form_of(query)
    assert refused.value.hint
