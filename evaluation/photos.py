"""The demo's photographs: pictures that installed packages carry, laid out in a folder for each package.

    FOLDER/scikit-image/astronaut.png ... scikit-learn/ ... matplotlib/ ... gradio/

The packages are found, not imported: gradio is installed for its pictures only, without its dependencies.
"""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path

from thresher.errors import NotFound

SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})


@dataclass(frozen=True, slots=True)
class Source:
    """Where one distribution keeps pictures: a folder below its import package."""

    module: str
    folder: str


SOURCES: Mapping[str, Source] = {
    "scikit-image": Source("skimage", "data"),
    "scikit-learn": Source("sklearn", "datasets/images"),
    "matplotlib": Source("matplotlib", "mpl-data/sample_data"),
    "gradio": Source("gradio", "media_assets/images"),
}

Finder = Callable[[str], ModuleSpec | None]


def find_photographs(find: Finder = importlib.util.find_spec) -> dict[str, Path]:
    """Name below the demo's folder ("gradio/lion.jpg") -> the file that a package carries, sorted by name.

    Raises `NotFound` naming the packages that are not installed, or carry no pictures where they used to.
    """
    found: dict[str, Path] = {}
    missing: list[str] = []
    for distribution, source in SOURCES.items():
        spec = find(source.module)
        roots = [Path(place) / source.folder for place in (spec.submodule_search_locations or ())] if spec else []
        files = [path for root in roots if root.is_dir() for path in root.iterdir() if path.suffix in SUFFIXES]
        if not files:
            missing.append(distribution)
        found |= {f"{distribution}/{path.name}": path for path in files}
    if missing:
        raise NotFound(
            f"The demo's photographs come with packages that are not installed here: {', '.join(missing)}.",
            "`make demo` installs them.",
        )
    return dict(sorted(found.items()))


def lay_out(folder: Path, photographs: Mapping[str, Path]) -> int:
    """Copy the photographs below `folder`; those of the same size that lie there already stay. -> files copied."""
    copied = 0
    for name, source in photographs.items():
        target = folder / name
        if target.is_file() and target.stat().st_size == source.stat().st_size:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f"{target.name}.part")
        shutil.copyfile(source, partial)
        partial.replace(target)
        copied += 1
    return copied
