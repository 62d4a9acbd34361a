"""Make PyPI's (CUDA-built) torchvision importable beside a CPU-only torch.

torchvision/_C.so needs libcudart and libtorch_cuda, so it is silently not loaded, and
torchvision/_meta_registrations.py then fails with
"RuntimeError: operator torchvision::nms does not exist". Declaring the two operator schemas first is enough:
transforms, io-free utilities and ops.misc are pure Python and torch.

Importing this module installs the shim, and costs nothing until somebody imports torchvision.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType
from typing import Any

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_libraries: list[Any] = []  # a torch.library.Library takes its operators along when it is collected


class _DeclareBeforeImport(MetaPathFinder):
    """Finds nothing; the first look for torchvision declares its operators."""

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> None:
        del path, target
        if name == "torchvision":
            sys.meta_path.remove(self)
            _declare()


def _declare() -> None:
    import torch

    if torch.version.cuda is None and not _libraries:
        torch_library: Any = torch.library
        library = torch_library.Library("torchvision", "DEF")
        for schema in _SCHEMAS:
            library.define(schema)
        _libraries.append(library)


def install() -> None:
    """Install the shim (once)."""
    if not any(isinstance(finder, _DeclareBeforeImport) for finder in sys.meta_path):
        sys.meta_path.insert(0, _DeclareBeforeImport())


install()
