"""What goes over the wire comes back as it was."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thresher import convert, convert_ask
from thresher.errors import InternalError, InvalidInput
from thresher.records import ReadPlan, Reply
from thresher.types import (
    Abstention,
    And,
    AskOptions,
    Box,
    Citation,
    Collection,
    EncoderSpec,
    Evidence,
    Expr,
    Filter,
    Grounding,
    ImageRecord,
    Kind,
    Mask,
    Not,
    Or,
    Pipeline,
    Point,
    Predicate,
    Region,
    Step,
    Text,
    Verdict,
    Where,
    Wording,
)
from thresher.v1 import ask_pb2

IDS = st.text("0123456789abcdef", min_size=64, max_size=64)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
TIMES = st.none() | st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
FLOATS = st.floats(0, 1000, width=32)
PREDICATES = st.builds(Predicate, TEXTS, TEXTS, TEXTS, TEXTS, st.integers(1, 9))
EXPRS: st.SearchStrategy[Expr] = st.recursive(
    PREDICATES | st.builds(Where, TEXTS, TIMES, TIMES),
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(And, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(Or, st.lists(inner, min_size=1, max_size=3).map(tuple)),
    ),
    max_leaves=6,
)
FILTERS = st.builds(
    Filter,
    st.none() | st.lists(IDS, max_size=3).map(tuple),
    st.lists(TEXTS, max_size=2).map(tuple),
    st.lists(TEXTS, max_size=2).map(tuple),
    TIMES,
    TIMES,
    st.integers(0, 10_000),
    st.integers(0, 10_000),
    TEXTS,
)
REGIONS = st.builds(
    Region,
    st.builds(Box, FLOATS, FLOATS, FLOATS, FLOATS),
    st.floats(0, 1, width=32),
    TEXTS,
    st.none() | st.builds(Mask, st.integers(0, 9), st.integers(0, 9), st.binary(max_size=9)),
)
CITATIONS = st.builds(Citation, IDS, TEXTS, st.floats(0, 1), st.lists(REGIONS, max_size=2).map(tuple))


@given(EXPRS)
def test_expressions(expr: Expr) -> None:
    assert convert_ask.expr_from_proto(convert_ask.expr_to_proto(expr)) == expr


@given(FILTERS)
def test_filters(where: Filter) -> None:
    assert convert.filter_from_proto("c", convert.filter_to_proto("c", where)) == where


@given(
    st.builds(
        AskOptions,
        st.booleans(),
        st.sampled_from(Wording),
        st.sampled_from(Grounding),
        st.integers(0, 100),
        FILTERS,
        st.sampled_from(Pipeline),
    )
)
def test_options(options: AskOptions) -> None:
    assert convert_ask.options_from_proto("c", convert_ask.options_to_proto("c", options)) == options


EVENTS = st.one_of(
    st.builds(
        ReadPlan,
        st.sampled_from(Kind),
        EXPRS,
        EXPRS,
        EXPRS,
        st.sampled_from(["more", "fewer", ""]),
        TEXTS,
        st.booleans(),
        TEXTS,
        TEXTS,
        TEXTS,
    ),
    st.builds(ReadPlan, st.sampled_from(Kind), st.none()),
    st.builds(Step, TEXTS, TEXTS, st.integers(0, 10**9), st.floats(0, 1e9)),
    st.builds(Text, TEXTS, TEXTS),
    st.builds(Evidence, CITATIONS),
)


@given(EVENTS)
def test_events(event: object) -> None:
    assert convert_ask.event_from_proto(convert_ask.event_to_proto("c", 3, event)) == event  # type: ignore[arg-type]


@given(
    st.none() | st.booleans() | st.integers(-(2**50), 2**50) | TEXTS,
    st.lists(IDS, max_size=3).map(tuple),
    st.none() | st.tuples(st.integers(0, 9), st.integers(0, 99)),
    st.sampled_from(Abstention),
    st.lists(CITATIONS, max_size=2).map(tuple),
)
def test_replies(value, ids, interval, abstention, citations) -> None:  # type: ignore[no-untyped-def]
    verdict = Verdict(Kind.COUNT, value, ids, interval, 0.5, 3, 4, ("red",), abstention, "why")
    reply = Reply(verdict, "text", citations, 0.5, "degraded", tuple("abc"[: len(ids)]), 1.5)
    assert convert_ask.event_from_proto(convert_ask.event_to_proto("c", 3, reply)) == reply


def test_records() -> None:
    now = datetime(2024, 2, 29, 12, 0, 0, 123456, UTC)
    record = ImageRecord("a" * 64, ("x/y.jpg",), 3, 4, "image/jpeg", 99, now, now, "Cam", -1.5, 0.0, ("t",))
    assert convert.image_from_proto(convert.image_to_proto("c", record)) == record
    plain = ImageRecord("a" * 64, (), 3, 4, "image/jpeg", 99, now)
    assert convert.image_from_proto(convert.image_to_proto("c", plain)) == plain
    for metric in ("dot", "cosine"):
        spec = EncoderSpec("e", 7, metric, 5, "0")  # type: ignore[arg-type]
        collection = Collection("c", spec, 1, now, 5, "C")
        assert convert.collection_from_proto(convert.collection_to_proto(collection)) == collection
    for prompt in ("dog", Point(1, 2), Box(1, 2, 3, 4)):
        assert convert.prompt_from_proto(convert.prompt_to_proto(prompt)) == prompt


def test_what_cannot_be_read() -> None:
    image = f"collections/other/images/{'a' * 64}"
    message = convert.filter_to_proto("c", Filter(ids=()))
    message.images.append(image)
    with pytest.raises(InvalidInput):
        convert.filter_from_proto("c", message)
    late = convert.filter_to_proto("c", Filter())
    late.after.seconds = 10**15
    with pytest.raises(InvalidInput):
        convert.filter_from_proto("c", late)
    with pytest.raises(InternalError):
        convert_ask.event_from_proto(ask_pb2.AskResponse(plan=ask_pb2.Plan(kind="dance")))
    with pytest.raises(InternalError):
        convert_ask.event_from_proto(ask_pb2.AskResponse())
    unknown = ask_pb2.AskOptions(wording=77)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput):
        convert_ask.options_from_proto("c", unknown)


def test_numbers_of_numpy_are_taken() -> None:
    verdict = Verdict(Kind.COUNT, int(np.int64(3)))
    assert convert_ask.verdict_to_proto("c", verdict, ()).value.number_value == 3
