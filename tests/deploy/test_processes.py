"""What the unit and the image run, as plain processes: started, found healthy, ended by SIGTERM.

The commands are the files' own; only the folder of the checkout, the data directory and the port are of here.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from models.generators.vllm_server import VllmGenerator
from tests.deploy import files
from tests.fixtures_vllm import alive, with_children

VENV = Path(sys.prefix)
START_SECONDS = 300.0
SYSTEM = {"PATH": os.environ["PATH"]}


@pytest.fixture
def port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def started(
    command: Sequence[str], environment: Mapping[str, str], log: Path
) -> Iterator[tuple[subprocess.Popen[bytes], list[psutil.Process]]]:
    """The process, and a list for those that have to be gone at the end."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=files.ROOT, env=environment, stdout=output, stderr=output)
    children: list[psutil.Process] = []
    try:
        yield process, children
    finally:
        left = [*with_children(process.pid), *children]
        for each in alive(left, 0.0):
            each.kill()
        process.wait()


def health(command: Sequence[str], environment: Mapping[str, str], port: int) -> tuple[int, str]:
    """Exit status of the check, and what it says."""
    done = subprocess.run(
        command,
        cwd=files.ROOT,
        env={**environment, "THRESHER_ADDRESS": f"127.0.0.1:{port}"},
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr


def becomes_healthy(process: subprocess.Popen[bytes], *check: Any, log: Path) -> bool:
    until = time.monotonic() + START_SECONDS
    while (said := health(*check))[0] != 0:
        assert process.poll() is None and time.monotonic() < until, said[1] + log.read_text()
        time.sleep(0.5)
    return True


def test_the_unit_starts_answers_and_stops(tmp_path: Path, port: int) -> None:
    unit = files.unit()
    here = {f"{files.CHECKOUT}/.venv": str(VENV), "/var/lib": str(tmp_path), "/var/cache": str(tmp_path / "cache")}

    def of_here(text: str) -> list[str]:
        for there, path in here.items():
            text = text.replace(there, path)
        return text.split()

    set_by_unit = dict(word.split("=", 1) for line in unit["Environment"] for word in of_here(line))
    environment = {**SYSTEM, **set_by_unit, "THRESHER_PORT": str(port), "THRESHER_GENERATION": "none"}
    (post,) = unit["ExecStartPost"]
    check, wait = of_here(post.partition(" --wait ")[0]), of_here(post)
    log = tmp_path / "log"
    data = tmp_path / unit["StateDirectory"][0]
    data.mkdir(mode=int(unit["StateDirectoryMode"][0], 8))
    with started(of_here(unit["ExecStart"][0]), environment, log) as (process, _):
        status, said = health(check, environment, port)
        assert status == 1 and f"127.0.0.1:{port}" in said
        assert becomes_healthy(process, check, environment, port, log=log)
        assert health(wait, environment, port) == (0, "")
        assert (data / "thresher.json").is_file()
        status, said = health([*check, "thresher.generation"], environment, port)
        assert status == 1 and "NOT_SERVING" in said
        process.send_signal(signal.SIGTERM)
        assert process.wait(float(unit["TimeoutStopSec"][0])) == 0
    assert "Stopping" in log.read_text()


def test_the_gpu_image_serves_with_an_endpoint_and_stops(tmp_path: Path, port: int, vllm_server: VllmGenerator) -> None:
    """make is told not to look at the environment, which the image has made; the endpoint is vLLM on this CPU."""
    image = files.image_environment()
    data = tmp_path / Path(image["DATA"]).name
    environment = {
        **{**SYSTEM, **image, "HOME": str(tmp_path), "DATA": str(data)},
        "THRESHER_GENERATION__BASE_URL": vllm_server.base_url,
        "THRESHER_PORT": str(port),
    }
    command = [*files.exec_form(files.only("CMD")), f"VENV={VENV}", "-o", "env"]
    check = [sys.executable, *files.exec_form(files.only("HEALTHCHECK"))[1:]]
    log = tmp_path / "log"
    with started(command, environment, log) as (process, children):
        assert becomes_healthy(process, check, environment, port, log=log)
        assert becomes_healthy(process, [*check, "thresher.generation"], environment, port, log=log)
        children += psutil.Process(process.pid).children(recursive=True)
        assert [each.name() for each in children] == ["thresher"]
        process.send_signal(signal.SIGTERM)  # as tini sends it: to make alone
        process.wait(float(files.services()["server-gpu"]["stop_grace_period"].removesuffix("s")))
        assert not alive(children, 0.0), "make did not wait for the server"
    assert "Stopping" in log.read_text() and "Traceback" not in log.read_text()
