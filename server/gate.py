"""Admission: so many at a time, and the next one is told at once to come back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from thresher.errors import Overloaded


class Gate:
    """At most `limit` holders. `what` names them in the refusal ("questions")."""

    def __init__(self, limit: int, what: str, retry_after: float = 1.0) -> None:
        self._limit = limit
        self._what = what
        self._retry_after = retry_after
        self._held = 0

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Overloaded where all places are taken."""
        if self._held >= self._limit:
            raise Overloaded(
                f"The server is busy with {self._held} {self._what}.",
                f"Try again in {self._retry_after:.0f} s.",
                self._retry_after,
            )
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
