"""Real history, 26 years of it: the engine answers as a plain replay of the file does."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import epql
from tests.clock import text_of
from tests.pep.replay import DATA, Replay, Slot

KNOWN = [  # data/peps/README.md
    ("pep/484", "2015-01-20", "Draft"),
    ("pep/484", "2015-06-01", "Accepted"),
    ("pep/484", "2019-01-01", "Provisional"),
    ("pep/484", "2024-01-01", "Final"),
    ("pep/572", "2018-06-01", "Draft"),
    ("pep/572", "2018-08-01", "Accepted"),
    ("pep/563", "2024-01-01", "Accepted"),
    ("pep/563", "2025-06-01", "Superseded"),
]


@pytest.fixture(scope="module")
def replay() -> Replay:
    return Replay()


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The history, loaded once."""
    path = tmp_path_factory.mktemp("peps") / "peps.epql"
    con = epql.connect(path, agent="loader")
    con.import_history(DATA)
    con.close()
    return path


@pytest.fixture(params=["as loaded", "after rebuild"])
def con(request: pytest.FixtureRequest, database: Path) -> Iterator[Any]:
    """A connection to the loaded database, which is then a reopened one."""
    if request.param == "after rebuild":
        for file in database.glob("index.db*"):
            file.unlink()
    con = epql.connect(database, agent="reader")
    yield con
    con.close()


def status(con: Any, subject: str, at: str) -> list[tuple[Any, ...]]:
    sql = "SELECT object FROM beliefs WHERE subject = ? AND predicate = 'status' AS OF ?"
    return list(con.execute(sql, (subject, at)).fetchall())


@pytest.mark.parametrize(("subject", "at", "expected"), KNOWN)
def test_known_answers(con: Any, subject: str, at: str, expected: str) -> None:
    assert status(con, subject, at) == [(expected,)]


def test_the_connection_that_loads_answers_too(tmp_path: Path) -> None:
    con = epql.connect(tmp_path / "peps.epql", agent="loader")
    con.import_history(DATA)
    assert [status(con, subject, at) for subject, at, _ in KNOWN] == [[(s,)] for _, _, s in KNOWN]
    con.close()


def test_every_commit_of_the_file_is_a_commit(con: Any, replay: Replay) -> None:
    rows = con.execute("SELECT recorded_at, origin FROM commits ORDER BY tx").fetchall()
    assert rows == [(text_of(at), "backfill") for at in replay.instants]


def test_loading_again_adds_nothing(database: Path) -> None:
    con = epql.connect(database, agent="loader")
    before = con.execute("SELECT count(*) FROM commits").fetchall()
    con.import_history(DATA)
    assert con.execute("SELECT count(*) FROM commits").fetchall() == before
    con.close()


def test_500_random_points(con: Any, replay: Replay) -> None:
    rnd = random.Random(500)
    slots = sorted(replay.changes)
    sql = "SELECT object FROM beliefs WHERE subject = ? AND predicate = ? AS OF ?"
    for _ in range(500):
        slot = rnd.choice(slots)
        at = instant(rnd, replay)
        expected = replay.value(slot, at)
        got = con.execute(sql, (*slot, text_of(at))).fetchall()
        assert got == ([] if expected is None else [(expected,)]), (slot, text_of(at))


def test_whole_snapshots(con: Any, replay: Replay) -> None:
    rnd = random.Random(5)
    for at in [instant(rnd, replay) for _ in range(5)] + [replay.instants[-1]]:
        rows = con.execute(
            "SELECT subject, predicate, object FROM beliefs AS OF ?", (text_of(at),)
        ).fetchall()
        assert {(s, p): o for s, p, o in rows if (s, p) in replay.changes} == replay.answers(at)


def test_diff_of_100_random_pairs(con: Any, replay: Replay) -> None:
    rnd = random.Random(100)
    sql = (
        "SELECT change, subject, predicate, before_object, after_object"
        " FROM beliefs DIFF SINCE ? UNTIL ?"
    )
    for number in range(100):
        since = instant(rnd, replay)
        width = 10 ** rnd.uniform(10, 15)  # three hours to thirty years, in microseconds
        until = instant(rnd, replay) if number % 2 else min(since + int(width), last(replay))
        since, until = sorted((since, until))
        rows = con.execute(sql, (text_of(since), text_of(until))).fetchall()
        got: dict[Slot, tuple[Any, Any]] = {}
        for change, subject, predicate, before, after in rows:
            kinds = {(True, False): "ADDED", (False, True): "REMOVED", (False, False): "CHANGED"}
            assert change == kinds[before is None, after is None]
            if (subject, predicate) in replay.changes and before != after:
                assert (subject, predicate) not in got
                got[subject, predicate] = (before, after)
        assert got == replay.difference(since, until), (text_of(since), text_of(until))


def last(replay: Replay) -> int:
    return replay.instants[-1]


def instant(rnd: random.Random, replay: Replay) -> int:
    """An instant: at a commit, just before one, or anywhere in the years."""
    at = rnd.choice(replay.instants)
    return rnd.choice([at, at - 1, rnd.randrange(replay.instants[0] - 10**12, last(replay))])
