"""Queries and hits to protobuf and back."""

from __future__ import annotations

from typing import Any

from thresher.convert import (
    box_from_proto,
    box_to_proto,
    image_from_proto,
    image_to_proto,
    region_from_proto,
    region_to_proto,
)
from thresher.errors import InvalidInput
from thresher.names import image_name, parse_image
from thresher.types import Aspect, Box, Hit, Medium, Point, Query, Ranker
from thresher.v1 import search_pb2, types_pb2

Message = Any
MAX_REGIONS = 16


def query_to_proto(collection: str, query: Query) -> Message:
    """InvalidInput where there is more than one picture."""
    if sum(map(bool, (query.image, query.content, query.exemplar))) > 1:
        raise InvalidInput("A search has one picture at most.", "Give an image, a content or an exemplar.", "query")
    message = search_pb2.Query(
        text=query.text,
        regions=[_region_prompt_to_proto(region) for region in query.regions],
        aspect=f"ASPECT_{query.aspect.name}",
        medium=f"MEDIUM_{query.medium.name}",
    )
    if query.image:
        message.image = image_name(collection, query.image)
    elif query.content:
        message.content = query.content
    elif query.exemplar:
        message.exemplar = query.exemplar
    return message


def query_from_proto(collection: str, message: Message) -> Query:
    """InvalidInput where a photograph is of another collection, or a region has no place."""
    which = message.WhichOneof("picture")
    image = ""
    if which == "image":
        owner, image = parse_image(message.image)
        if owner != collection:
            raise InvalidInput(
                f'{message.image} is not in "{collection}".', "Name a photograph of the collection.", "query.image"
            )
    if len(message.regions) > MAX_REGIONS:
        raise InvalidInput(f"{len(message.regions)} regions.", f"Give at most {MAX_REGIONS}.", "query.regions")
    return Query(
        text=message.text,
        image=image,
        content=message.content if which == "content" else b"",
        exemplar=message.exemplar if which == "exemplar" else "",
        regions=tuple(_region_prompt_from_proto(region) for region in message.regions),
        aspect=Aspect[_name(search_pb2.Aspect, message.aspect, "ASPECT", "WHOLE", "query.aspect")],
        medium=Medium[_name(search_pb2.Medium, message.medium, "MEDIUM", "PHOTOGRAPH", "query.medium")],
    )


def ranker_to_proto(ranker: Ranker) -> str:
    """The name of the enum's value, which a message takes for it."""
    return f"RANKER_{'UNSPECIFIED' if ranker is Ranker.DEFAULT else ranker.name}"


def ranker_from_proto(value: int) -> Ranker:
    """InvalidInput for a value that this server does not know."""
    return Ranker[_name(search_pb2.Ranker, value, "RANKER", "DEFAULT", "ranker")]


def _name(enum: Any, value: int, prefix: str, default: str, field: str) -> str:
    if value == 0:
        return default
    if value not in enum.values():
        raise InvalidInput(f"{value} is no {prefix.lower()}.", f"One of {', '.join(enum.keys()[1:])}.", field)
    name: str = enum.Name(value)
    return name.removeprefix(f"{prefix}_")


def _region_prompt_to_proto(region: Point | Box) -> Message:
    if isinstance(region, Point):
        return search_pb2.RegionPrompt(point=types_pb2.Point(x=region.x, y=region.y))
    return search_pb2.RegionPrompt(box=box_to_proto(region))


def _region_prompt_from_proto(message: Message) -> Point | Box:
    which = message.WhichOneof("prompt")
    if which == "point":
        return Point(message.point.x, message.point.y)
    box = box_from_proto(message.box)
    if which is None or not box.area > 0:
        raise InvalidInput(
            "A region has no place or no area.", "Give a point, or x0 < x1 and y0 < y1.", "query.regions"
        )
    return box


def hit_to_proto(collection: str, hit: Hit) -> Message:
    return search_pb2.SearchHit(
        image=image_to_proto(collection, hit.record),
        score=hit.score,
        regions=[region_to_proto(region) for region in hit.regions],
        duplicates=[image_name(collection, image) for image in hit.duplicates],
    )


def hit_from_proto(message: Message) -> Hit:
    return Hit(
        image_from_proto(message.image),
        message.score,
        tuple(region_from_proto(region) for region in message.regions),
        tuple(parse_image(name)[1] for name in message.duplicates),
    )
