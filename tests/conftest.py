"""Fixtures of the whole suite."""

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")

from tests.fixtures_vllm import vllm_server

__all__ = ["vllm_server"]
