"""Names that become folder names. Nothing else of a caller's ever does."""

from __future__ import annotations

import re

from thresher.errors import InvalidInput

_ID = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")


def check_name(name: str, what: str = "collection") -> str:
    """The name itself where it may name a collection or tenant. InvalidInput otherwise."""
    if not _ID.fullmatch(name):
        shown = name if len(name) <= 80 else f"{name[:80]}..."
        raise InvalidInput(
            f"{shown!r} cannot name a {what}.",
            "Use 1 to 63 lower-case letters, digits and hyphens; begin with a letter, do not end with a hyphen.",
        )
    return name
