"""What every `Generator` must do: on a fake endpoint, and on SmolLM2 served by a real vLLM child."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from models.generators.openai_endpoint import OpenAIGenerator
from models.generators.probe import plain_png
from tests.generators.fake_openai_server import FakeOpenAIServer
from thresher.errors import GeneratorUnavailable
from thresher.types import GeneratorSpec, Message

QUESTION = [Message("user", "Is a dog an animal? Answer yes or no.")]
REWORD = [
    Message("system", "Say the answer in other words, in one short sentence."),
    Message("user", "Yes, 2 photos show a horse."),
    Message("assistant", "Yes, there is a horse in 2 photos."),
    Message("user", "Yes, 3 photos show a dog."),
]
SCHEMA = {
    "type": "object",
    "properties": {"kind": {"type": "string", "enum": ["find", "count"]}, "noun": {"type": "string", "maxLength": 20}},
    "required": ["kind", "noun"],
    "additionalProperties": False,
}


@pytest_asyncio.fixture(params=["fake", "vllm"])
async def generator(request: pytest.FixtureRequest) -> AsyncIterator[OpenAIGenerator]:
    if request.param == "vllm":
        server = request.getfixturevalue("vllm_server")
        made = OpenAIGenerator(server.base_url, spec=server.spec)
        yield made
        await made.aclose()
        return
    with FakeOpenAIServer() as fake:
        made = OpenAIGenerator(
            fake.base_url, spec=GeneratorSpec(fake.model, sees=True, plans=True, context=8192, images=8)
        )
        yield made
        await made.aclose()


async def test_streams_text_in_pieces(generator: OpenAIGenerator) -> None:
    pieces = [piece async for piece in generator.stream(REWORD, max_tokens=30)]
    assert len(pieces) > 3
    assert "dog" in "".join(pieces)
    assert "3" in "".join(pieces)


async def test_choices_have_probabilities_that_sum_to_one(generator: OpenAIGenerator) -> None:
    said = await generator.choose(QUESTION, ["yes", "no"])
    assert set(said) == {"yes", "no"}
    assert sum(said.values()) == pytest.approx(1)
    assert all(0 < value < 1 for value in said.values())


async def test_a_choice_that_is_not_answered_is_no_answer(generator: OpenAIGenerator) -> None:
    assert await generator.choose(QUESTION, ["yes", "qwertyuiop"]) == {}


async def test_json_keeps_to_its_schema(generator: OpenAIGenerator) -> None:
    value = await generator.json([Message("user", "How many photos show a bus? Answer as JSON.")], SCHEMA)
    assert value["kind"] in ("find", "count")
    assert isinstance(value["noun"], str)


async def test_calls_run_side_by_side(generator: OpenAIGenerator) -> None:
    answers = await asyncio.gather(*(generator.choose(QUESTION, ["yes", "no"]) for _ in range(6)))
    assert all(answers)


async def test_a_cancelled_call_leaves_it_usable(generator: OpenAIGenerator) -> None:
    async def read() -> None:
        async for _ in generator.stream([Message("user", "Write a long story.")], max_tokens=500):
            pass

    task = asyncio.create_task(read())
    await asyncio.sleep(0.3)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await generator.choose(QUESTION, ["yes", "no"])


async def test_too_long_a_question_or_an_image_for_a_blind_model_is_unavailable(generator: OpenAIGenerator) -> None:
    if generator.spec.sees:
        pytest.skip("the fake sees and has no limit")
    with pytest.raises(GeneratorUnavailable, match="context"):
        await generator.choose([Message("user", "word " * 5000)], ["yes", "no"])
    with pytest.raises(GeneratorUnavailable, match="multimodal"):
        await generator.choose([Message("user", "Is it red?", images=(plain_png((255, 0, 0)),))], ["yes", "no"])


async def test_the_probe_finds_out_what_it_can(generator: OpenAIGenerator) -> None:
    expected = generator.spec
    assert await generator.probe() == expected


async def test_it_speaks(generator: OpenAIGenerator) -> None:
    if generator.spec.sees:
        pytest.skip("the fake knows no capitals")
    pieces = [piece async for piece in generator.stream([Message("user", "What is the capital of France?")], 24)]
    assert "".join(pieces) == "The capital of France is Paris."
