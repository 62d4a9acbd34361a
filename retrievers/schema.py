"""The table of a collection: its columns, and what is written beside them about the collection itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

import pyarrow as pa
from lancedb.schema import blob

from thresher.errors import EncoderMismatch, SchemaMismatch
from thresher.types import COLOUR_DIM, Collection, EncoderSpec, FdeSpec, IndexSpec

SCHEMA_VERSION = 2
"""Raised whenever a column changes its name, type or meaning."""

RECORD_COLUMNS = (
    "id",
    "paths",
    "width",
    "height",
    "mime_type",
    "size_bytes",
    "imported_at",
    "taken_at",
    "camera",
    "latitude",
    "longitude",
    "tags",
    "caption",
    "place",
    "text",
    "group",
)
CONTENT = "content"
TIMESTAMP = pa.timestamp("us", tz="UTC")

# Made at import: until then Arrow does not know the extension type, and a table opened by a new process has another.
_CONTENT_FIELD = blob(CONTENT)
_METADATA = b"thresher.collection"
_STRINGS = pa.list_(pa.field("item", pa.string(), nullable=False))
# What AsyncTable.set_unenforced_primary_key writes. Given here, the table has its key from its first version on.
_PRIMARY_KEY = {"lance-schema:unenforced-primary-key:position": "1"}


def table_schema(collection: Collection) -> pa.Schema:
    """Columns of a new table. Vectors of a cosine space, and `appearance`, are stored as unit vectors."""
    encoder = collection.encoder

    def required(name: str, kind: pa.DataType) -> pa.Field:
        return pa.field(name, kind, nullable=False)

    return pa.schema(
        [
            pa.field("id", pa.string(), nullable=False, metadata=_PRIMARY_KEY),
            required("paths", _STRINGS),
            required("width", pa.int32()),
            required("height", pa.int32()),
            required("mime_type", pa.string()),
            required("size_bytes", pa.int64()),
            required("imported_at", TIMESTAMP),
            pa.field("taken_at", TIMESTAMP),
            required("camera", pa.string()),
            pa.field("latitude", pa.float64()),
            pa.field("longitude", pa.float64()),
            required("tags", _STRINGS),
            required("caption", pa.string()),
            required("place", pa.string()),
            required("text", pa.string()),
            required("group", pa.string()),
            required("vector", pa.list_(pa.float32(), encoder.dim)),
            required("appearance", pa.list_(pa.float32(), encoder.appearance_dim)),
            required("colours", pa.list_(pa.float32(), COLOUR_DIM)),
            required("proposals", pa.binary()),
            required("patches", pa.list_(pa.list_(pa.float16(), max(1, encoder.patch_dim)))),
            required("patch_boxes", pa.binary()),
            required("fde", pa.list_(pa.float32(), fde_dim(collection))),
            required("words", pa.binary()),
            required("document", pa.string()),
            pa.field("phash", pa.int64()),
            _CONTENT_FIELD,
        ],
        metadata={_METADATA: _encode(collection)},
    )


def _encode(collection: Collection) -> bytes:
    return json.dumps(
        {
            "schema_version": collection.schema_version,
            "display_name": collection.display_name,
            "created_at": collection.created_at.isoformat(),
            "encoder": asdict(collection.encoder),
            "indexes": asdict(collection.indexes),
        }
    ).encode()


def fde_dim(collection: Collection) -> int:
    """Numbers of a fixed dimensional encoding; 1, always 0, where the encoder makes no patch vectors."""
    return collection.indexes.fde.dim if collection.encoder.patch_dim else 1


def _indexes(fields: Mapping[str, Any] | None) -> IndexSpec:
    """Those of tables of an older schema are what is usual now: they are read to say that they are older."""
    return IndexSpec(**{**fields, "fde": FdeSpec(**fields["fde"])}) if fields else IndexSpec()


def read_collection(name: str, metadata: Mapping[bytes, bytes] | None, image_count: int) -> Collection:
    """What a table says about its collection, whatever its schema version. SchemaMismatch where it says nothing."""
    try:
        fields = json.loads((metadata or {})[_METADATA])
        return Collection(
            name=name,
            encoder=EncoderSpec(**fields["encoder"]),
            schema_version=fields["schema_version"],
            created_at=datetime.fromisoformat(fields["created_at"]),
            image_count=image_count,
            display_name=fields["display_name"],
            indexes=_indexes(fields.get("indexes")),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise SchemaMismatch(
            f"Collection {name!r} was not written by a version of Thresher that this one knows.",
            "Delete it and import its photographs again, or run the version that made it.",
        ) from error


def check_schema_version(found: int, where: str) -> None:
    """SchemaMismatch unless `found` is ours."""
    if found == SCHEMA_VERSION:
        return
    hint = (
        "Update Thresher, or name another data directory."
        if found > SCHEMA_VERSION
        else "Import the photographs into a new one with this version, or run the version that made it."
    )
    raise SchemaMismatch(f"{where} has schema version {found}; this server reads {SCHEMA_VERSION}.", hint)


def check_encoder(collection: Collection, encoder: EncoderSpec) -> None:
    """EncoderMismatch unless the collection was made with this encoder."""
    made = collection.encoder
    if made == encoder:
        return
    raise EncoderMismatch(
        f"Collection {collection.name!r} was made with encoder {made.id} ({made.weights[:12]}, {made.dim} numbers); "
        f"this server has {encoder.id} ({encoder.weights[:12]}, {encoder.dim} numbers).",
        f"Import the photographs again: thresher import {collection.name}-2 FOLDER (and delete this collection then);"
        " or start the server with the profile or weights (THRESHER_ENCODER__WEIGHTS) that made this one.",
    )
