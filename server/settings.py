"""Settings: one TOML profile, and environment variables that override any field. Read once, then frozen.

    THRESHER_PORT=50600 THRESHER_LIMITS__MAX_CONCURRENT_ASKS=8 THRESHER_GENERATION=none thresher serve

`THRESHER_GENERATION__BASE_URL` alone puts an OpenAI-compatible endpoint in the place of the profile's language model.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from thresher.errors import InvalidSetting

PROFILES = Path(__file__).parent / "profiles"
DEFAULT_PROFILE = "offline"
PREFIX = "THRESHER_"
_NOT_SETTINGS = {"THRESHER_ADDRESS", "THRESHER_PROFILE", "THRESHER_SHARED"}


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EncoderSettings(_Part):
    """`weights`: folder with the trained heads; None: the ones in models/offline. `threads`: of one operation."""

    kind: Literal["offline"] = "offline"
    weights: Path | None = None
    threads: int = Field(default=1, ge=1, le=256)


class OcrSettings(_Part):
    """Whether the words in photographs are read at import, and the threads of one operation."""

    enabled: bool = True
    threads: int = Field(default=1, ge=1, le=256)


class GenerationSettings(_Part):
    """Where the language model is. `vllm`: a child process of ours; `endpoint`: at `base_url`; `none`: there is none.

    `model` names it at the endpoint (asked for there where empty). `vllm` serves SmolLM2, or with `fastvlm` the model
    of docs/vlm.md, which reads images.
    """

    kind: Literal["none", "vllm", "endpoint"] = "none"
    base_url: str = ""
    model: str = ""
    api_key: SecretStr = SecretStr("")

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, value: Any) -> Any:
        if isinstance(value, str):
            value = {"kind": value}
        if isinstance(value, Mapping) and value.get("base_url"):
            value = {**value, "kind": "endpoint"}
        return value

    @model_validator(mode="after")
    def _is_served(self) -> GenerationSettings:
        if self.kind == "vllm" and self.model not in ("", "fastvlm"):
            raise ValueError('vllm serves its own model, or "fastvlm"; for others, name the base_url of an endpoint')
        return self

    @model_validator(mode="after")
    def _has_address(self) -> GenerationSettings:
        if self.kind == "endpoint" and not self.base_url.startswith(("http://", "https://")):
            raise ValueError("an endpoint needs base_url, for example http://127.0.0.1:8000/v1")
        return self


class LimitSettings(_Part):
    """What is refused. Sizes in bytes and pixels, times in seconds."""

    max_concurrent_asks: int = Field(default=4, ge=1, le=1000)
    max_concurrent_uploads: int = Field(default=4, ge=1, le=1000)
    max_question_characters: int = Field(default=2_000, ge=1, le=100_000)
    max_image_bytes: int = Field(default=20 * 1024 * 1024, ge=1)
    max_image_pixels: int = Field(default=50_000_000, ge=1)
    max_ask_seconds: float = Field(default=120.0, gt=0)
    max_call_seconds: float = Field(default=60.0, gt=0)
    shutdown_seconds: float = Field(default=10.0, ge=0)


class IngestSettings(_Part):
    """How uploads and folder imports are worked through: photographs and seconds a commit, threads that decode, and
    bytes of files and decoded photographs (3 a pixel) that are under way at a time."""

    decode_threads: int = Field(default=2, ge=1, le=256)
    memory_bytes: int = Field(default=256 * 1024 * 1024, ge=1)
    commit_images: int = Field(default=16, ge=1, le=1000)
    commit_seconds: float = Field(default=2.0, gt=0)


class Settings(_Part):
    """Everything that can be set. Build it with `load_settings`. `data_dir` None: the platform's data folder.

    `judge`: file that `thresher eval calibrate` wrote; empty: PROFILE.judge.json beside the profile where there is one;
    "none": the constants that come with the models.

    `import_roots`: folders below which clients may have folders imported (in the environment separated as in PATH).
    """

    profile: str
    host: str = "127.0.0.1"
    port: int = Field(default=50551, ge=0, le=65535)
    data_dir: Path | None = None
    import_roots: Annotated[tuple[Path, ...], NoDecode] = ()
    reflection: bool = False
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] = "console"
    judge: str = ""
    encoder: EncoderSettings = EncoderSettings()
    ocr: OcrSettings = OcrSettings()
    generation: Annotated[GenerationSettings, NoDecode] = GenerationSettings()
    limits: LimitSettings = LimitSettings()
    ingest: IngestSettings = IngestSettings()

    @field_validator("import_roots", mode="before")
    @classmethod
    def _paths(cls, value: Any) -> Any:
        return [part for part in value.split(os.pathsep) if part] if isinstance(value, str) else value

    @field_validator("import_roots")
    @classmethod
    def _absolute(cls, value: tuple[Path, ...]) -> tuple[Path, ...]:
        if not all(path.is_absolute() for path in value):
            raise ValueError("the folders that may be imported are named from / on, for example /srv/photos")
        return value

    @field_validator("host")
    @classmethod
    def _loopback(cls, value: str) -> str:
        if value == "localhost":
            return "127.0.0.1"
        try:
            address = ipaddress.ip_address(value)
        except ValueError:
            address = None
        if address is None or not address.is_loopback:
            raise ValueError(
                "Thresher listens on this machine only (127.0.0.1 or ::1), as it has neither keys nor TLS yet; "
                "from elsewhere, use a tunnel: ssh -L 50551:127.0.0.1:50551 HOST"
            )
        return value

    @property
    def address(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class _Layers(Settings, BaseSettings):
    """Settings of the environment over those given to the constructor (the profile's)."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix=PREFIX, env_nested_delimiter="__", env_ignore_empty=True
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        del settings_cls, dotenv_settings, file_secret_settings
        return env_settings, init_settings


def load_settings(profile: str | None = None, overrides: Mapping[str, Any] | None = None) -> Settings:
    """Settings of a profile (a name or the path of a TOML file), the environment over it, `overrides` over both.

    `profile` None: THRESHER_PROFILE, else "offline". InvalidSetting names the field that is wrong.
    """
    values = _read_profile(profile or os.environ.get(f"{PREFIX}PROFILE") or DEFAULT_PROFILE)
    _refuse_misspelt_variables()
    try:
        layers = _Layers(**values).model_dump()
        return Settings.model_validate({**layers, "profile": values["profile"], **(overrides or {})})
    except ValidationError as error:
        raise InvalidSetting(*_explain(error)) from error
    except SettingsError as error:  # the text of a variable for a whole part is no JSON
        named = re.search(r'field "(\w+)"', str(error))
        variable = PREFIX + named[1].upper() if named else "of a part"
        raise InvalidSetting(
            f"The environment variable {variable} cannot be read.",
            f"Set single fields, for example {PREFIX}LIMITS__MAX_CONCURRENT_ASKS=8.",
        ) from error


def _read_profile(profile: str) -> dict[str, Any]:
    path = Path(profile)
    if path.suffix != ".toml":
        path = PROFILES / f"{profile}.toml"
    known = ", ".join(sorted(file.stem for file in PROFILES.glob("*.toml")))
    if not path.is_file():
        raise InvalidSetting(f'There is no profile "{profile}".', f"Use one of: {known}, or the path of a TOML file.")
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise InvalidSetting(f"The profile {path} cannot be read: {error}.", "Mend that file.") from error
    values.setdefault("profile", path.stem)
    beside = path.with_suffix(".judge.json")
    if not values.get("judge") and beside.is_file():
        values["judge"] = str(beside)
    return values


def _refuse_misspelt_variables() -> None:
    """pydantic-settings ignores variables that match no field: a typing error would pass in silence."""
    for name in os.environ:
        field = name.removeprefix(PREFIX).split("__")[0].lower()
        if not name.startswith(PREFIX) or name in _NOT_SETTINGS or field in Settings.model_fields:
            continue
        near = difflib.get_close_matches(field, Settings.model_fields, n=1, cutoff=0.7)
        if near:
            meant = PREFIX + near[0].upper()
            raise InvalidSetting(f"The environment variable {name} is not a setting.", f"Did you mean {meant}?")


def _explain(error: ValidationError) -> tuple[str, str]:
    """Message and hint out of the first thing that is wrong."""
    first = error.errors(include_url=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    variable = PREFIX + "__".join(str(part).upper() for part in first["loc"])
    reason = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        return f'There is no setting "{field}".', f"Remove it from the profile, or unset {variable}."
    return f'The setting "{field}" is wrong: {reason}.', f"Mend it in the profile, or by {variable}."
