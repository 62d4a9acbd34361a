"""What a run was made with."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from evaluation.run_info import package_versions, revision


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with one commit of one file."""
    (tmp_path / "a.txt").write_text("one")
    (tmp_path / ".gitignore").write_text("ignored\n")
    name = ("-c", "user.name=a", "-c", "user.email=a@b")
    for arguments in (("init", "-q"), ("add", "."), (*name, "commit", "-qm", "First")):
        subprocess.run(("git", "-C", str(tmp_path), *arguments), check=True)
    return tmp_path


def test_a_clean_checkout_is_its_commit(checkout: Path) -> None:
    clean = revision(checkout)
    assert re.fullmatch(r"[0-9a-f]{40}", clean)
    (checkout / "ignored").write_text("x")
    assert revision(checkout) == clean


def test_a_changed_checkout_is_known_by_its_contents(checkout: Path) -> None:
    clean = revision(checkout)
    seen = {clean}
    for name, text in (("a.txt", "two"), ("a.txt", "three"), ("b ü.txt", "new"), ("b ü.txt", "newer"), ("c.txt", "")):
        (checkout / name).write_text(text)
        dirty = revision(checkout)
        assert re.fullmatch(rf"{clean}-dirty-[0-9a-f]{{12}}", dirty)
        assert dirty == revision(checkout) and dirty not in seen
        seen.add(dirty)


def test_without_a_checkout(tmp_path: Path) -> None:
    assert revision(tmp_path) == "unknown"


def test_packages() -> None:
    assert {"numpy", "grpcio"} <= set(package_versions())
