from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from server.settings import load_settings
from thresher.errors import InvalidSetting


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("THRESHER_"):
            monkeypatch.delenv(name)


def test_the_offline_profile() -> None:
    settings = load_settings()
    assert (settings.profile, settings.host, settings.generation.kind) == ("offline", "127.0.0.1", "vllm")
    assert settings.data_dir is None
    with pytest.raises(ValidationError):
        settings.port = 1  # type: ignore[misc]


def test_environment_over_profile_and_flags_over_both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THRESHER_PORT", "50700")
    monkeypatch.setenv("THRESHER_LIMITS__MAX_CONCURRENT_ASKS", "9")
    assert load_settings().port == 50700
    assert load_settings().limits.max_concurrent_asks == 9
    assert load_settings(None, {"port": 50800}).port == 50800


def test_no_language_model_and_one_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THRESHER_GENERATION", "none")
    assert load_settings().generation.kind == "none"
    monkeypatch.delenv("THRESHER_GENERATION")
    monkeypatch.setenv("THRESHER_GENERATION__BASE_URL", "http://127.0.0.1:8000/v1")
    monkeypatch.setenv("THRESHER_GENERATION__API_KEY", "secret")
    generation = load_settings().generation
    assert (generation.kind, generation.base_url) == ("endpoint", "http://127.0.0.1:8000/v1")
    assert "secret" not in repr(load_settings())


def test_a_profile_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profile = tmp_path / "mine.toml"
    profile.write_text('port = 50900\ngeneration = "none"\n')
    assert (load_settings(str(profile)).profile, load_settings(str(profile)).port) == ("mine", 50900)
    monkeypatch.setenv("THRESHER_PROFILE", str(profile))
    assert load_settings().profile == "mine"
    assert load_settings("offline").profile == "offline"


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"THRESHER_PORT": "many"}, "port"),
        ({"THRESHER_PORT": "70000"}, "port"),
        ({"THRESHER_PROT": "1"}, "THRESHER_PORT"),
        ({"THRESHER_GENERATION": "gpt"}, "generation.kind"),
        ({"THRESHER_GENERATION__BASE_ULR": "http://x"}, "generation.base_ulr"),
        ({"THRESHER_GENERATION__BASE_URL": "x"}, "base_url"),
        ({"THRESHER_LIMITS__MAX_CONCURRENT_ASKS": "0"}, "limits.max_concurrent_asks"),
        ({"THRESHER_PROFILE": "huge"}, "huge"),
        ({"THRESHER_LIMITS": "abc"}, "THRESHER_LIMITS"),
        ({"THRESHER_HOST": "0.0.0.0"}, "this machine only"),
        ({"THRESHER_HOST": "192.168.1.4"}, "this machine only"),
        ({"THRESHER_HOST": "example.org"}, "this machine only"),
    ],
)
def test_wrong_settings_are_named(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], named: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InvalidSetting) as caught:
        load_settings()
    assert named in str(caught.value)
    assert caught.value.hint


def test_a_profile_with_a_fault(tmp_path: Path) -> None:
    profile = tmp_path / "mine.toml"
    for text, named in (("port = ", "mine.toml"), ("prot = 1", "prot"), ("[limits]\nmax_asks = 3", "limits.max_asks")):
        profile.write_text(text)
        with pytest.raises(InvalidSetting) as caught:
            load_settings(str(profile))
        assert named in str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.1.2.3"])
def test_loopback_is_allowed(host: str) -> None:
    assert load_settings(None, {"host": host}).address.endswith(":50551")


def test_roots_of_imports(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().import_roots == ()
    monkeypatch.setenv("THRESHER_IMPORT_ROOTS", "/srv/photos:/mnt/nas")
    assert load_settings().import_roots == (Path("/srv/photos"), Path("/mnt/nas"))
    assert load_settings(None, {"import_roots": [Path("/a")]}).import_roots == (Path("/a"),)
    monkeypatch.setenv("THRESHER_IMPORT_ROOTS", "photos")
    with pytest.raises(InvalidSetting, match="named from / on"):
        load_settings()
