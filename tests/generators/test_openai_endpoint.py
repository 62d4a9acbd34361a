"""What endpoints do besides answering, and what becomes of it (on a fake over a real socket)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing

import pytest
import pytest_asyncio

from models.generators.managed import EndpointGenerator
from models.generators.openai_endpoint import SAID, OpenAIGenerator
from models.generators.probe import plain_png
from tests.generators.fake_openai_server import FakeOpenAIServer, Fault, always
from thresher.errors import GeneratorUnavailable
from thresher.types import GeneratorSpec, Message

ASK = [Message("user", "Is there a dog?")]
SCHEMA = {"type": "object", "properties": {"kind": {"type": "string"}}, "required": ["kind"]}


@pytest.fixture
def fake() -> Iterator[FakeOpenAIServer]:
    with FakeOpenAIServer() as server:
        yield server


@pytest_asyncio.fixture
async def generator(fake: FakeOpenAIServer) -> AsyncIterator[OpenAIGenerator]:
    made = OpenAIGenerator(fake.base_url, model=fake.model, api_key="secret", seconds=0.5)
    yield made
    await made.aclose()


async def eventually(true: object) -> None:
    for _ in range(200):
        if true():  # type: ignore[operator]
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not come true within 4 s")


async def test_choices_are_matched_without_case_and_space_and_renormalised(
    generator: OpenAIGenerator, fake: FakeOpenAIServer
) -> None:
    fake.tokens = always({"Yes": 0.4, " yes": 0.1, "▁NO": 0.2, "Perhaps": 0.3})
    assert await generator.choose(ASK, ["yes", "no"]) == pytest.approx({"yes": 0.5 / 0.7, "no": 0.2 / 0.7})
    sent = fake.requests[-1]
    assert (sent["max_tokens"], sent["top_logprobs"], sent["temperature"]) == (1, 20, 0)
    assert fake.headers[-1]["authorization"] == "Bearer secret"


async def test_a_missing_choice_is_no_answer(generator: OpenAIGenerator, fake: FakeOpenAIServer) -> None:
    fake.tokens = always({"Yes": 0.4, "Maybe": 0.3})
    assert await generator.choose(ASK, ["yes", "no"]) == {}


@pytest.mark.parametrize("refuses", [False, True])
@pytest.mark.parametrize(("said", "yes"), [("Yes, there is.", SAID), ("I see no dog.", 1 - SAID), ("Nothing.", None)])
async def test_without_logprobs_the_words_count(
    generator: OpenAIGenerator, fake: FakeOpenAIServer, refuses: bool, said: str, yes: float | None
) -> None:
    fake.gives_logprobs, fake.refuses_logprobs = False, refuses
    fake.say = always(said)
    for _ in range(2):
        expected = {} if yes is None else {"yes": yes, "no": 1 - yes}
        assert await generator.choose(ASK, ["yes", "no"]) == pytest.approx(expected)
    assert "logprobs" not in fake.requests[-1]
    assert len(fake.requests) == 3, "it is asked for logprobs once only"


async def test_images_go_as_bytes(generator: OpenAIGenerator, fake: FakeOpenAIServer) -> None:
    seen: list[bytes] = []
    fake.say = lambda _, images: seen.extend(images) or "ok"  # type: ignore[func-returns-value]
    png, jpeg = plain_png((1, 2, 3), side=8), b"\xff\xd8\xff\xe0rest"
    assert [piece async for piece in generator.stream([Message("user", "look", (png, jpeg))])] == ["ok"]
    assert seen == [png, jpeg]
    urls = [part["image_url"]["url"][:16] for part in fake.requests[-1]["messages"][0]["content"][1:]]
    assert urls == ["data:image/png;b", "data:image/jpeg;"]


@pytest.mark.parametrize("fault", ["400", "401", "500", "silent", "garbage", "shape"])
async def test_every_failure_is_one_error(generator: OpenAIGenerator, fake: FakeOpenAIServer, fault: Fault) -> None:
    fake.fault = fault
    with pytest.raises(GeneratorUnavailable) as choosing:
        await generator.choose(ASK, ["yes", "no"])
    assert fake.base_url in choosing.value.message
    with pytest.raises(GeneratorUnavailable):
        await generator.json(ASK, SCHEMA)
    with pytest.raises(GeneratorUnavailable):
        async for _ in generator.stream(ASK):
            pass
    assert len(fake.requests) == 3, "nothing is tried again"


async def test_the_hint_says_what_to_do(generator: OpenAIGenerator, fake: FakeOpenAIServer) -> None:
    fake.fault = "401"
    with pytest.raises(GeneratorUnavailable) as refused:
        await generator.choose(ASK, ["yes", "no"])
    assert "API_KEY" in refused.value.hint
    nowhere = OpenAIGenerator("http://127.0.0.1:9/v1")
    with pytest.raises(GeneratorUnavailable) as missing:
        await nowhere.alive()
    assert "BASE_URL" in missing.value.hint
    await nowhere.aclose()


async def test_a_stream_that_breaks_off_is_an_error(generator: OpenAIGenerator, fake: FakeOpenAIServer) -> None:
    fake.fault = "cut"
    pieces = []
    with pytest.raises(GeneratorUnavailable, match="broke off"):
        async for piece in generator.stream(ASK):
            pieces.append(piece)
    assert "".join(pieces) == "There is a"


@pytest.mark.parametrize("answer", [{"noun": "bus"}, ["kind"], "kind", {"kind": 3}])
async def test_json_is_checked(generator: OpenAIGenerator, fake: FakeOpenAIServer, answer: object) -> None:
    fake.make = always(answer)
    with pytest.raises(GeneratorUnavailable, match="schema"):
        await generator.json(ASK, SCHEMA)


async def test_the_schema_is_sent(generator: OpenAIGenerator, fake: FakeOpenAIServer) -> None:
    assert await generator.json(ASK, SCHEMA) == {"kind": "count", "noun": "bus"}
    assert fake.requests[-1]["response_format"]["json_schema"]["schema"] == SCHEMA


async def test_cancelling_closes_the_connection(generator: OpenAIGenerator, fake: FakeOpenAIServer) -> None:
    fake.say, fake.piece_seconds = always("word " * 500), 0.05
    got = asyncio.Event()

    async def read() -> None:
        async for _ in generator.stream(ASK):
            got.set()

    task = asyncio.create_task(read())
    await asyncio.wait_for(got.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await eventually(lambda: fake.disconnects == 1)

    async with aclosing(generator.stream(ASK)) as pieces:
        await anext(pieces)
    await eventually(lambda: fake.disconnects == 2)


async def test_cancelling_a_question_closes_the_connection(generator: OpenAIGenerator, fake: FakeOpenAIServer) -> None:
    fake.fault = "silent"
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(generator.choose(ASK, ["yes", "no"]), 0.2)
    await eventually(lambda: fake.disconnects == 1)


async def test_probe(fake: FakeOpenAIServer) -> None:
    async def probed() -> GeneratorSpec:
        generator = OpenAIGenerator(fake.base_url)
        try:
            return await generator.probe()
        finally:
            await generator.aclose()

    assert await probed() == GeneratorSpec(fake.model, sees=True, plans=True, context=8192, images=8)
    fake.make = always({"kind": "find", "noun": "bus"})  # valid, but it cannot read
    assert not (await probed()).plans
    fake.make = always("count")
    assert not (await probed()).plans
    fake.say = always("Red.")
    assert not (await probed()).sees
    fake.sees = False
    assert not (await probed()).sees


async def test_an_endpoint_that_comes_and_goes(monkeypatch: pytest.MonkeyPatch, fake: FakeOpenAIServer) -> None:
    monkeypatch.setattr(EndpointGenerator, "CHECK_SECONDS", 0.05)
    monkeypatch.setattr(EndpointGenerator, "FIRST_DELAY_SECONDS", 0.05)
    fake.fault = "500"
    managed = EndpointGenerator(fake.base_url)
    with pytest.raises(GeneratorUnavailable, match="not been started"):
        await managed.choose(ASK, ["yes", "no"])
    await managed.start()
    with pytest.raises(GeneratorUnavailable, match="failed"):
        await managed.wait_ready(0.5)
    fake.fault = ""
    await managed.wait_ready(5)
    assert (managed.spec.model, managed.spec.sees, managed.detail) == (fake.model, True, "")
    assert await managed.choose(ASK, ["yes", "no"])
    assert "".join([piece async for piece in managed.stream(ASK)])
    fake.fault = "500"
    await eventually(lambda: not managed.ready)
    fake.fault = ""
    await managed.wait_ready(5)
    await managed.stop()
    assert not managed.ready
