"""The names that users may rely on. A change here is a change of the API."""

from __future__ import annotations

import inspect
import subprocess
import sys

import thresher
from thresher import errors


def test_public_names() -> None:
    assert sorted(thresher.__all__) == [
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
    for name in thresher.__all__:
        assert getattr(thresher, name) is not None


def test_methods_of_the_client() -> None:
    methods = {name: str(inspect.signature(member)) for name, member in vars(thresher.Client).items() if name[0] != "_"}
    assert sorted(methods) == [
        "ask",
        "cancel_operation",
        "change_images",
        "close",
        "create_collection",
        "delete_collection",
        "delete_image",
        "delete_operation",
        "download",
        "get_collection",
        "get_image",
        "get_operation",
        "ground",
        "images",
        "import_folder",
        "list_collections",
        "list_operations",
        "missing",
        "search",
        "server_info",
        "upload",
        "witnesses",
    ]
    assert "collection: 'str', question: 'str', options: 'AskOptions | None' = None" in methods["ask"]


def test_errors() -> None:
    names = {name for name, value in vars(errors).items() if inspect.isclass(value)}
    assert names == {
        "AlreadyExists",
        "Cancelled",
        "Conflict",
        "DataDirInUse",
        "DeadlineExceeded",
        "EncoderMismatch",
        "GeneratorUnavailable",
        "InternalError",
        "InvalidImage",
        "InvalidInput",
        "InvalidQuestion",
        "InvalidSetting",
        "InvalidUpload",
        "NotFound",
        "Overloaded",
        "PermissionDenied",
        "SchemaMismatch",
        "StorageFull",
        "ThresherError",
        "Unavailable",
        "Unsupported",
    }


def test_words_come_without_grpc_and_the_client_without_the_server() -> None:
    code = (
        "import sys, thresher.types, thresher; assert 'grpc' not in sys.modules; "
        "import thresher.cli; "
        "heavy = {'torch', 'lancedb', 'pyarrow', 'pydantic', 'langgraph', 'PIL', 'structlog'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_methods_that_teach() -> None:
    assert {"teach", "exemplars", "forget"} <= set(dir(thresher.Client))
    assert "box: 'Box | None' = None" in str(inspect.signature(thresher.Client.teach))
