"""Values as SQL literals: the only way a value gets into SQL."""

from __future__ import annotations

from datetime import UTC, datetime

from thresher.errors import InvalidInput


def utc(moment: datetime) -> datetime:
    """The same moment in UTC; one without a zone is taken as UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def quoted(text: str) -> str:
    """A SQL string literal: DataFusion knows one escape in it, the doubled quote. InvalidInput for lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput(f"{text!r} is not UTF-8 text.", "Filter by text that can be written as UTF-8.") from error
    return "'" + text.replace("'", "''") + "'"


def timestamp(moment: datetime) -> str:
    """A SQL literal of microseconds, in UTC."""
    return f"timestamp '{utc(moment).isoformat(timespec='microseconds')}'"


def double(number: float) -> str:
    """A SQL literal that reads back as the same finite number."""
    return f"CAST({quoted(repr(number))} AS DOUBLE)"
