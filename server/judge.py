"""The judge's constants: those that come with the models, and over them those fitted by `thresher eval calibrate`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agents.params import JudgeParams
from models.encoders.calibration import Calibration
from models.protocols import Encoder
from thresher.errors import InvalidSetting
from thresher.records import ModelInfo

Share = Annotated[float, Field(ge=0, le=1)]
_NONE = "none"


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Concept(_Part):
    threshold: Share
    base_rate: Share


class _Model(_Part):
    id: str = ""
    weights: str = ""


class _Models(_Part):
    """The models whose numbers were fitted. `generator`: the one that looked; empty where none did."""

    encoder: _Model
    generator: _Model = _Model()


class _Constants(_Part):
    """See `agents.params.JudgeParams`; `concepts` by name. What is None stays as it comes with the models."""

    similarity: tuple[float, float]
    detection: float = 0.0
    looked: tuple[float, float, float] | None = None
    present: Share
    concepts: Mapping[str, _Concept]


class _Fitted(_Part):
    models: _Models
    judge: _Constants


def load_judge(shipped: Path, fitted: str, encoder: Encoder, looking: str) -> tuple[JudgeParams, ModelInfo]:
    """(constants, the file they are of with its SHA-256). `fitted`: a file of calibrate's, empty or "none": there is
    none. `looking`: id of the language model, empty where there is none or it is not known yet.

    InvalidSetting where the fitted file cannot be read or is of other models.
    """
    values = Calibration.load(shipped)
    params = JudgeParams(
        thresholds=values.thresholds,
        base_rates=values.base_rates,
        box_thresholds=values.box_thresholds,
        asked=values.asked,
        asked_all=values.asked_all,
        asked_any=values.asked_any,
        late=values.late,
        late_sentence=values.late_sentence,
        boxed=values.boxed,
    )
    if fitted in ("", _NONE):
        return params, _info(shipped)
    path = Path(fitted)
    try:
        own = _Fitted.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error.strerror
        raise InvalidSetting(f"The judge {path} cannot be read: {reason}.", _hint(path)) from error
    _refuse_other_models(path, own, encoder, looking)
    constants = own.judge
    return JudgeParams(
        slope=constants.similarity[0],
        intercept=constants.similarity[1],
        detection=constants.detection,
        looked=constants.looked or params.looked,
        present=constants.present,
        thresholds=_placed(values.thresholds, encoder.concepts, constants, "threshold"),
        base_rates=_placed(values.base_rates, encoder.concepts, constants, "base_rate"),
        box_thresholds=values.box_thresholds,
        asked=values.asked,
        asked_all=values.asked_all,
        asked_any=values.asked_any,
        late=values.late,
        late_sentence=values.late_sentence,
        boxed=values.boxed,
    ), _info(path)


def _refuse_other_models(path: Path, own: _Fitted, encoder: Encoder, looking: str) -> None:
    other = []
    if (own.models.encoder.id, own.models.encoder.weights) != (encoder.spec.id, encoder.spec.weights):
        other.append("encoder")
    if own.models.generator.id and looking and own.models.generator.id != looking:
        other.append("language model")
    if other:
        raise InvalidSetting(f"The judge {path} was fitted with another {' and another '.join(other)}.", _hint(path))


def _placed(values: Sequence[float], concepts: Sequence[str], own: _Constants, name: str) -> tuple[float, ...]:
    """The values by concept, with those that were fitted in their places."""
    return tuple(
        getattr(own.concepts[concept], name) if concept in own.concepts else value
        for concept, value in zip(concepts, values, strict=True)
    )


def _info(path: Path) -> ModelInfo:
    return ModelInfo(path.name, hashlib.sha256(path.read_bytes()).hexdigest())


def _hint(path: Path) -> str:
    return f"Run `thresher eval calibrate` again, or remove {path}."
