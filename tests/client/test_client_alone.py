"""The client without the checkout that serves: what the wheel holds."""

from __future__ import annotations

import subprocess
import sys

import pytest

ALONE = """
import sys
sys.modules["server"] = sys.modules["evaluation"] = None
from thresher.cli import main
sys.argv = ["thresher", *sys.argv[1:]]
main()
"""


@pytest.mark.parametrize("arguments", [["serve"], ["serve", "--port", "0"], ["eval", "vhs", "--coco", "x"]])
def test_commands_of_the_checkout_say_how_to_get_them(arguments: list[str]) -> None:
    done = subprocess.run([sys.executable, "-c", ALONE, *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert f"`thresher {arguments[0]}` is not part of the client alone" in done.stderr
    assert "make demo" in done.stderr
    assert "Traceback" not in done.stderr
