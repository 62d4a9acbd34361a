"""The converted SmolLM2: same tokens as transformers' own loader, complete or not there at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from models.generators import smollm2
from thresher.errors import GeneratorUnavailable, StorageFull

PROMPT = "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n" + (
    "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n"
)
ANSWERS = {
    "What is the capital of France?": "The capital of France is Paris.<|im_end|>",
    "Say hello.": "Hello there, welcome to my world! I'm here to help with any kind of creative writing project. "
    "What can I",
    "Name three animals.": "1. A cat\n2. A dog\n3. A bear<|im_end|>",
}
"""By transformers 5.19's own GGUF loader: float32, greedy, 24 tokens."""


@pytest.fixture(scope="module")
def folder() -> Path:
    return smollm2.model_folder()


def test_it_answers_as_transformers_own_loader_does(folder: Path) -> None:
    import torch

    from models import torchvision_shim

    torchvision_shim.install()
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    for question, answer in ANSWERS.items():
        chat = [{"role": "user", "content": question}]
        prompt = tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False)
        assert prompt == PROMPT.format(question), "no line break of the template may be lost"
        ids = tokenizer(prompt, return_tensors="pt")
        tokens = model.generate(**ids, max_new_tokens=24, do_sample=False)[0, ids.input_ids.shape[1] :]
        assert tokenizer.decode(tokens) == answer


def test_the_tokenizer_splits_digits_and_gives_text_back(folder: Path) -> None:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    assert tokenizer.encode("128").tokens == ["1", "2", "8"]
    assert tokenizer.encode("<|im_start|>user\n").ids == [1, 4093, 198]
    for text in ("How many dogs are in photo 128.jpg?", "  It's a cat,\n\n isn't it?", "café 2026-11-24 犬"):
        assert tokenizer.decode(tokenizer.encode(text).ids) == text


def test_rows_of_rotary_pairs_become_halves() -> None:
    pairs = np.arange(8, dtype=np.float32)[:, None]  # two heads of four rows: a0 b0 a1 b1
    assert smollm2.rotary_halves(pairs, 2)[:, 0].tolist() == [0, 2, 1, 3, 4, 6, 5, 7]


def test_rounding_to_bfloat16_is_torchs() -> None:
    import torch

    values = np.random.default_rng(1).normal(size=1000).astype(np.float32)
    expected = torch.from_numpy(values).bfloat16().view(torch.uint16).numpy()
    assert np.array_equal(smollm2.to_bfloat16(values), expected)


def stand_in(source: Path, folder: Path) -> None:
    (folder / "config.json").write_text(source.name)


def test_what_a_killed_conversion_left_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smollm2, "convert", stand_in)
    made = smollm2.model_folder(tmp_path)
    partial = tmp_path / f"{made.name}.partial"
    made.rename(partial)
    (partial / "half").write_text("")
    assert smollm2.model_folder(tmp_path) == made
    assert [path.name for path in made.iterdir()] == ["config.json"]
    assert not partial.exists()


def test_a_conversion_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source: Path, folder: Path) -> None:
        (folder / "half").write_text(source.name)
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(smollm2, "convert", full)
    with pytest.raises(StorageFull):
        smollm2.model_folder(tmp_path)
    assert [path.suffix for path in tmp_path.iterdir()] == [".lock"]
    (tmp_path / "file").write_text("")
    with pytest.raises(GeneratorUnavailable, match="cannot be written"):
        smollm2.model_folder(tmp_path / "file")


def test_two_processes_convert_once(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from models.generators import smollm2\n"
        "def convert(source, folder):\n"
        "    print('converted'); time.sleep(0.5); (folder / 'done').write_text('')\n"
        "smollm2.convert = convert\n"
        "assert (smollm2.model_folder(Path(sys.argv[1])) / 'done').exists()\n"
    )
    both = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE) for _ in range(2)]
    said = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sorted(said) == [b"", b"converted\n"]


def test_a_missing_package_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smollm2, "find_spec", lambda _: None)
    with pytest.raises(GeneratorUnavailable, match="pip install"):
        smollm2.model_folder()
