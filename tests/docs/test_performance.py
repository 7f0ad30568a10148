"""The page of performance: its tables and charts are those of the kept figures."""

from __future__ import annotations

import json
import re
import subprocess
import sys

from tests.docs.pages import DOCS, ROOT

FOLDER = DOCS / "performance"
NOW = json.loads((FOLDER / "figures" / "now.json").read_text())


def test_tables_and_charts_are_those_of_the_figures() -> None:
    pages = [sys.executable, str(ROOT / "benchmarks" / "pages.py"), "--check"]
    done = subprocess.run(pages, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_chart_is_on_the_page() -> None:
    text = (FOLDER / "index.md").read_text()
    assert set(re.findall(r"\((\w+\.svg)\)", text)) == {file.name for file in FOLDER.glob("*.svg")}


def test_the_page_says_what_each_part_of_the_disk_buys() -> None:
    table = (FOLDER / "index.md").read_text().partition("figures: disk")[2].partition("<!--")[0]
    assert re.findall(r"\| (`\w+`) \| [\d.]+ \|  \|", table) == []


def test_no_answer_was_wrong() -> None:
    sizes = [size for part in NOW["parts"].values() for size in part.get("sizes", {}).values()]
    found = [one for size in sizes for peer in size.values() if isinstance(peer, dict)
             for one in peer.values() if isinstance(one, dict) and "wrong" in one]  # fmt: skip
    assert found and not any(one["wrong"] for one in found)
