"""The files of deploy/, read: what the image, the containers and the service run."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = ROOT / "deploy/Dockerfile"
COMPOSE = ROOT / "deploy/compose.yaml"
UNIT = ROOT / "deploy/thresher.service"
CHECKOUT = "/opt/thresher"
"""Where both the image and the unit have the checkout."""


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's: (name, the rest with its continuation lines joined)."""
    text = re.sub(r"^\s*#.*\n", "", DOCKERFILE.read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines if line)]


def exec_form(text: str) -> list[str]:
    """Of CMD, ENTRYPOINT, and what follows the options of HEALTHCHECK."""
    found = json.loads(text[text.index("[") :])
    assert isinstance(found, list)
    return found


def image_environment() -> dict[str, str]:
    """ENV of every target."""
    words = [word for name, rest in instructions() if name == "ENV" for word in shlex.split(rest)]
    return dict(word.split("=", 1) for word in words)


def only(name: str) -> str:
    """What follows the instruction `name`, which is there once."""
    (rest,) = (rest for each, rest in instructions() if each == name)
    return rest


def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())["services"]
    return found


def unit() -> dict[str, list[str]]:
    """The unit's settings, of all sections; %S and %C expanded as for a system service."""
    found: dict[str, list[str]] = {}
    for line in UNIT.read_text().replace("%S", "/var/lib").replace("%C", "/var/cache").splitlines():
        if "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


def makes(target: str, *variables: str) -> list[str]:
    """Words of the last command of a Makefile target, with the variables set; its environment is taken as made."""
    command = ["make", "--no-print-directory", "-n", "-o", "env", target, *variables]
    output = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    words = shlex.split(output.splitlines()[-1])
    return words[1:] if words[0] == "exec" else words


def copy_context(target: Path) -> None:
    """What .dockerignore lets through, as COPY . . takes it."""
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert rules[0] == "*"
    ignored = shutil.ignore_patterns(*(rule.removeprefix("**/") for rule in rules if rule.startswith("**/")))
    for name in (rule.removeprefix("!") for rule in rules if rule.startswith("!")):
        source = ROOT / name
        target.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=ignored)
        else:
            shutil.copy(source, target / name)
