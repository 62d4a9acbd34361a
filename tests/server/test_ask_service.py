"""AskService: what is asked, and the stream of the answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import grpc
import pytest

from retrievers.memory_store import MemoryImageStore
from tests.server.fakes import Bench, FakeAsk, picture, sha, until
from thresher import errors
from thresher.client import Client
from thresher.records import ReadPlan, Reply, UploadItem
from thresher.types import (
    Answer,
    AskEvent,
    AskOptions,
    Evidence,
    Filter,
    Grounding,
    ImageRecord,
    Kind,
    Pipeline,
    Step,
    Text,
    Verdict,
    Wording,
)
from thresher.v1 import ask_pb2, ask_pb2_grpc


async def fill(client: Client, count: int = 3) -> list[str]:
    await client.create_collection("c")

    async def items() -> AsyncIterator[UploadItem]:
        for number in range(count):
            yield UploadItem(f"trip/{number}.png", picture("red", number), ("trip",))

    return sorted([result.sha256 async for result in client.upload("c", items())])


async def test_the_order_of_events_and_the_reply(client: Client) -> None:
    ids = await fill(client)
    events = [event async for event in client.ask("c", "How many are red?")]
    assert [type(event) for event in events] == [ReadPlan, Step, Text, Evidence, Evidence, Evidence, Reply]
    assert isinstance(events[0], ReadPlan)
    assert events[0].target_words == "red"
    reply = events[-1]
    assert isinstance(reply, Reply)
    assert reply.verdict.value == 3
    assert sorted(reply.verdict.images) == ids
    assert sorted(reply.paths) == ["trip/0.png", "trip/1.png", "trip/2.png"]
    assert reply.verdict.interval == (3, 4)
    assert reply.degraded == "no language model"
    assert reply.citations[0].regions[0].mask is not None


async def test_an_answer_of_twenty_thousand_photographs_fits(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(client)
    [record] = [record async for record in client.images("c", limit=1)]
    ids = tuple(f"{number:064x}" for number in range(20_000))

    async def answer(*_: object) -> AsyncIterator[AskEvent]:
        yield Answer(Verdict(Kind.FIND, None, ids), "", (), 0.9)

    async def get(*_: object) -> dict[str, ImageRecord]:
        return {image: replace(record, id=image, paths=(f"2020/holiday/{image[-40:]}.jpg",)) for image in ids}

    monkeypatch.setattr(FakeAsk, "__call__", answer)
    monkeypatch.setattr(MemoryImageStore, "get", get)
    [reply] = [event async for event in client.ask("c", "red?")]
    assert isinstance(reply, Reply)
    assert (len(reply.verdict.images), len(reply.paths)) == (20_000, 20_000)


async def test_sequence_numbers_have_no_gaps(bench: Bench, client: Client) -> None:
    await fill(client)
    async with grpc.aio.insecure_channel(bench.address) as channel:
        call = ask_pb2_grpc.AskServiceStub(channel).Ask(ask_pb2.AskRequest(parent="collections/c", question="red?"))
        assert [event.sequence async for event in call] == list(range(7))


async def test_options_arrive(bench: Bench, client: Client) -> None:
    ids = await fill(client)
    scope = Filter(ids=(ids[0],), tags=("trip",), expression="width > 3 AND sea")
    given = AskOptions(False, Wording.PLAIN, Grounding.NONE, 0, scope, Pipeline.BASE_RATE)
    assert [event async for event in client.ask("c", "red?", given)]
    assert bench.ask.options == given
    async with grpc.aio.insecure_channel(bench.address) as channel:
        call = ask_pb2_grpc.AskServiceStub(channel).Ask(ask_pb2.AskRequest(parent="collections/c", question="red?"))
        assert [event async for event in call]
    assert bench.ask.options == AskOptions()


@pytest.mark.parametrize("question", ["", "  \n ", "x" * 100_000, "\x00\x01\x02", "?!?!", "12 34"])
async def test_bad_questions(client: Client, question: str) -> None:
    await client.create_collection("c")
    with pytest.raises(errors.InvalidQuestion) as caught:
        await anext(client.ask("c", question))
    assert caught.value.hint
    assert len(str(caught.value)) < 300


async def test_bad_options(client: Client) -> None:
    await client.create_collection("c")
    for options in (AskOptions(max_evidence=101), AskOptions(max_evidence=-1), AskOptions(scope=Filter(ids=("zz",)))):
        with pytest.raises(errors.InvalidInput):
            await anext(client.ask("c", "red?", options))


async def test_a_pipeline_that_cannot_answer(bench: Bench, client: Client) -> None:
    await client.create_collection("c")
    bench.ask.error = errors.Unsupported("No model here sees.", "Name one that does.")
    with pytest.raises(errors.Unsupported) as caught:
        assert [event async for event in client.ask("c", "red?", AskOptions(pipeline=Pipeline.MODEL))]
    assert str(caught.value) == "No model here sees. Name one that does."
    async with grpc.aio.insecure_channel(bench.address) as channel:
        stub, options = ask_pb2_grpc.AskServiceStub(channel), ask_pb2.AskOptions(pipeline=99)  # type: ignore[arg-type]
        call = stub.Ask(ask_pb2.AskRequest(parent="collections/c", question="red?", options=options))
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call.read()
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "pipeline" in str(refused.value.details())


async def test_what_the_judge_is_given(client: Client) -> None:
    ids = await fill(client)
    found, (red, mauve) = await client.witnesses("c", ["red", "mauve"], Filter(ids=tuple(ids[:2])))
    assert found == tuple(ids[:2])
    assert (red.known, red.calibrated, red.concepts) == (True, False, ("red",))
    assert red.similarity == pytest.approx([0.98, 0.98], abs=0.02)
    assert red.detection.tolist() == [0.0, 0.0]
    assert (mauve.known, len(mauve.similarity), len(mauve.detection)) == (False, 0, 0)
    for phrases in ([], [" "], ["red"] * 101, ["x" * 101]):
        with pytest.raises(errors.InvalidInput):
            await client.witnesses("c", phrases)


async def test_too_many_pairs(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(client)
    monkeypatch.setattr("server.services.ask.MAX_PAIRS", 5)
    with pytest.raises(errors.InvalidInput, match="6 pairs"):
        await client.witnesses("c", ["red", "blue"])


async def test_unknown_collection(client: Client) -> None:
    with pytest.raises(errors.NotFound):
        await anext(client.ask("nowhere", "red?"))
    with pytest.raises(errors.InvalidInput):
        await anext(client.ask("No Name", "red?"))


async def test_another_encoders_collection_is_refused(bench: Bench, client: Client) -> None:
    await bench.store.create("old", replace(bench.encoder.spec, weights="9" * 64))
    for call in (client.ask("old", "red?"), client.images("old")):
        with pytest.raises(errors.EncoderMismatch):
            await anext(call)
    with pytest.raises(errors.EncoderMismatch):
        await client.search("old", "red")
    assert [found.name for found in await client.list_collections()] == ["old"]


async def test_an_ask_is_answered_while_an_upload_waits_for_the_encoder(bench: Bench, client: Client) -> None:
    await fill(client)
    bench.encoder.hold.clear()
    before = len(bench.encoder.batches)

    async def items() -> AsyncIterator[UploadItem]:
        for number in range(10, 40):
            yield UploadItem(f"{number}.png", picture("blue", number))

    async def drain() -> int:
        return len([result async for result in client.upload("c", items())])

    upload = asyncio.create_task(drain())
    await until(lambda: len(bench.encoder.batches) > before)
    assert (await client.search("c", "red")).hits
    assert [event async for event in client.ask("c", "red?")]
    assert not upload.done()
    bench.encoder.hold.set()
    assert await upload == 30
    assert sha(picture("blue", 39)) not in await client.missing("c", [sha(picture("blue", 39))])
