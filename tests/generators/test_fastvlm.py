"""FastVLM: built out of its packages, served by vLLM unmodified, and the same there as in transformers."""

from __future__ import annotations

import io
import json
import math
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import openai
import pytest
import pytest_asyncio
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from agents.graph import ask
from agents.prompts import prompt
from models.generators import fastvlm, smollm2
from models.generators.openai_endpoint import OpenAIGenerator, _as_openai
from models.generators.vllm_server import FASTVLM_ARGUMENTS, VllmGenerator, fastvlm_command
from server.settings import GenerationSettings
from server.wiring import _generator
from tests.agents.agent_fakes import SCENES, deps
from tests.fixtures_vllm import serving
from thresher.errors import GeneratorUnavailable
from thresher.types import Answer, AskOptions, Message, Wording

TOKENS = 16


def picture(seed: int, size: tuple[int, int]) -> bytes:
    """A PNG of coloured boxes and discs."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", size, tuple(rng.integers(0, 256, 3).tolist()))
    draw = ImageDraw.Draw(image)
    for shape in (draw.rectangle, draw.ellipse) * 3:
        x, y = (rng.random(2) * size * 0.7).tolist()
        shape((x, y, x + size[0] * 0.3, y + size[1] * 0.3), fill=tuple(rng.integers(0, 256, 3).tolist()))
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


PICTURES = (picture(1, (640, 480)), picture(2, (300, 500)))
ASKED = {
    "one image": [Message("user", "What is in this image?", PICTURES[:1])],
    "two images": [Message("user", "Which of these images shows a disc?", PICTURES)],
    "a look": prompt("look", images=PICTURES[1:], what="a dog"),
}


@pytest.fixture(scope="module")
def folder() -> Path:
    return fastvlm.model_folder()


class Transformers:
    """What transformers makes of the folder, in float32."""

    def __init__(self, folder: Path) -> None:
        from models import torchvision_shim

        torchvision_shim.install()
        import torch
        from transformers import AutoModelForImageTextToText, AutoProcessor

        self.torch = torch
        self.processor: Any = AutoProcessor.from_pretrained(folder, local_files_only=True)
        self.model: Any = AutoModelForImageTextToText.from_pretrained(
            folder, dtype=torch.float32, local_files_only=True
        ).eval()

    def inputs(self, messages: Sequence[Message]) -> Any:
        chat = [
            {"role": m.role, "content": [{"type": "text", "text": m.text}, *({"type": "image"} for _ in m.images)]}
            for m in messages
        ]
        text = self.processor.apply_chat_template(chat, add_generation_prompt=True, tokenize=False)
        images = [Image.open(io.BytesIO(image)).convert("RGB") for m in messages for image in m.images]
        return self.processor(text=[text], images=images, return_tensors="pt")

    def greedy(self, messages: Sequence[Message]) -> tuple[list[int], int]:
        """`TOKENS` tokens without an end, and how many the prompt has."""
        inputs = self.inputs(messages)
        length = inputs["input_ids"].shape[1]
        options = {"max_new_tokens": TOKENS, "min_new_tokens": TOKENS, "do_sample": False}
        return self.model.generate(**inputs, **options)[0, length:].tolist(), length

    def next_token(self, messages: Sequence[Message]) -> NDArray[np.float32]:
        """Log-probabilities, (49152,)."""
        with self.torch.inference_mode():
            logits = self.model(**self.inputs(messages)).logits[0, -1]
        found: NDArray[np.float32] = logits.log_softmax(-1).numpy()
        return found


@pytest.fixture(scope="module")
def transformers(folder: Path) -> Transformers:
    return Transformers(folder)


# --- the folder


def test_its_parts_are_the_packages_and_the_trained_file(transformers: Transformers) -> None:
    import torch
    from safetensors.torch import load_file
    from transformers import AutoModelForCausalLM

    state = transformers.model.state_dict()
    trained = load_file(fastvlm.TRAINED)
    assert {name for name in state if "multi_modal_projector" in name} < set(trained) < set(state)
    text = AutoModelForCausalLM.from_pretrained(smollm2.model_folder(), dtype=torch.float32, local_files_only=True)
    expected = {f"model.language_model.{name}": value for name, value in text.model.state_dict().items()}
    trunk = fastvlm.package_trunk().state_dict()
    expected |= {f"model.vision_tower.timm_model.{name}": value for name, value in trunk.items()}
    expected |= {name: value.float() for name, value in trained.items()}
    expected["lm_head.weight"] = text.lm_head.weight
    assert set(expected) == set(state)
    assert all(torch.equal(state[name], value) for name, value in expected.items())


def test_an_image_is_its_trunks_cells(transformers: Transformers) -> None:
    torch = transformers.torch
    pixels = transformers.inputs(ASKED["one image"])["pixel_values"]
    assert pixels.shape == (1, 3, fastvlm.IMAGE_SIDE, fastvlm.IMAGE_SIDE)
    squashed = Image.open(io.BytesIO(PICTURES[0])).resize((224, 224), Image.Resampling.BICUBIC)
    expected = torch.from_numpy(np.asarray(squashed, np.float32) / 127.5 - 1).permute(2, 0, 1)
    assert (pixels[0] - expected).abs().max() < 0.05, "as training squashes them"
    with torch.inference_mode():
        cells = fastvlm.package_trunk().forward_features(pixels).flatten(2).transpose(1, 2)
        expected = transformers.model.model.multi_modal_projector(cells)
        found = transformers.model.model.get_image_features(pixels).pooler_output
    assert found.shape == (1, fastvlm.CELLS, 576)
    assert torch.allclose(found, expected, atol=1e-4)


def test_the_template_loses_no_line_break_and_puts_images_first(transformers: Transformers) -> None:
    from transformers import AutoTokenizer

    processor = transformers.processor
    look = [
        {"role": "system", "content": "Look."},
        {"role": "user", "content": [{"type": "text", "text": "A dog?"}, {"type": "image"}]},
    ]
    text = processor.apply_chat_template(look, add_generation_prompt=True, tokenize=False)
    assert text == (
        "<|im_start|>system\nLook.<|im_end|>\n<|im_start|>user\n<file_sep>A dog?<|im_end|>\n<|im_start|>assistant\n"
    )
    ids = transformers.inputs(ASKED["two images"])["input_ids"][0].tolist()
    assert ids.count(processor.tokenizer.convert_tokens_to_ids(fastvlm.IMAGE_TOKEN)) == 2 * fastvlm.CELLS
    plain = AutoTokenizer.from_pretrained(smollm2.model_folder(), local_files_only=True)
    for chat in (
        [{"role": "user", "content": "Hello."}],
        [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello."}],
    ):
        said = processor.apply_chat_template(chat, add_generation_prompt=True, tokenize=False)
        assert said == plain.apply_chat_template(chat, add_generation_prompt=True, tokenize=False)


def test_another_trained_file_is_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def note(language: Path, folder: Path, trained: Path) -> None:
        (folder / "parts.json").write_text(json.dumps([str(language), str(trained)]))

    monkeypatch.setattr(fastvlm, "build", note)
    monkeypatch.setattr(smollm2, "model_folder", lambda cache: cache / "language")
    first = fastvlm.model_folder(tmp_path)
    assert json.loads((first / "parts.json").read_text()) == [str(tmp_path / "language"), str(fastvlm.TRAINED)]
    assert fastvlm.model_folder(tmp_path) == first
    other = tmp_path / "other.safetensors"
    other.write_bytes(b"other")
    monkeypatch.setattr(fastvlm, "TRAINED", other)
    assert fastvlm.model_folder(tmp_path) != first


def test_a_missing_trained_file_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fastvlm, "TRAINED", tmp_path / "none.safetensors")
    monkeypatch.setattr(smollm2, "model_folder", lambda cache: cache / "language")
    with pytest.raises(GeneratorUnavailable, match=r"none\.safetensors"):
        fastvlm.model_folder(tmp_path)


def test_it_is_selected_by_a_setting_and_not_said_to_see(tmp_path: Path) -> None:
    made = _generator(GenerationSettings(kind="vllm", model="fastvlm"), tmp_path / "log")
    assert made is not None
    assert (made.spec.model, made.spec.sees, made.spec.images) == (fastvlm.MODEL, False, 16)
    usual = _generator(GenerationSettings(kind="vllm"), tmp_path / "log")
    assert usual is not None
    assert usual.spec.model == smollm2.MODEL
    with pytest.raises(ValueError, match="vllm serves its own model"):
        GenerationSettings(kind="vllm", model="gpt")


# --- served


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> Iterator[VllmGenerator]:
    """vLLM with FastVLM in float32, where its tokens are comparable: in bfloat16 a near tie may fall otherwise."""
    if find_spec("vllm") is None:
        pytest.skip("vLLM is not installed (extra offline or gpu)")
    arguments = tuple("float32" if word == "bfloat16" else word for word in FASTVLM_ARGUMENTS)
    command = replace(fastvlm_command(), arguments=arguments, model=lambda: folder)
    yield from serving(command, tmp_path_factory.mktemp("fastvlm") / "vllm.log")


@pytest_asyncio.fixture
async def generator(served: VllmGenerator) -> AsyncIterator[OpenAIGenerator]:
    """It is taken to see, whatever the figures say: here the way of an image is tested."""
    made = OpenAIGenerator(served.base_url, spec=replace(served.spec, sees=True))
    yield made
    await made.aclose()


@pytest.mark.parametrize("case", ASKED)
async def test_vllms_greedy_tokens_are_transformers(
    case: str, served: VllmGenerator, transformers: Transformers
) -> None:
    messages = ASKED[case]
    expected, length = transformers.greedy(messages)
    async with openai.AsyncOpenAI(base_url=served.base_url, api_key="none") as client:
        said: Any = await client.chat.completions.create(
            model=served.spec.model,
            messages=[_as_openai(message) for message in messages],  # type: ignore[misc]
            temperature=0,
            max_tokens=TOKENS,
            extra_body={"return_token_ids": True, "min_tokens": TOKENS},
        )
    assert said.usage.prompt_tokens == length
    assert said.choices[0].token_ids == expected


async def test_a_choice_over_an_image_has_transformers_probabilities(
    generator: OpenAIGenerator, transformers: Transformers
) -> None:
    logprobs = transformers.next_token(ASKED["a look"])
    top = sorted(range(len(logprobs)), key=lambda token: -logprobs[token])[:20]
    words = [transformers.processor.tokenizer.decode([token]).strip() for token in top]
    mass = {
        choice: sum(math.exp(logprobs[t]) for t, w in zip(top, words, strict=True) if w.casefold() == choice.casefold())
        for choice in ("Yes", "No")
    }
    assert all(mass.values()), "a model that answers neither says nothing"
    said = await generator.choose(ASKED["a look"], ["Yes", "No"])
    assert said["Yes"] == pytest.approx(mass["Yes"] / sum(mass.values()), abs=0.005)


async def test_an_image_changes_what_is_said(generator: OpenAIGenerator) -> None:
    said = [await generator.choose(prompt("look", images=[image], what="a dog"), ["Yes", "No"]) for image in PICTURES]
    assert said[0] != said[1]


async def test_an_ask_looks_with_it(generator: OpenAIGenerator) -> None:
    async def load_jpeg(image_id: str) -> bytes:
        return PICTURES[len(image_id) % 2]

    parts = replace(deps(SCENES, generator=generator), load_jpeg=load_jpeg)
    options = AskOptions(wording=Wording.PLAIN)
    last = [event async for event in ask("How many photos show a red dog?", options, parts)][-1]
    assert isinstance(last, Answer)
    assert last.verdict.unchecked == (), "it was asked about a red dog"
    assert last.degraded == ""


async def test_too_many_images_are_unavailable(generator: OpenAIGenerator) -> None:
    with pytest.raises(GeneratorUnavailable, match="image"):
        await generator.choose([Message("user", "Which?", PICTURES[:1] * 17)], ["Yes", "No"])


async def test_what_is_no_image_is_unavailable(generator: OpenAIGenerator) -> None:
    with pytest.raises(GeneratorUnavailable):
        await generator.choose([Message("user", "Which?", [b"no image"])], ["Yes", "No"])
