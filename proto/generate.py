"""Generate thresher/v1 from proto/, or (--check) say whether what is committed differs from what would be generated."""

from __future__ import annotations

import importlib.resources
import sys
import tempfile
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent


def generate(target: Path) -> None:
    target.mkdir(exist_ok=True)
    sources = sorted(str(path) for path in (ROOT / "proto").rglob("*.proto"))
    flags = [f"--{kind}_out={target}" for kind in ("python", "pyi", "grpc_python")]
    folders = (ROOT / "proto", ROOT / "third_party", importlib.resources.files("grpc_tools") / "_proto")
    if protoc.main(["protoc", *(f"-I{folder}" for folder in folders), *flags, *sources]) != 0:
        sys.exit(1)


def main() -> None:
    if "--check" not in sys.argv:
        generate(ROOT)
        return
    with tempfile.TemporaryDirectory() as name:
        generate(Path(name))
        made = {path.name: path.read_bytes() for path in Path(name, "thresher", "v1").iterdir()}
    kept = {path.name: path.read_bytes() for path in (ROOT / "thresher" / "v1").glob("*_pb2*")}
    differing = sorted(name for name in made.keys() | kept.keys() if made.get(name) != kept.get(name))
    if differing:
        sys.exit(f"thresher/v1 differs from proto/ in {', '.join(differing)}: run `make proto`.")


if __name__ == "__main__":
    main()
