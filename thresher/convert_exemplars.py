"""Exemplars to protobuf and back."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from thresher.convert import box_from_proto, box_to_proto, time_to_proto
from thresher.names import exemplar_name
from thresher.types import Example, Exemplar
from thresher.v1 import exemplars_pb2

Message = Any


def exemplar_to_proto(collection: str, exemplar: Exemplar) -> Message:
    return exemplars_pb2.Exemplar(
        name=exemplar_name(collection, exemplar.name),
        display_name=exemplar.name,
        examples=[
            exemplars_pb2.Example(sha256=each.image, box=None if each.box is None else box_to_proto(each.box))
            for each in exemplar.examples
        ],
        create_time=time_to_proto(exemplar.created_at),
    )


def exemplar_from_proto(message: Message) -> Exemplar:
    return Exemplar(
        name=message.display_name,
        examples=tuple(
            Example(each.sha256, box_from_proto(each.box) if each.HasField("box") else None)
            for each in message.examples
        ),
        created_at=message.create_time.ToDatetime(tzinfo=UTC),
    )
