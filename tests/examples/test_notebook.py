"""The notebook of examples/ runs in a kernel of its own and gives the outputs it was saved with."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

from tests.docs.pages import ROOT

NOTEBOOK = ROOT / "examples" / "notebook.ipynb"
_TODAY = re.compile(r"c:[0-9a-f]{12}…|\d{4}-\d\d-\d\d \d\d:\d\d")


def outputs(cell: Any) -> list[tuple[str, str]]:
    """Kind and text of each output; the id and the hour of a rule of today are left out."""
    found = []
    for output in cell.get("outputs", []):
        if output.output_type == "error":
            found.append(("error", _TODAY.sub("…", "\n".join(output.traceback))))
        for kind, text in sorted(output.get("data", {}).items()):
            found.append((kind, text))
        if "text" in output:
            found.append((output.name, output.text))
    return found


def execute(notebook: Any, folder: Path) -> Any:
    resources = {"metadata": {"path": str(folder)}}
    return NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources=resources
    ).execute()


def test_it_gives_the_outputs_it_was_saved_with(folder: Path) -> None:
    saved = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(saved)
    ran = execute(nbformat.read(NOTEBOOK, as_version=4), folder)
    for old, new in zip(saved.cells, ran.cells, strict=True):
        assert outputs(new) == outputs(old), old.source


def test_it_shows_tables_colours_and_a_refusal(folder: Path) -> None:
    shown = [one for cell in nbformat.read(NOTEBOOK, as_version=4).cells for one in outputs(cell)]
    tables = [text for kind, text in shown if kind == "text/html"]
    assert len(tables) >= 6
    assert any("<td" in text and "rgba" in text and "CHANGED" in text for text in tables)
    [refusal] = [text for kind, text in shown if kind == "error"]
    assert "rule.forbidden" in refusal and "use 'httpx' instead" in refusal
    assert "File " not in refusal, "no trace of Python's"
