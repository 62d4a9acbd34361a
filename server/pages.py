"""Pages of a list (AIP-158): sizes, and opaque tokens that hold where the last page ended."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json

from thresher.errors import InvalidInput

MAX_PAGE = 1_000
DEFAULT_PAGE = 100


def page_size(asked: int) -> int:
    """InvalidInput where negative; more than the most is the most."""
    if asked < 0:
        raise InvalidInput("page_size is negative.", "Use 0 for the default, or up to 1,000.", "page_size")
    return min(asked or DEFAULT_PAGE, MAX_PAGE)


def make_token(after: str, scope: bytes) -> str:
    """A token that goes on after the item `after`, for the same `scope` (what else the request asks for)."""
    text = json.dumps([after, _digest(scope)])
    return base64.urlsafe_b64encode(text.encode()).decode()


def read_token(token: str, scope: bytes) -> str:
    """The item to go on after; "" at the beginning. InvalidInput where it is not ours, or of another list."""
    if not token:
        return ""
    try:
        after, digest = json.loads(base64.urlsafe_b64decode(token.encode()))
    except (ValueError, TypeError, binascii.Error) as error:
        raise _invalid() from error
    if not isinstance(after, str) or digest != _digest(scope):
        raise _invalid()
    return after


def _digest(scope: bytes) -> str:
    return hashlib.sha256(scope).hexdigest()[:16]


def _invalid() -> InvalidInput:
    return InvalidInput(
        "The page token is not one of this list.",
        "Send next_page_token as it came, with the same request.",
        "page_token",
    )
