"""The README: its sessions run, its links lead somewhere, its tables name each dependency."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests.docs.pages import REWRITE, ROOT, anchor, headings_of, links_of, run_page

README = ROOT / "README.md"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_its_sessions_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    problems = list(run_page(README, tmp_path))
    assert REWRITE or not problems, "\n\n".join(problems)


def test_its_links_lead_somewhere() -> None:
    for link in links_of(README.read_text()):
        path, _, place = link.partition("#")
        target = ROOT / path
        assert target.exists(), link
        if place:
            assert place in {anchor(heading) for heading in headings_of(target.read_text())}, link


def _names(heading: str) -> set[str]:
    table = README.read_text().partition(f"| {heading} | For |\n")[2].partition("\n\n")[0]
    return set(re.findall(r"^\| `?([\w.-]+)`? \|", table, re.MULTILINE))


def test_it_gives_a_reason_for_every_dependency_and_extra() -> None:
    needed = {re.split(r"[<>=\[; ]", one)[0].lower() for one in PROJECT["dependencies"]}
    assert _names("Dependency") == needed
    assert _names("Extra") == set(PROJECT["optional-dependencies"])


def test_it_stays_one_screen_and_a_way_on() -> None:
    assert len(README.read_text().split()) < 1100
    assert "make run" in README.read_text() and "make test" in README.read_text()
