"""Rows as stores take them, and as Arrow holds them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from retrievers.cache import ColumnName
from retrievers.documents import document_of
from retrievers.literals import utc
from retrievers.multivector import check_patches, encode
from retrievers.proposals import check, pack
from retrievers.protocols import VectorField
from retrievers.schema import CONTENT, RECORD_COLUMNS
from retrievers.words import pack_words
from thresher.errors import InvalidInput
from thresher.types import (
    COLOUR_DIM,
    Collection,
    EncoderSpec,
    ImageChange,
    ImageFeatures,
    ImageId,
    ImageRecord,
    ImageRow,
)

_LONGEST_PATH = 4096
_LONGEST_TAG = 256
_ENCODER_FAULT = "This is a fault of the encoder; the photograph was not stored."


# --- what may be stored ------------------------------------------------------------------------------------------


def checked(row: ImageRow, encoder: EncoderSpec) -> ImageRow:
    """The row as it is stored: times in UTC, each path and tag once, vectors f32 (unit ones in a cosine space).

    InvalidInput where it cannot be stored as what it says it is.
    """
    record = row.record
    if not row.content or hashlib.sha256(row.content).hexdigest() != record.id:
        raise InvalidInput(f"Image {record.id!r} is not named by the SHA-256 of its bytes.", "Hash the bytes again.")
    if record.size_bytes != len(row.content):
        raise InvalidInput(
            f"Image {record.id} has {len(row.content)} bytes, not {record.size_bytes}.", "Send all of them."
        )
    record = replace(
        record,
        paths=checked_paths(record.paths),
        tags=checked_tags(record.tags),
        imported_at=utc(record.imported_at),
        taken_at=None if record.taken_at is None else utc(record.taken_at),
        caption=_printable(record.caption),
        place=_printable(record.place),
        text=" ".join(word.text for word in row.words),
    )
    check(row.features.proposals)
    check_patches(row.features.patches, encoder)
    features = ImageFeatures(
        vector=stored_vector(row.features.vector, encoder, "vector"),
        appearance=stored_vector(row.features.appearance, encoder, "appearance"),
        proposals=row.features.proposals,
        patches=row.features.patches,
    )
    words = tuple(replace(word, text=_printable(word.text)) for word in row.words)
    return ImageRow(record, row.content, features, words, row.phash, stored_vector(row.colours, encoder, "colours"))


def checked_paths(paths: Iterable[str]) -> tuple[str, ...]:
    """Each path once, in order. InvalidInput for one that is empty, too long, not UTF-8 or contains NUL."""
    return tuple(dict.fromkeys(_text(path, "path", _LONGEST_PATH) for path in paths))


def checked_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Each tag once, in order. InvalidInput as for paths."""
    return tuple(dict.fromkeys(_text(tag, "tag", _LONGEST_TAG) for tag in tags))


def _text(text: str, what: str, longest: int) -> str:
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        size = 0
    if not 0 < size <= longest or "\0" in text:
        raise InvalidInput(f"{text[:80]!r} cannot be a {what}.", f"Use 1 to {longest} bytes of UTF-8 without NUL.")
    return text


def _printable(text: str) -> str:
    """What a file or a reader says, as far as it can be stored: it is not worth refusing a photograph for."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def stored_vector(vector: ArrayLike, encoder: EncoderSpec, field: VectorField) -> NDArray[np.float32]:
    """f32 (dim,) as it is compared by dot product. InvalidInput where it is of another shape or not finite."""
    stored: NDArray[np.float32] = query_vectors(np.asarray(vector)[None], encoder, field)[0]
    return stored


def query_vectors(vectors: ArrayLike, encoder: EncoderSpec, field: VectorField) -> NDArray[np.float32]:
    """f32 (q, dim) whose dot products with stored vectors are the scores; a zero vector stays zero. InvalidInput."""
    array = np.asarray(vectors, np.float32)
    dim = dim_of(field, encoder)
    if array.ndim != 2 or array.shape[1] != dim:
        raise InvalidInput(f"{field} has shape {array.shape[1:]}, the collection's encoder makes ({dim},).", _WRONG)
    if not np.isfinite(array).all():
        raise InvalidInput(f"{field} has values that are not finite.", _ENCODER_FAULT)
    if field == "colours" or (field == "vector" and encoder.metric == "dot"):
        return array
    lengths = np.linalg.norm(array.astype(np.float64), axis=1, keepdims=True)
    unit: NDArray[np.float32] = (array / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    return unit


def dim_of(field: VectorField, encoder: EncoderSpec) -> int:
    """Numbers of a vector of this field."""
    return {"vector": encoder.dim, "appearance": encoder.appearance_dim, "colours": COLOUR_DIM}[field]


_WRONG = "Use the encoder that the collection was made with."


def merged(record: ImageRecord, paths: Sequence[str], tags: Sequence[str]) -> ImageRecord:
    """The record with these paths and tags added."""
    return replace(
        record,
        paths=tuple(dict.fromkeys((*record.paths, *paths))),
        tags=tuple(dict.fromkeys((*record.tags, *tags))),
    )


def changed(record: ImageRecord, change: ImageChange) -> ImageRecord:
    """The record after a change. InvalidInput where it would lose its last path, or text cannot be stored."""
    kept = replace(
        record,
        paths=tuple(path for path in record.paths if path not in change.remove_paths),
        tags=tuple(tag for tag in record.tags if tag not in change.remove_tags),
    )
    found = merged(kept, checked_paths(change.add_paths), checked_tags(change.add_tags))
    if record.paths and not found.paths:
        raise InvalidInput(f"{record.path} would be without a path.", "Delete the photograph instead.")
    return found


def merged_rows(rows: Iterable[ImageRow]) -> dict[ImageId, ImageRow]:
    """Each id once: later rows of the same photograph add their paths and tags to the first."""
    found: dict[ImageId, ImageRow] = {}
    for row in rows:
        known = found.get(row.record.id)
        found[row.record.id] = (
            replace(known, record=merged(known.record, row.record.paths, row.record.tags)) if known else row
        )
    return found


# --- Arrow -------------------------------------------------------------------------------------------------------


def column_values(rows: Sequence[ImageRow], collection: Collection) -> dict[ColumnName, Any]:
    """What the cache holds of checked rows: records, packed proposals, f32 (n, dim), (n, appearance_dim) ..."""
    return {
        "record": [row.record for row in rows],
        "proposals": [pack(row.features.proposals) for row in rows],
        "patches": [row.features.patches.vectors for row in rows],
        "vector": np.stack([row.features.vector for row in rows]),
        "appearance": np.stack([row.features.appearance for row in rows]),
        "colours": np.stack([row.colours for row in rows]),
        "fde": encode([row.features.patches.vectors for row in rows], collection),
    }


def arrow_table(values: Mapping[ColumnName, Any], rows: Sequence[ImageRow], schema: pa.Schema) -> pa.Table:
    """Rows in the table's own schema (Lance refuses any other beside a blob column)."""
    columns = record_columns(values["record"], RECORD_COLUMNS)
    columns["document"] = [document_of(record) for record in values["record"]]
    columns["proposals"] = values["proposals"]
    columns["patches"] = _lists(values["patches"], schema.field("patches").type)
    columns["patch_boxes"] = [row.features.patches.boxes.astype("<f4").tobytes() for row in rows]
    columns["words"] = [pack_words(row.words) for row in rows]
    columns["phash"] = [None if row.phash is None else signed(row.phash) for row in rows]
    for name in ("vector", "appearance", "colours", "fde"):
        columns[name] = _vectors(values[name])
    columns[CONTENT] = _blobs([row.content for row in rows], schema.field(CONTENT).type)
    arrays = [
        column if isinstance(column := columns[field.name], pa.Array) else pa.array(column, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def records_to_table(records: Sequence[ImageRecord], columns: Sequence[str], schema: pa.Schema) -> pa.Table:
    """Some columns of records, for an update of these alone."""
    part = pa.schema([schema.field(name) for name in columns])
    values = record_columns(records, columns)
    return pa.Table.from_arrays([pa.array(values[field.name], field.type) for field in part], schema=part)


def record_columns(records: Sequence[ImageRecord], columns: Sequence[str]) -> dict[str, Any]:
    """Columns of records, and what is made of these alone: `document`."""
    return {
        name: [document_of(record) if name == "document" else getattr(record, name) for record in records]
        for name in columns
    }


def signed(phash: int) -> int:
    """The same 64 bits as Arrow and Lance keep them."""
    return phash - (1 << 64) if phash >= 1 << 63 else phash


def _vectors(matrix: NDArray[np.float32]) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(pa.array(matrix.ravel()), matrix.shape[1])


def _lists(arrays: Sequence[NDArray[np.float16]], kind: pa.DataType) -> pa.Array:
    """Sets of f16 vectors (n, d), as a multivector column has them."""
    dim = kind.value_type.list_size
    offsets = np.concatenate([[0], np.cumsum([len(array) for array in arrays])]).astype(np.int32)
    flat = np.concatenate([array.reshape(-1, dim) for array in arrays]) if arrays else np.zeros((0, dim), np.float16)
    return pa.ListArray.from_arrays(offsets, pa.FixedSizeListArray.from_arrays(pa.array(flat.ravel()), dim), type=kind)


def _blobs(contents: Sequence[bytes], kind: pa.ExtensionType) -> pa.Array:
    data = pa.array(contents, pa.large_binary())
    fields = list(kind.storage_type)
    children = [data if field.name == "data" else pa.nulls(len(data), field.type) for field in fields]
    return pa.ExtensionArray.from_storage(kind, pa.StructArray.from_arrays(children, fields=fields))


def records_of(batch: pa.RecordBatch) -> list[ImageRecord]:
    """The records of a batch that has the record columns."""
    columns = [batch.column(name).to_pylist() for name in RECORD_COLUMNS]
    return [_record(dict(zip(RECORD_COLUMNS, values, strict=True))) for values in zip(*columns, strict=True)]


def _record(values: dict[str, Any]) -> ImageRecord:
    values["paths"] = tuple(values["paths"])
    values["tags"] = tuple(values["tags"])
    values["imported_at"] = values["imported_at"].replace(tzinfo=UTC)
    if values["taken_at"] is not None:
        values["taken_at"] = values["taken_at"].replace(tzinfo=UTC)
    return ImageRecord(**values)


def patches_of(batch: pa.RecordBatch) -> list[NDArray[np.float16]]:
    """The patch vectors of each row of a batch: f16 (n, patch_dim)."""
    column = batch.column("patches")
    values = column.flatten()
    flat: NDArray[np.float16] = values.flatten().to_numpy(zero_copy_only=False).reshape(-1, values.type.list_size)
    ends = np.cumsum(column.value_lengths().to_numpy())
    return np.split(flat, ends[:-1]) if len(ends) else []


def boxes_of(data: bytes) -> NDArray[np.float32]:
    """Boxes f32 (n, 4) of the patches, as a row keeps them."""
    return np.frombuffer(data, "<f4").reshape(-1, 4).astype(np.float32)


def matrix_of(batch: pa.RecordBatch, field: str) -> NDArray[np.float32]:
    """The vectors of a batch: f32 (rows, dim), not a copy."""
    column = batch.column(field)
    flat: NDArray[np.float32] = column.flatten().to_numpy()
    return flat.reshape(len(column), column.type.list_size)
