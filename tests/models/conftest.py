"""The offline profile's real parts, loaded once, and small synthetic pictures."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from models.encoders.offline import OfflineEncoder, load_offline
from models.grounders.offline import OfflineGrounder
from tests.models.pictures import WEIGHTS


@pytest.fixture(scope="session")
def offline() -> tuple[OfflineEncoder, OfflineGrounder]:
    return load_offline(WEIGHTS)


@pytest.fixture(scope="session")
def encoder(offline: tuple[OfflineEncoder, OfflineGrounder]) -> OfflineEncoder:
    return offline[0]


@pytest.fixture(scope="session")
def grounder(offline: tuple[OfflineEncoder, OfflineGrounder]) -> OfflineGrounder:
    return offline[1]


@pytest.fixture(scope="session")
def coco() -> Path:
    """The folder of test photographs; a test that needs it is skipped where it is not there."""
    named = os.environ.get("THRESHER_SHARED", str(WEIGHTS.parents[2] / "shared"))
    folder = Path(named) / "data" / "coco"
    if not (folder / "instances.json").is_file():
        pytest.skip(f"needs the photographs of {folder} (THRESHER_SHARED names the shared folder)")
    return folder
