"""Ask questions of large image collections and get true, cited, grounded answers.

    from thresher import Client

    async with Client() as client:
        async for event in client.ask("holiday", "How many photos show a dog?"):
            print(event)

Words are in `thresher.types`, errors in `thresher.errors`, what the client hands out beside them in
`thresher.records`. `Client` is loaded when it is first used, so that the words come without gRPC.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from thresher.errors import ThresherError
from thresher.records import Outcome, Reply, SearchResult, ServerInfo, UploadItem, UploadResult
from thresher.types import AskOptions, Filter, Grounding, Wording
from thresher.version import __version__

if TYPE_CHECKING:
    from thresher.client import Client

__all__ = [
    "AskOptions",
    "Client",
    "Filter",
    "Grounding",
    "Outcome",
    "Reply",
    "SearchResult",
    "ServerInfo",
    "ThresherError",
    "UploadItem",
    "UploadResult",
    "Wording",
    "__version__",
]


def __getattr__(name: str) -> Any:
    if name == "Client":
        from thresher.client import Client

        return Client
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
