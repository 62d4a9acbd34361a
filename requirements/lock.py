"""Make the lock files, or check that they still belong to their inputs.

python requirements/lock.py          resolve what changed with uv (reaches the package index) and write both locks;
                                     delete a lock first to take the newest versions
python requirements/lock.py --check  compare the hash of the inputs with the one in each lock's header (offline)

server.lock   server, offline, eval and dev extras, for CPython 3.11 on Linux (x86-64, arm64) and macOS (arm64);
              without torch
demo.lock     the packages whose photographs the demo uses; gradio without its dependencies
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
COMPILE = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--generate-hashes", "--universal"]
COMPILE += ["--python-version", "3.11", "--no-annotate", "--no-header", "--override", "requirements/overrides.txt"]
# What uv writes where a package is for every environment of [tool.uv]: true for all that may use the lock.
EVERYWHERE = re.compile(r" ; python_full_version < '3\.12' and \(\(p[^\n]*\) or \([^\n]*\) or \([^\n]*\)\)(?= \\)")


def inputs_hash() -> str:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project = pyproject["project"]
    deciding = [project[key] for key in ("requires-python", "dependencies", "optional-dependencies")]
    digest = hashlib.sha256(json.dumps([*deciding, pyproject["tool"]["uv"], COMPILE[3:]]).encode())
    for name in ("extra.in", "overrides.txt", "demo.in", "demo-pictures.in"):
        digest.update((HERE / name).read_bytes())
    return digest.hexdigest()


def compile_lock(output: str, *arguments: str) -> str:
    """Resolve into a lock file. Versions that it pins already are kept where they still fit (uv's rule)."""
    command = [*COMPILE, "-o", f"requirements/{output}", *arguments]
    subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    return EVERYWHERE.sub("", (HERE / output).read_text())


def main() -> int:
    header = f"# inputs: {inputs_hash()}\n"
    if "--check" in sys.argv:
        stale = [name for name in ("server.lock", "demo.lock") if not (HERE / name).read_text().startswith(header)]
        for name in stale:
            print(f"requirements/{name} does not belong to pyproject.toml and requirements/: run `make lock`.")
        return len(stale)
    extras = [argument for extra in ("server", "offline", "eval", "dev") for argument in ("--extra", extra)]
    server = compile_lock("server.lock", "pyproject.toml", "requirements/extra.in", *extras)
    (HERE / "server.lock").write_text(header + server)
    demo = compile_lock("demo.lock", "requirements/demo.in", "-c", "requirements/server.lock")
    pictures = compile_lock("demo.lock", "requirements/demo-pictures.in", "--no-deps")
    (HERE / "demo.lock").write_text(header + demo + pictures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
