"""The README: its sessions run, its links lead somewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.pages import REWRITE, ROOT, anchor, headings_of, links_of, run_page

README = ROOT / "README.md"


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


def test_it_stays_one_screen_and_a_way_on() -> None:
    assert len(README.read_text().split()) < 1100
    assert "make run" in README.read_text() and "make test" in README.read_text()
