"""Replays of what other tests ask: the queries of the golden files, the questions about PEPs."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

import epql
from tests.clock import text_of
from tests.golden.runner import Run
from tests.pep.replay import DATA, Replay

GOLDEN = Path(__file__).parents[1] / "golden"


def replay_all(con: Any) -> int:
    """Ask again whatever was asked and answered; how many replays there were."""
    asked = con.execute(
        "SELECT id, text, relations FROM queries WHERE kind IN ('select', 'diff') AND error IS NULL"
    ).fetchall()
    count = 0
    for query, text, relations in asked:
        if _REPEATABLE_NOT & set(relations.split(", ")):
            continue
        try:
            told = con.execute(f"REPLAY QUERY '{query}'").notices
        except epql.Error as error:
            if error.code in ("replay.scratch", "replay.undone"):
                continue
            raise
        said = ("identical to the answer of", "a transaction that was still open then")
        assert any(one in notice for notice in told for one in said), (text, told)
        count += 1
    return count


_REPEATABLE_NOT = {"queries", "reads"}
"""Relations that grow by being asked."""


class Replaying(Run):
    """A golden file whose queries are asked again when it has been carried out."""

    def _after(self) -> None:
        self.con.close()
        self.con = epql.connect(self.database, agent="somebody else", clock=self.clock)
        self.count = replay_all(self.con)


@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, id=str(path.relative_to(GOLDEN)))
        for path in sorted(GOLDEN.rglob("*.test"))
        if not path.name.endswith(".slow.test") and "query" in path.read_text()
    ],
)
def test_queries_of_the_golden_files_are_replayed(path: Path, tmp_path: Path) -> None:
    Replaying(path, tmp_path, rewrite=False).run()


@pytest.mark.slow
def test_questions_about_peps_are_replayed(tmp_path: Path) -> None:
    con = epql.connect(tmp_path / "kb", agent="loader")
    con.import_history(DATA)
    history, rng = Replay(), random.Random(7)
    for _ in range(60):
        early, late = sorted(text_of(rng.choice(history.instants)) for _ in range(2))
        slot = rng.choice(sorted(history.changes))
        for text, params in (
            ("SELECT object FROM beliefs WHERE subject = ? AND predicate = ? AS OF ?",
             (*slot, late)),
            ("SELECT predicate, count(*), max(object) FROM beliefs AS OF ? GROUP BY 1", (late,)),
            ("SELECT change, subject, before_object, after_object FROM beliefs"
             " DIFF SINCE ? UNTIL ?", (early, late)),
            ("SELECT subject, object FROM history WHERE predicate = 'status' LIMIT 50 AS OF ?",
             (early,)),
        ):  # fmt: skip
            con.execute(text, params).fetchall()
    assert replay_all(con) == 240
    con.close()
