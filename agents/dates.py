"""Dates as questions write them -> half-open spans of days. A time without zone counts as UTC here."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_SHORT = {name[:3]: number for number, name in enumerate(MONTHS, 1)} | {"sept": 9}
_MONTH = "(?:" + "|".join((*MONTHS, *(name for name in _SHORT if name != "may"))) + ")"
_YEAR = r"(?:19|20)\d\d"
_DAY = r"(?:3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?"
_PATTERNS = (
    re.compile(rf"(?P<y>{_YEAR})-(?P<m>\d\d)-(?P<d>\d\d)"),
    re.compile(rf"(?P<d>{_DAY}) (?:of )?(?P<mn>{_MONTH}) (?P<y>{_YEAR})"),
    re.compile(rf"(?P<mn>{_MONTH}) (?:the )?(?P<d>{_DAY})(?: ,)? (?P<y>{_YEAR})"),
    re.compile(rf"(?P<mn>{_MONTH}) (?:of )?(?P<y>{_YEAR})"),
    re.compile(rf"(?P<y>{_YEAR})-(?P<m>\d\d)"),
    re.compile(rf"(?:the year )?(?P<y>{_YEAR})"),
)

Span = tuple[datetime, datetime]
"""[first moment, first moment after)."""


def read_date(text: str) -> tuple[Span, int] | None:
    """The span of the date that `text` (lower case, words apart by one space) starts with, and its length in
    characters; None where it starts with none or the date does not exist."""
    for pattern in _PATTERNS:
        match = pattern.match(text)
        if match and not text[match.end() : match.end() + 1].isalnum():
            found = match.groupdict()
            month = int(found["m"]) if found.get("m") else _SHORT.get((found.get("mn") or "")[:3], 0)
            day = int(re.sub(r"\D", "", found.get("d") or "0"))
            try:
                return _span(int(found["y"]), month, day), match.end()
            except ValueError:
                return None
    return None


def _span(year: int, month: int, day: int) -> Span:
    if day:
        start = datetime(year, month, day, tzinfo=UTC)
        return start, start + timedelta(days=1)
    if month:
        return datetime(year, month, 1, tzinfo=UTC), datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    return datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)


def say_span(after: datetime | None, before: datetime | None) -> str:
    """Words that read back as the same span: "in 2020", "in July 2021", "since 2020-05-01", "between ... and ..."."""
    if after and before:
        for span, words in (
            (_span(after.year, 0, 0), f"in {after.year}"),
            (_span(after.year, after.month, 0), f"in {MONTHS[after.month - 1].capitalize()} {after.year}"),
            (_span(after.year, after.month, after.day), f"on {_day(after)}"),
        ):
            if span == (after, before):
                return words
        return f"between {_day(after)} and {_day(before - timedelta(days=1))}"
    if after:
        return f"since {_day(after)}"
    return f"before {_day(before)}" if before else "at any time"


def _day(moment: datetime) -> str:
    return f"{moment.year:04d}-{moment.month:02d}-{moment.day:02d}"
