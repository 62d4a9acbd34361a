"""Make the lock files, or check that they still belong to their inputs.

python requirements/lock.py          resolve again with uv (reaches the package index) and write both locks
python requirements/lock.py --check  compare the hash of the inputs with the one in each lock's header (offline)

server.lock   server, offline and dev extras, for CPython 3.11 on Linux (x86-64, arm64) and macOS (arm64), without torch
demo.lock     the packages whose photographs the demo uses; gradio without its dependencies
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
INPUTS = [ROOT / "pyproject.toml", HERE / "extra.in", HERE / "overrides.txt", Path(__file__).resolve()]
COMPILE = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--generate-hashes", "--universal"]
COMPILE += ["--python-version", "3.11", "--no-annotate", "--no-header", "--override", str(HERE / "overrides.txt")]
# What uv writes where a package is for every environment of [tool.uv]: true for all that may use the lock.
EVERYWHERE = re.compile(r" ; python_full_version < '3\.12' and \(\(p[^\n]*\) or \([^\n]*\) or \([^\n]*\)\)(?= \\)")


def inputs_hash() -> str:
    digest = hashlib.sha256()
    for path in INPUTS:
        text = path.read_text()
        if path.name == "pyproject.toml":  # only what decides the packages
            text = "".join(re.findall(r"^(?:dependencies|requires-python).*?$|^\[project\.opt.*?(?=^\[)", text, re.M | re.S))
            text += "".join(re.findall(r"^\[tool\.uv\].*?(?=^\[)", path.read_text(), re.M | re.S))
        digest.update(text.encode())
    return digest.hexdigest()


def compile_lock(*arguments: str) -> str:
    text = subprocess.run([*COMPILE, *arguments], check=True, capture_output=True, text=True, cwd=ROOT).stdout
    return EVERYWHERE.sub("", text)


def main() -> int:
    header = f"# inputs: {inputs_hash()}\n"
    if "--check" in sys.argv:
        stale = [name for name in ("server.lock", "demo.lock") if not (HERE / name).read_text().startswith(header)]
        for name in stale:
            print(f"requirements/{name} does not belong to pyproject.toml and requirements/: run `make lock`.")
        return len(stale)
    extras = [argument for extra in ("server", "offline", "dev") for argument in ("--extra", extra)]
    (HERE / "server.lock").write_text(header + compile_lock("pyproject.toml", "requirements/extra.in", *extras))
    with_dependencies = compile_lock("requirements/demo.in", "-c", "requirements/server.lock")
    pictures_alone = compile_lock("requirements/demo-pictures.in", "--no-deps")
    (HERE / "demo.lock").write_text(header + with_dependencies + pictures_alone)
    return 0


if __name__ == "__main__":
    sys.exit(main())
