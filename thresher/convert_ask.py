"""Questions and answers: options, plans and events to protobuf and back."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Literal, TypeVar

import numpy as np
from google.protobuf.struct_pb2 import Value

from thresher.convert import (
    Message,
    filter_from_proto,
    filter_to_proto,
    region_from_proto,
    region_to_proto,
    time_from_proto,
    time_to_proto,
)
from thresher.errors import InternalError, InvalidInput
from thresher.names import image_name, parse_image
from thresher.records import ReadPlan, Reply
from thresher.types import (
    Abstention,
    And,
    Answer,
    AskEvent,
    AskOptions,
    Aspect,
    Citation,
    Evidence,
    Expr,
    ImageId,
    Kind,
    Like,
    Not,
    Or,
    Plan,
    Predicate,
    Says,
    Step,
    Text,
    Verdict,
    Where,
    Witnesses,
)
from thresher.v1 import ask_pb2

MAX_EVIDENCE = 100
Choice = TypeVar("Choice", bound=StrEnum)


def options_to_proto(collection: str, options: AskOptions) -> Message:
    return ask_pb2.AskOptions(
        abstain=options.abstain,
        wording=ask_pb2.Wording.Value(f"WORDING_{options.wording.name}"),
        ground=ask_pb2.Grounding.Value(f"GROUNDING_{options.ground.name}"),
        max_evidence=options.max_evidence,
        scope=filter_to_proto(collection, options.scope),
        pipeline=ask_pb2.Pipeline.Value(f"PIPELINE_{options.pipeline.name}"),
        duplicates=ask_pb2.Duplicates.Value(f"DUPLICATES_{options.duplicates.name}"),
    )


def options_from_proto(collection: str, message: Message) -> AskOptions:
    """What is not set is as in `AskOptions()`. InvalidInput."""
    default = AskOptions()
    evidence = message.max_evidence if message.HasField("max_evidence") else default.max_evidence
    if not 0 <= evidence <= MAX_EVIDENCE:
        raise InvalidInput(f"max_evidence is {evidence}.", f"Use 0 to {MAX_EVIDENCE}.")
    return AskOptions(
        abstain=message.abstain if message.HasField("abstain") else default.abstain,
        wording=_choice(ask_pb2.Wording, message.wording, default.wording),
        ground=_choice(ask_pb2.Grounding, message.ground, default.ground),
        max_evidence=evidence,
        scope=filter_from_proto(collection, message.scope),
        pipeline=_choice(ask_pb2.Pipeline, message.pipeline, default.pipeline),
        duplicates=_choice(ask_pb2.Duplicates, message.duplicates, default.duplicates),
    )


def _choice(enum: Any, number: int, default: Choice) -> Choice:
    """The member of the default's type that a number of the protobuf enum stands for; 0 is the default."""
    if number == 0:
        return default
    kind = type(default)
    try:
        return kind[enum.Name(number).removeprefix(f"{kind.__name__.upper()}_")]
    except ValueError as error:
        what = kind.__name__.lower()
        raise InvalidInput(f"This server does not know that {what}.", "Use a value of thresher.v1.") from error


def witnesses_to_proto(collection: str, images: Sequence[ImageId], witnesses: Sequence[Witnesses]) -> Message:
    return ask_pb2.GetWitnessesResponse(
        images=[image_name(collection, image) for image in images],
        witnesses=[
            ask_pb2.Witnesses(
                known=one.known,
                concepts=one.concepts,
                calibrated=one.calibrated,
                similarity=one.similarity.tolist(),
                detection=one.detection.tolist(),
            )
            for one in witnesses
        ],
    )


def witnesses_from_proto(message: Message) -> tuple[tuple[ImageId, ...], tuple[Witnesses, ...]]:
    return tuple(parse_image(image)[1] for image in message.images), tuple(
        Witnesses(
            known=one.known,
            concepts=tuple(one.concepts),
            calibrated=one.calibrated,
            similarity=np.array(one.similarity, np.float32),
            detection=np.array(one.detection, np.float32),
        )
        for one in message.witnesses
    )


def expr_to_proto(expr: Expr | None) -> Message:
    match expr:
        case None:
            return None
        case Predicate(noun, attribute, relation, target, min_count):
            return ask_pb2.Expression(
                predicate=ask_pb2.Predicate(
                    noun=noun, attribute=attribute, relation=relation, object=target, min_count=min_count
                )
            )
        case Where(tag, after, before):
            return ask_pb2.Expression(
                where=ask_pb2.Where(tag=tag, after=time_to_proto(after), before=time_to_proto(before))
            )
        case Says(text):
            return ask_pb2.Expression(says=ask_pb2.Says(text=text))
        case Like(reference, aspect, change, exemplar):
            return ask_pb2.Expression(
                like=ask_pb2.Like(reference=reference, aspect=aspect.value, change=change, exemplar=exemplar)
            )
        case And(parts):
            return ask_pb2.Expression(all_of=ask_pb2.Expressions(parts=[expr_to_proto(part) for part in parts]))
        case Or(parts):
            return ask_pb2.Expression(any_of=ask_pb2.Expressions(parts=[expr_to_proto(part) for part in parts]))
        case Not(part):
            return ask_pb2.Expression(negated=expr_to_proto(part))


def expr_from_proto(message: Message) -> Expr | None:
    match message.WhichOneof("expression"):
        case "predicate":
            read = message.predicate
            return Predicate(read.noun, read.attribute, read.relation, read.object, read.min_count)
        case "where":
            read = message.where
            return Where(read.tag, time_from_proto(read, "after"), time_from_proto(read, "before"))
        case "says":
            return Says(message.says.text)
        case "like":
            like = message.like
            return Like(like.reference, Aspect(like.aspect), like.change, like.exemplar)
        case "all_of":
            return And(_parts(message.all_of))
        case "any_of":
            return Or(_parts(message.any_of))
        case "negated":
            return Not(*_parts_of([message.negated]))
        case _:
            return None


def _parts(message: Message) -> tuple[Expr, ...]:
    return _parts_of(message.parts)


def _parts_of(messages: Any) -> tuple[Expr, ...]:
    return tuple(part for part in map(expr_from_proto, messages) if part is not None)


def plan_to_proto(plan: Plan) -> Message:
    """A `ReadPlan` brings its words; a plain `Plan` has none."""
    message = ask_pb2.Plan(
        kind=plan.kind.value,
        target=expr_to_proto(plan.target),
        condition=expr_to_proto(plan.condition),
        compare_with=expr_to_proto(plan.compare_with),
        comparison=plan.comparison,
        planner=plan.planner,
        one=plan.one,
    )
    if isinstance(plan, ReadPlan):
        for field in ("target", "condition", "compare_with"):
            if message.HasField(field):
                getattr(message, field).words = getattr(plan, f"{field}_words")
    return message


def plan_from_proto(message: Message) -> ReadPlan:
    comparison: Literal["more", "fewer", ""] = ""
    if message.comparison in ("more", "fewer"):
        comparison = message.comparison
    return ReadPlan(
        kind=Kind(message.kind),
        target=expr_from_proto(message.target),
        condition=expr_from_proto(message.condition),
        compare_with=expr_from_proto(message.compare_with),
        comparison=comparison,
        planner=message.planner,
        one=message.one,
        target_words=message.target.words,
        condition_words=message.condition.words,
        compare_with_words=message.compare_with.words,
    )


def citation_to_proto(collection: str, citation: Citation) -> Message:
    return ask_pb2.Citation(
        image=image_name(collection, citation.image_id),
        path=citation.path,
        probability=citation.probability,
        regions=[region_to_proto(region) for region in citation.regions],
    )


def citation_from_proto(message: Message) -> Citation:
    return Citation(
        image_id=parse_image(message.image)[1],
        path=message.path,
        probability=message.probability,
        regions=tuple(region_from_proto(region) for region in message.regions),
    )


def _value_to_proto(value: bool | int | str | None) -> Message:
    if value is None:
        return Value(null_value=0)
    if isinstance(value, bool):
        return Value(bool_value=value)
    if isinstance(value, int):
        return Value(number_value=value)
    return Value(string_value=value)


def _value_from_proto(message: Message) -> bool | int | str | None:
    match message.WhichOneof("kind"):
        case "bool_value":
            return bool(message.bool_value)
        case "number_value":
            return int(message.number_value)
        case "string_value":
            return str(message.string_value)
        case _:
            return None


def verdict_to_proto(collection: str, verdict: Verdict, paths: tuple[str, ...]) -> Message:
    """`paths` name the verdict's images, in their order."""
    low_high = verdict.interval
    return ask_pb2.Verdict(
        kind=verdict.kind.value,
        value=_value_to_proto(verdict.value),
        images=[image_name(collection, image) for image in verdict.images],
        paths=paths,
        interval=None if low_high is None else ask_pb2.Interval(low=low_high[0], high=low_high[1]),
        judged=verdict.judged,
        total=verdict.total,
        unchecked=verdict.unchecked,
        abstained=verdict.abstained,
        reason=verdict.abstention.value,
        detail=verdict.detail,
        duplicates=verdict.duplicates,
    )


def _verdict_from_proto(message: Message, confidence: float) -> Verdict:
    return Verdict(
        kind=Kind(message.kind),
        value=_value_from_proto(message.value),
        images=tuple(parse_image(name)[1] for name in message.images),
        interval=(message.interval.low, message.interval.high) if message.HasField("interval") else None,
        confidence=confidence,
        judged=message.judged,
        total=message.total,
        unchecked=tuple(message.unchecked),
        abstention=Abstention(message.reason),
        detail=message.detail,
        duplicates=message.duplicates,
    )


def event_to_proto(collection: str, sequence: int, event: AskEvent) -> Message:
    """One message of the stream. A `Reply` brings paths and seconds; a plain `Answer` has neither."""
    match event:
        case Plan():
            return ask_pb2.AskResponse(sequence=sequence, plan=plan_to_proto(event))
        case Step(name, detail, count, milliseconds):
            step = ask_pb2.Step(name=name, detail=detail, count=count, milliseconds=milliseconds)
            return ask_pb2.AskResponse(sequence=sequence, step=step)
        case Evidence(citation):
            evidence = ask_pb2.Evidence(citation=citation_to_proto(collection, citation))
            return ask_pb2.AskResponse(sequence=sequence, evidence=evidence)
        case Text(text, source):
            return ask_pb2.AskResponse(sequence=sequence, text=ask_pb2.Text(text=text, source=source))
        case Answer():
            reply = event if isinstance(event, Reply) else None
            answer = ask_pb2.Answer(
                verdict=verdict_to_proto(collection, event.verdict, reply.paths if reply else ()),
                text=event.text,
                citations=[citation_to_proto(collection, citation) for citation in event.citations],
                confidence=event.confidence,
                degraded=event.degraded,
                seconds=reply.seconds if reply else 0.0,
            )
            return ask_pb2.AskResponse(sequence=sequence, answer=answer)


def event_from_proto(message: Message) -> AskEvent:
    """InternalError where a newer server sends what this version cannot read."""
    try:
        match message.WhichOneof("event"):
            case "plan":
                return plan_from_proto(message.plan)
            case "step":
                step = message.step
                return Step(step.name, step.detail, step.count, step.milliseconds)
            case "evidence":
                return Evidence(citation_from_proto(message.evidence.citation))
            case "text":
                return Text(message.text.text, message.text.source)
            case "answer":
                answer = message.answer
                return Reply(
                    verdict=_verdict_from_proto(answer.verdict, answer.confidence),
                    text=answer.text,
                    citations=tuple(citation_from_proto(citation) for citation in answer.citations),
                    confidence=answer.confidence,
                    degraded=answer.degraded,
                    paths=tuple(answer.verdict.paths),
                    seconds=answer.seconds,
                )
    except ValueError as error:
        raise InternalError(
            f"The server answered with something unknown here: {error}.", "Update the client."
        ) from error
    raise InternalError("The server sent an event that is unknown here.", "Update the client: pip install -U thresher")
