"""The page of runs: whole in itself, every row on it, and no name that breaks out."""

from __future__ import annotations

import asyncio
import io
import re
from base64 import b64decode
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from evaluation.command import app
from evaluation.compare import read_run
from evaluation.html.figures import plots
from evaluation.html.gallery import failures
from evaluation.html.page import ROWS, render_page, section
from evaluation.html.plots import reliability
from evaluation.html.words import told
from evaluation.suites import counting
from tests.evaluation.colours import colour_server, labelled_folder
from tests.evaluation.run_files import answered, write_run

HOSTILE = "<script>alert('x')</script>\"&$x_1"
VOID = {"meta", "link", "img", "br", "hr", "input", "use", "path"}
REFERENCES = ("src", "href", "xlink:href", "action", "data", "poster", "srcset")


class Page(HTMLParser):
    """Tags with attributes, texts of cells by table, and whether every tag is closed by its own."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.tables: list[list[str]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        if tag in ("td", "th"):
            self.tables[-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert tag in VOID or self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("td", "th", "code") and self.tables:
            self.tables[-1][-1] += data

    def values(self, *names: str) -> list[str]:
        return [value for _, attributes in self.tags for name in names if (value := attributes.get(name)) is not None]


def page_of(*files: Path) -> str:
    return render_page([section(read_run(file)) for file in files], datetime(2026, 1, 2))


def assert_whole(text: str) -> Page:
    """Well-formed, and nothing in it that a browser would fetch."""
    page = Page(text)
    assert page.open == []
    assert all(value.startswith(("#", "data:image/jpeg;base64,")) for value in page.values(*REFERENCES))
    assert not {"script", "link", "iframe", "object", "embed", "base", "form"} & {tag for tag, _ in page.tags}
    assert not re.search(r"@import|url\((?!#)", text)
    assert ("meta", "default-src 'none'; img-src data:; style-src 'unsafe-inline'") in [
        (tag, attributes.get("content")) for tag, attributes in page.tags
    ]
    targets = {value[1:] for value in page.values("href", "xlink:href")}
    assert targets <= set(page.values("id"))
    assert all(attributes.get("alt") for tag, attributes in page.tags if tag == "img")
    return page


@pytest.fixture
def vhs(tmp_path: Path) -> Path:
    records = [
        answered(f"{n}{HOSTILE if n == 0 else ''}", n < right, pipeline=pipeline, n=size, confidence=0.6 + n / 100)
        for pipeline, right in (("agent", 9), ("detector", 6), (HOSTILE, 3))
        for size in (1, 10, 100)
        for n in range(12)
    ]
    return write_run(tmp_path / "vhs.json", records)


def test_every_row_is_there(vhs: Path) -> None:
    page = assert_whole(page_of(vhs))
    run = read_run(vhs)
    figures, against = page.tables[0], page.tables[1]
    head = ["pipeline", "n", "questions", "accuracy strict", "seconds"]
    assert figures[:5] == head
    assert len(figures) == len(head) * (len(run.rows) + 1)
    for place, row in enumerate(run.rows, start=1):
        cells = figures[5 * place : 5 * place + 5]
        assert cells[:4] == [row["pipeline"], str(row["n"]), "12", f"{row['accuracy_strict']:.3f}"]
    assert against[:6] == ["against", "n", "questions", "difference", "excludes 0", "detector"]
    assert [page.tables[2][i] for i in (2, 3, 4, 5)] == ["revision", "a" * 40, "packages.numpy", "2.0"]
    assert all(attributes.get("scope") for tag, attributes in page.tags if tag == "th")


def test_hostile_names_stay_text(vhs: Path) -> None:
    text = page_of(vhs)
    assert "<script" not in text and "alert" in text
    assert "Is 0&lt;script&gt;" in text or "&lt;script&gt;" in text


def test_a_long_table_is_folded(tmp_path: Path) -> None:
    records = [answered("1", True, n=size) for size in range(1, ROWS + 5)]
    text = page_of(write_run(tmp_path / "a.json", records))
    assert "The other 4 rows" in text
    assert sum(len(table) for table in assert_whole(text).tables[:2]) == 5 * (ROWS + 4 + 2)


def test_a_run_that_was_cut_off(tmp_path: Path) -> None:
    file = write_run(tmp_path / "a.json", [answered("1", False)], rows=None)
    text = page_of(file)
    assert_whole(text)
    assert "it was cut off" in text and "Is 1 there?" in text


def test_which_plots(vhs: Path, tmp_path: Path) -> None:
    drawn = plots(read_run(vhs))
    assert [plot.title.split(" (")[0] for plot in drawn] == ["Accuracy strict", "Confidence and being right"]
    assert "agent: 0.750 at 1, 0.750 at 10, 0.750 at 100" in drawn[0].alt
    assert all(plot.svg.startswith("<svg viewBox") and "var(--c0)" in plot.svg for plot in drawn)
    assert not re.search(r"#(?:01|ff|cc)", "".join(plot.svg for plot in drawn))

    found = [
        {"key": str(n), "row": {"gallery": 9}, "cluster": str(n), "scores": {f"recall_at_{k}": n < k for k in (1, 5)}}
        for n in range(8)
    ]
    (recall,) = plots(read_run(write_run(tmp_path / "c.json", found, "captions")))
    assert "gallery 9: 0.125 at 1, 0.625 at 5" in recall.alt

    counts = [
        {"key": str(n), "row": {"what": "objects"}, "cluster": "s", "truth": 3, "value": value, "scores": {"exact": 0}}
        for n, value in enumerate((3, 3, 5, 40, None))
    ]
    (errors,) = plots(read_run(write_run(tmp_path / "n.json", counts, "counting", counting.rows)))
    assert errors.alt.endswith("2 at +0, 1 at +2, 1 at +10.")


def test_calibration_by_hand() -> None:
    plot = reliability("Confidence", {"agent": ([0.01, 0.99, 0.99, 1.0], [False, True, False, True])})
    assert f"agent: calibration error {(0.01 + 0.98) / 4:.3f} over 4" in plot.title


def test_failures_take_turns() -> None:
    ids = [f"{n:064x}" for n in range(4)]
    records = [answered(str(n), False, cluster=ids[n % 4], n=1) for n in range(8)]
    records += [answered("x", False, cluster=ids[0], n=2), answered("y", None, n=2), answered("z", True, n=2)]
    records += [answered("w", False, cluster="no photograph", n=3), answered("v", False, pipeline="detector")]
    found, many = failures(records, limit=3)
    assert many == 10
    assert [(failure.asked, failure.image) for failure in found] == [
        ("Is 0 there?", ids[0]), ("Is w there?", ""), ("Is 1 there?", ids[1])
    ]  # fmt: skip
    assert (found[0].said, found[0].true, found[0].where) == ("no", "yes", "n 1")


def test_what_was_not_pointed_at() -> None:
    pairs = [{"name": "dog", "pointing": False}, {"name": "cat", "pointing": False}]
    about = {"key": "a", "row": {"part": "regions"}, "cluster": "1" * 64, "question": "every category in a.jpg"}
    ((failure,), many) = failures([{**about, "pairs": pairs, "scores": {"pointing": 0.0}}])
    assert many == 1 and (failure.asked, failure.phrases) == ("Where is: dog, cat", ("dog", "cat"))


def test_rows_in_words() -> None:
    assert told({"draw": "base_rate", "n": 5, "needles": "2..3", "demo": True}, ("draw", "n", "needles", "demo")) == (
        "base rate, n 5, needles 2..3, demo yes"
    )


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


async def test_from_a_run_to_a_page_with_pictures(tmp_path: Path) -> None:
    coco = labelled_folder(tmp_path / "coco", np.random.RandomState(5).rand(20, 3) < 0.4)
    run, out = tmp_path / "vhs.json", tmp_path / "page" / "report.html"
    async with colour_server(tmp_path / "data") as address:
        arguments = ("--coco", coco, "--sizes", "1,5", "--questions", 12, "--draw", "matched", "--pipelines", "agent")
        done = await asyncio.to_thread(invoke, "vhs", *arguments, "--json", run, "--address", address)
        assert done.exit_code == 0, done.output
        spoil(run)
        made = await asyncio.to_thread(invoke, "report", run, "--out", out, "--address", address)
    assert made.exit_code == 0, made.output
    text = out.read_text(encoding="utf-8")
    page = assert_whole(text)
    pictures = [value for value in page.values("src") if value.startswith("data:")]
    assert pictures and "This page holds photographs" in text
    for picture in pictures:
        assert Image.open(io.BytesIO(b64decode(picture.split(",")[1]))).size == (16, 8)
    assert re.search(r'alt="The photograph asked about, with (red|green|blue) \(0\.75\)', text)

    alone = await asyncio.to_thread(invoke, "report", run.with_suffix(".jsonl"), "--out", out)
    assert alone.exit_code == 0, alone.output
    text = out.read_text(encoding="utf-8")
    assert not [tag for tag, _ in assert_whole(text).tags if tag == "img"]
    assert "no server was asked" in text and "This page holds photographs" not in text

    async with colour_server(tmp_path / "other") as address:
        empty = await asyncio.to_thread(invoke, "report", run, "--out", out, "--address", address)
    assert empty.exit_code == 0, empty.output
    assert "of the photographs below no more" in out.read_text(encoding="utf-8")


def spoil(run: Path) -> None:
    """Every answer wrong: the fake server makes no mistakes."""
    records: list[dict[str, Any]] = list(read_run(run).records)
    about = dict(read_run(run).about)
    run.with_suffix(".jsonl").unlink()
    wrong = [
        record | {"value": not record["answer"], "scores": record["scores"] | {"accuracy_strict": False}}
        for record in records
    ]
    write_run(run, wrong, **about)


def test_what_cannot_be_written(tmp_path: Path) -> None:
    file = write_run(tmp_path / "a.json", [answered("1", True)])
    result = invoke("report", file, "--out", tmp_path)
    assert result.exit_code == 1 and "Cannot write" in result.output
    result = invoke("report", tmp_path / "nowhere.json")
    assert result.exit_code == 1 and len(result.output.strip().splitlines()) == 1
