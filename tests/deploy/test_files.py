"""Lint, and whether the files agree with each other and with the Makefile."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from server.settings import Settings
from tests.deploy import files
from thresher.client import DEFAULT_ADDRESS

BIN = Path(sys.executable).parent
PROJECT = tomllib.loads((files.ROOT / "pyproject.toml").read_text())


def run(*command: str | Path, cwd: Path = files.ROOT) -> str:
    done = subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def tool(name: str) -> str:
    found = shutil.which(name, path=BIN) or shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def modules_of(file: Path) -> Iterator[str]:
    """What a file imports, inside functions too."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_dockerfile_lints() -> None:
    run(tool("hadolint"), files.DOCKERFILE)


def test_compose_file_follows_the_specification() -> None:
    run(tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", files.COMPOSE)


def test_unit_verifies(tmp_path: Path) -> None:
    """systemd looks whether the commands exist: here those of this environment."""
    here = tmp_path / files.UNIT.name
    text = files.UNIT.read_text().replace(f"{files.CHECKOUT}/.venv/bin", str(BIN))
    here.write_text(text.replace(files.CHECKOUT, str(files.ROOT)))
    said = run(tool("systemd-analyze"), "verify", "--man=no", here)
    assert here.name not in said, said


def test_unit_gives_little_away() -> None:
    said = run(tool("systemd-analyze"), "security", "--offline=true", "--no-pager", files.UNIT)
    exposure = re.search(r"Overall exposure level for \S+: ([0-9.]+)", said)
    assert exposure and float(exposure[1]) < 2.0, said


def test_the_image_runs_the_makefile_as_another_user() -> None:
    assert "make env" in [rest for name, rest in files.instructions() if name == "RUN"]
    assert files.exec_form(files.only("CMD")) == ["make", "serve"]
    last_user = [rest for name, rest in files.instructions() if name == "USER"][-1]
    user = int(last_user.split(":")[0])
    assert user > 0
    assert any(f"--uid {user} " in rest for name, rest in files.instructions() if name == "RUN")
    targets = [rest.split()[-1] for name, rest in files.instructions() if name == "FROM"]
    assert {"cpu", "gpu"} < set(targets) and targets[-1] == "cpu"
    data, volume = files.image_environment()["DATA"], files.only("VOLUME")
    assert Path(volume) in Path(data).parents
    assert files.makes("serve", f"DATA={data}")[-2:] == ["--data", "$DATA"]


def test_the_makefile_takes_nothing_that_is_copied_later() -> None:
    """`make env` runs on the few files copied before it, so that a change elsewhere does not install all again."""
    before = []
    for name, rest in files.instructions():
        if name == "RUN" and "make env" in rest:
            break
        if name == "COPY":
            before += rest.split()[:-1]
    script = (files.ROOT / "deploy/environment.sh").read_text()
    needed = {"Makefile", "pyproject.toml", "requirements", "deploy/environment.sh", "thresher"}
    assert needed | {str(tomllib.loads((files.ROOT / "pyproject.toml").read_text())["project"]["readme"])} == set(
        before
    )
    assert {"requirements", "deploy"} >= set(re.findall(r"\b(requirements|deploy|proto|models|server)/", script))
    assert all((files.ROOT / path).exists() for path in before)


def test_the_image_holds_every_package_that_it_imports(tmp_path: Path) -> None:
    files.copy_context(tmp_path)
    imported = {module.split(".")[0] for file in tmp_path.rglob("*.py") for module in modules_of(file)}
    needed = imported & set(PROJECT["tool"]["importlinter"]["root_packages"])
    assert {"server", "agents", "retrievers", "models", "thresher"} <= needed
    assert not {name for name in needed if not (tmp_path / name).is_dir()}
    for entry in PROJECT["project"]["entry-points"]["thresher.commands"].values():
        assert (tmp_path / entry.split(":")[0].replace(".", "/")).with_suffix(".py").is_file()
    for kept in (files.ROOT / "models/offline").iterdir():
        assert (tmp_path / "models/offline" / kept.name).read_bytes() == kept.read_bytes()
    assert not (tmp_path / "tests").exists() and not list(tmp_path.rglob("__pycache__"))


def test_compose_builds_the_targets_and_stays_on_loopback() -> None:
    services = files.services()
    targets = {rest.split()[-1] for name, rest in files.instructions() if name == "FROM"}
    for name in ("server", "server-gpu"):
        build = services[name]["build"]
        assert (files.COMPOSE.parent / build["context"]).resolve() == files.ROOT
        assert files.ROOT / build["dockerfile"] == files.DOCKERFILE
        assert build["target"] in targets and services[name]["profiles"] == [build["target"]]
        assert services[name]["volumes"] == [f"data:{files.only('VOLUME')}"]
    for service in services.values():
        assert service["network_mode"] == "host" and "ports" not in service
    assert f"{Settings(profile='x').host}:{Settings(profile='x').port}" == DEFAULT_ADDRESS


def test_the_gpu_image_asks_the_vllm_that_compose_starts() -> None:
    vllm = files.services()["vllm"]
    endpoint = urlsplit(files.image_environment()["THRESHER_GENERATION__BASE_URL"])
    command = vllm["command"]
    assert command[command.index("--host") + 1] == endpoint.hostname == "127.0.0.1"
    assert command[command.index("--port") + 1] == str(endpoint.port)
    assert f"http://127.0.0.1:{endpoint.port}/health" in vllm["healthcheck"]["test"][-1]
    (pinned,) = PROJECT["project"]["optional-dependencies"]["gpu"]
    version = vllm["image"].rsplit(":v", 1)[1]
    assert pinned.startswith(f"vllm=={version.rsplit('.', 1)[0]}.*")


def test_the_unit_runs_what_make_serve_runs() -> None:
    unit = files.unit()
    (start,) = unit["ExecStart"]
    expected = files.makes("serve", f"VENV={files.CHECKOUT}/.venv")
    assert start.split() == [f"/var/lib/{unit['StateDirectory'][0]}" if word == "$DATA" else word for word in expected]
    assert unit["WorkingDirectory"] == [files.CHECKOUT]
    (health,) = unit["ExecStartPost"]
    assert (files.ROOT / health.split()[1]).is_file()
    limits = Settings(profile="x").limits
    assert float(unit["TimeoutStopSec"][0]) > limits.shutdown_seconds + 10
    assert float(files.services()["server"]["stop_grace_period"].removesuffix("s")) > limits.shutdown_seconds + 10


def test_the_guide_names_what_is_there() -> None:
    guide = (files.ROOT / "docs/deploy.md").read_text()
    for path in set(re.findall(r"\bdeploy/[\w.]+", guide)):
        assert (files.ROOT / path).exists(), path
    for target in set(re.findall(r"^\s*(?:sudo )?(?:\w+=\S+ )*make (?:-C \S+ )?([a-z-]+)", guide, re.MULTILINE)):
        assert files.makes(target)
