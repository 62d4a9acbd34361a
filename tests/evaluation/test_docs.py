"""Tables of documents out of files of runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluation.docs import fill
from evaluation.server import REPOSITORY
from tests.evaluation.run_files import answered, write_run
from thresher.errors import InvalidInput

SLOT = "before\n<!-- table: vhs n=10 | pipeline accuracy_strict -->\nold\n<!-- end of table -->\nafter"


def test_a_slot_is_filled_again_and_again(tmp_path: Path) -> None:
    write_run(tmp_path / "vhs.json", [answered(str(n), n < 3, n=size) for size in (1, 10) for n in range(4)])
    text, missing = fill(SLOT, tmp_path)
    assert missing == []
    lines = text.splitlines()
    assert lines[:4] == ["before", SLOT.splitlines()[1], "| pipeline | accuracy_strict |", "| - | -: |"]
    assert lines[4].startswith("| agent | 0.750 [") and lines[5] == ""
    assert lines[6:] == ["3 photographs, seed 7, revision aaaaaaaaaaaa, fake", "<!-- end of table -->", "after"]
    assert fill(text, tmp_path) == (text, [])


def test_what_is_not_there(tmp_path: Path) -> None:
    assert fill(SLOT, tmp_path) == (SLOT, ["vhs"])
    write_run(tmp_path / "vhs.json", [answered("1", True, n=1)])
    with pytest.raises(InvalidInput, match="not: such rows"):
        fill(SLOT, tmp_path)
    with pytest.raises(InvalidInput, match="not: fame"):
        fill(SLOT.replace("n=10 | pipeline", "| fame"), tmp_path)


def test_slots_of_the_document_are_closed() -> None:
    text = (REPOSITORY / "docs" / "evaluation.md").read_text(encoding="utf-8")
    assert text.count("<!-- table: ") == text.count("<!-- end of table -->") == len(fill(text, Path("nowhere"))[1]) > 5
