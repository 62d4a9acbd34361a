"""The judge's constants: those of the models, and those fitted over them, which other models refuse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from server.judge import load_judge
from server.settings import load_settings
from tests.server.fakes import FakeEncoder
from thresher.errors import InvalidSetting


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    path = tmp_path / "judge.json"
    values = {"base_rates": [0.1] * 3, "thresholds": [0.4] * 3, "box_thresholds": [0.3] * 3, "asked": [0.8, -0.3, 1.2]}
    values |= {"asked_all": [0.9, -0.1, 0.8], "asked_any": [0.7, -0.2, 0.9]}
    path.write_text(json.dumps(values))
    return path


def fitted(tmp_path: Path, **changes: Any) -> str:
    """A file as calibrate writes it."""
    spec = FakeEncoder().spec
    models = {"encoder": {"id": spec.id, "weights": spec.weights}, "generator": {"id": "", "weights": ""}}
    judge = {
        "similarity": [2.0, -1.0],
        "detection": 0.5,
        "looked": [0.4, 0.5, 0.1],
        "present": 0.6,
        "concepts": {"green": {"threshold": 0.25, "base_rate": 0.02}},
    }
    path = tmp_path / "mine.judge.json"
    path.write_text(json.dumps({"models": models, "judge": judge, "figures": {}, **changes}))
    return str(path)


def test_the_models_own(shipped: Path) -> None:
    for none in ("", "none"):
        params, file = load_judge(shipped, none, FakeEncoder(), "")
        assert (params.thresholds, params.slope, params.present) == ((0.4,) * 3, 1.0, 0.5)
        assert (file.id, len(file.weights)) == ("judge.json", 64)


def test_fitted_over_them(shipped: Path, tmp_path: Path) -> None:
    params, file = load_judge(shipped, fitted(tmp_path), FakeEncoder(), "some-model")
    assert (params.slope, params.intercept, params.detection, params.present) == (2.0, -1.0, 0.5, 0.6)
    assert params.looked == (0.4, 0.5, 0.1)
    assert params.thresholds == (0.4, 0.25, 0.4)
    assert params.base_rates == (0.1, 0.02, 0.1)
    assert (params.box_thresholds, params.asked) == ((0.3,) * 3, (0.8, -0.3, 1.2))
    assert (params.asked_all, params.asked_any) == ((0.9, -0.1, 0.8), (0.7, -0.2, 0.9))
    assert file.id == "mine.judge.json"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"models": {"encoder": {"id": "fake", "weights": "9" * 64}}}, "another encoder"),
        (
            {"models": {"encoder": {"id": "fake", "weights": "0" * 64}, "generator": {"id": "seer"}}},
            "another language model",
        ),
        ({"judge": {}}, "cannot be read"),
        ({"judge": None}, "cannot be read"),
    ],
)
def test_what_is_refused(shipped: Path, tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidSetting) as caught:
        load_judge(shipped, fitted(tmp_path, **changes), FakeEncoder(), "some-model")
    assert said in caught.value.message
    assert "thresher eval calibrate" in caught.value.hint
    with pytest.raises(InvalidSetting):
        load_judge(shipped, str(tmp_path / "nowhere.json"), FakeEncoder(), "")


def test_beside_the_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profile = tmp_path / "mine.toml"
    profile.write_text('profile = "mine"\n')
    assert load_settings(str(profile)).judge == ""
    beside = fitted(tmp_path)
    assert load_settings(str(profile)).judge == beside
    monkeypatch.setenv("THRESHER_JUDGE", "none")
    assert load_settings(str(profile)).judge == "none"
