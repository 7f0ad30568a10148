"""What is exported or backed up and restored is the same database: records, ids, every answer."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

import epql
from tests.clock import TestClock
from tests.exchange.moving import WAYS, commits, move, texts_of
from tests.golden.runner import Run
from tests.golden.test_golden import FILES
from tests.pep.replay import DATA
from tests.property.driver import Engine
from tests.property.test_governance_machine import Governed

AREAS = ("stories", "statements")


class Moved(Engine):
    """An engine whose database is another one after each restart, made of the one before."""

    count = 0

    @property
    def way(self) -> str:
        """How it was moved last."""
        return WAYS[self.count % 2]

    def restart(self, rebuild: bool) -> None:
        assert isinstance(self.path, Path)
        self.con.rollback()
        before = commits(self.con)
        self.count += 1
        to = self.path.with_name(f"kb{self.count}")
        move(self.con, to, self.clock, self.way)
        self.con.close()
        self.path = to
        super().restart(rebuild)
        assert commits(self.con) == before
        assert self.con.verify() == []


class Moving(Governed):
    """The machine that holds the engine against the oracle, with a database that moves."""

    @initialize()
    def open(self) -> None:
        super().open()
        self.engine.con.close()
        self.engine = self.moved = Moved(self.folder / "kb0", self.clock)

    @rule(rebuild=st.booleans())
    def restart(self, rebuild: bool) -> None:
        super().restart(rebuild)
        if self.moved.way == "export":
            self.oracle.asked = -1  # an export tells commits, not what was answered


Moving.TestCase.settings = settings(max_examples=6, stateful_step_count=25, deadline=None)
TestMoving = Moving.TestCase


@pytest.mark.slow
class TestMovingAtLength(Moving.TestCase):  # type: ignore[misc,valid-type]
    """The same with many more, longer lives."""

    settings = settings(max_examples=200, stateful_step_count=50, deadline=None)


class MovedRun(Run):
    """A golden file, and then its database in another place."""

    def _after(self) -> None:
        if self.con.in_transaction:
            self.con.rollback()
        folder = self.database.parent
        before = texts_of(self.con, folder, "before.jsonl")
        for way in WAYS:
            to = folder / way
            move(self.con, to, self.clock, way)
            with epql.connect(to, clock=self.clock, autocommit=True) as other:
                assert texts_of(other, folder, f"{way}.jsonl") == before
                assert commits(other) == commits(self.con)
                assert other.verify() == []
                other.close()


@pytest.mark.parametrize(
    "path", [path for path in FILES if path.parent.name in AREAS], ids=lambda path: path.stem
)
def test_what_golden_files_make(path: Path, tmp_path: Path) -> None:
    MovedRun(path, tmp_path, rewrite=False).run()


@pytest.mark.slow
def test_26_years_of_decisions(tmp_path: Path) -> None:
    clock = TestClock("2030-01-01T00:00:00Z")
    con = epql.connect(tmp_path / "peps", clock=clock, autocommit=True)
    con.import_history(DATA)
    before = texts_of(con, tmp_path, "before.jsonl")
    questions = [
        "SELECT * FROM beliefs AS OF '2018-06-01'",
        "SELECT * FROM beliefs DIFF SINCE '2020-01-01'",
        "SELECT * FROM trust",
        "SELECT * FROM history",
    ]
    answers = [con.execute(question).fetchall() for question in questions]
    for way in WAYS:
        move(con, tmp_path / way, clock, way)
        other = epql.connect(tmp_path / way, clock=clock, autocommit=True)
        assert texts_of(other, tmp_path, f"{way}.jsonl") == before
        assert [other.execute(question).fetchall() for question in questions] == answers
        assert other.verify() == []
        other.close()
        shutil.rmtree(tmp_path / way)
