"""Types to protobuf and back: collections, images, filters, regions. Questions and answers are in convert_ask."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from thresher.errors import InvalidInput
from thresher.names import collection_name, image_name, parse_collection, parse_image
from thresher.types import (
    Box,
    Collection,
    EncoderSpec,
    Filter,
    ImageRecord,
    Mask,
    Metric,
    Point,
    Prompt,
    Region,
)
from thresher.v1 import collections_pb2, images_pb2, search_pb2, types_pb2

Message = Any
"""A generated protobuf message (the generated code is not type-checked)."""


def time_to_proto(time: datetime | None) -> Message | None:
    """A time without zone is taken as UTC, as EXIF times are stored."""
    if time is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(time)
    return stamp


def time_from_proto(message: Message, field: str) -> datetime | None:
    """In UTC; None where the field is not set. InvalidInput where it is out of range."""
    if not message.HasField(field):
        return None
    try:
        time: datetime = getattr(message, field).ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidInput(f"The time in {field} is out of range.", "Use years 1 to 9999.") from error
    return time


def spec_to_proto(spec: EncoderSpec) -> Message:
    return types_pb2.EncoderSpec(
        id=spec.id,
        dim=spec.dim,
        metric=spec.metric,
        appearance_dim=spec.appearance_dim,
        weights=spec.weights,
        patch_dim=spec.patch_dim,
    )


def spec_from_proto(message: Message) -> EncoderSpec:
    metric: Metric = "cosine" if message.metric == "cosine" else "dot"
    return EncoderSpec(message.id, message.dim, metric, message.appearance_dim, message.weights, message.patch_dim)


def collection_to_proto(collection: Collection) -> Message:
    return collections_pb2.Collection(
        name=collection_name(collection.name),
        display_name=collection.display_name,
        create_time=time_to_proto(collection.created_at),
        image_count=collection.image_count,
        encoder=spec_to_proto(collection.encoder),
        schema_version=collection.schema_version,
    )


def collection_from_proto(message: Message) -> Collection:
    return Collection(
        name=parse_collection(message.name),
        encoder=spec_from_proto(message.encoder),
        schema_version=message.schema_version,
        created_at=message.create_time.ToDatetime(tzinfo=UTC),
        image_count=message.image_count,
        display_name=message.display_name,
    )


def image_to_proto(collection: str, record: ImageRecord) -> Message:
    return images_pb2.Image(
        name=image_name(collection, record.id),
        paths=record.paths,
        width=record.width,
        height=record.height,
        mime_type=record.mime_type,
        size_bytes=record.size_bytes,
        import_time=time_to_proto(record.imported_at),
        taken_time=time_to_proto(record.taken_at),
        camera=record.camera,
        latitude=record.latitude,
        longitude=record.longitude,
        tags=record.tags,
        caption=record.caption,
        place=record.place,
        text=record.text,
        near_duplicate_of=image_name(collection, record.group) if record.group else "",
    )


def image_from_proto(message: Message) -> ImageRecord:
    return ImageRecord(
        id=parse_image(message.name)[1],
        paths=tuple(message.paths),
        width=message.width,
        height=message.height,
        mime_type=message.mime_type,
        size_bytes=message.size_bytes,
        imported_at=message.import_time.ToDatetime(tzinfo=UTC),
        taken_at=time_from_proto(message, "taken_time"),
        camera=message.camera,
        latitude=message.latitude if message.HasField("latitude") else None,
        longitude=message.longitude if message.HasField("longitude") else None,
        tags=tuple(message.tags),
        caption=message.caption,
        place=message.place,
        text=message.text,
        group=parse_image(message.near_duplicate_of)[1] if message.near_duplicate_of else "",
    )


def filter_to_proto(collection: str, where: Filter) -> Message:
    return types_pb2.Filter(
        images=[image_name(collection, image) for image in where.ids or ()],
        restrict_to_images=where.ids is not None,
        tags=where.tags,
        excluded_tags=where.excluded_tags,
        after=time_to_proto(where.after),
        before=time_to_proto(where.before),
        min_width=where.min_width,
        min_height=where.min_height,
        path_prefix=where.path_prefix,
        expression=where.expression,
    )


def filter_from_proto(collection: str, message: Message) -> Filter:
    """InvalidInput where an image is of another collection, or a number is negative."""
    ids: list[str] | None = [] if message.restrict_to_images else None
    if ids is not None:
        for name in message.images:
            owner, image = parse_image(name)
            if owner != collection:
                raise InvalidInput(f'{name} is not in collection "{collection}".', "Name images of that collection.")
            ids.append(image)
    if message.min_width < 0 or message.min_height < 0:
        raise InvalidInput("A least width or height cannot be negative.", "Give 0 or more pixels.")
    return Filter(
        ids=None if ids is None else tuple(ids),
        tags=tuple(message.tags),
        excluded_tags=tuple(message.excluded_tags),
        after=time_from_proto(message, "after"),
        before=time_from_proto(message, "before"),
        min_width=message.min_width,
        min_height=message.min_height,
        path_prefix=message.path_prefix,
        expression=message.expression,
    )


def box_to_proto(box: Box) -> Message:
    return types_pb2.Box(x0=box.x0, y0=box.y0, x1=box.x1, y1=box.y1)


def box_from_proto(message: Message) -> Box:
    return Box(message.x0, message.y0, message.x1, message.y1)


def region_to_proto(region: Region) -> Message:
    mask = region.mask
    return types_pb2.Region(
        box=box_to_proto(region.box),
        mask=None if mask is None else types_pb2.Mask(height=mask.height, width=mask.width, counts=mask.counts),
        score=region.score,
        phrase=region.phrase,
    )


def region_from_proto(message: Message) -> Region:
    mask = message.mask
    return Region(
        box=box_from_proto(message.box),
        score=message.score,
        phrase=message.phrase,
        mask=Mask(mask.height, mask.width, mask.counts) if message.HasField("mask") else None,
    )


def prompt_to_proto(prompt: Prompt) -> Message:
    if isinstance(prompt, Point):
        return search_pb2.GroundPrompt(point=types_pb2.Point(x=prompt.x, y=prompt.y))
    if isinstance(prompt, Box):
        return search_pb2.GroundPrompt(box=box_to_proto(prompt))
    return search_pb2.GroundPrompt(text=prompt)


def prompt_from_proto(message: Message) -> Prompt:
    """InvalidInput where nothing is asked for."""
    which = message.WhichOneof("prompt")
    if which == "point":
        return Point(message.point.x, message.point.y)
    if which == "box":
        box = box_from_proto(message.box)
        if box.area <= 0:
            raise InvalidInput("A box to ground has no area.", "Give x0 < x1 and y0 < y1 in pixels.")
        return box
    if which == "text" and message.text.strip():
        text: str = message.text
        return text
    raise InvalidInput("A prompt to ground is empty.", "Give a text, a point or a box.")
