"""Records that this program cannot understand stop nothing (rule I5), and are seen when it can."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import msgspec
import pytest

import epql
from epql.engine import ingest
from epql.engine.clock import system_clock
from epql.engine.index import problems
from epql.engine.index.problems import understanding
from epql.engine.journal import Pending
from epql.engine.journal.format import RECORD_HEADER_SIZE
from epql.engine.opening import Options
from epql.engine.rebuild import rebuild
from epql.engine.records import Assertion, CommitInfo, TrustChange, encode

GOOD = ("H", 1, encode(Assertion("s", "p", "x", 1.0, "a")))


def append(path: Path, *records: tuple[str, int, bytes], commits: int = 1) -> None:
    """Commits of a newer (or faulty) program, in the journal only."""
    with epql.connect(path, autocommit=True) as connection:
        database = connection.runner.database
        with database.writing() as writer:
            for _ in range(commits):
                tx = writer.last_tx + 1
                info = ("M", 0, encode(CommitInfo(tx, "newer")))
                writer.append([Pending(max(writer.last_recorded_at, 0) + 1, [info, *records])])
        connection.close()


def told(connection: epql.Connection) -> list[Any]:
    return connection.execute("SELECT tx, place, kind, reason FROM set_aside").fetchall()


def test_what_is_not_understood_is_shown_and_the_rest_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "kb"
    huge = TrustChange(1, 2, "a", "t", 1.0, 0.0, "author", b"", b"", 2**63)
    append(
        path, ("Z", 0, b"of a newer kind"), GOOD, ("H", 1, b"garbage"), ("H", 99, GOOD[2]),
        ("T", 0, encode(huge)), ("E", 0, msgspec.msgpack.encode([1, "released", "a"])),
    )  # fmt: skip
    append(path, ("H", 1, encode(Assertion("later", "p", 1, 1.0, "a"))))
    with epql.connect(path) as connection:
        assert [row[:3] for row in told(connection)] == [
            (1, 1, "Z"), (1, 3, "H"), (1, 4, "H"), (1, 5, "T")
        ]  # fmt: skip
        assert told(connection)[0][3] == "unknown kind"
        assert connection.execute("SELECT count(*) FROM beliefs").fetchone() == (2,)
        assert connection.execute("SELECT name FROM epochs").fetchall() == [("released",)]
        sql = "SELECT agent, records FROM commits ORDER BY tx"
        assert connection.execute(sql).fetchall() == [("newer", 7), ("newer", 2)]
        connection.close()
    before = dump(path)
    rebuild(str(path), Options(system_clock))
    assert dump(path) == before


def dump(path: Path) -> dict[str, list[Any]]:
    with epql.connect(path) as connection:
        db = connection.runner.database.db
        names = [r[0] for r in db.execute("SELECT name FROM sqlite_schema WHERE type='table'")]
        found = {name: sorted(map(repr, db.execute(f"SELECT * FROM {name}"))) for name in names}
        connection.close()
    return found


def test_a_frame_whose_body_lies_is_applied_as_far_as_it_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "kb"
    spoilt = bytearray(GOOD[2])
    append(path, GOOD, ("H", 1, bytes(spoilt)))
    from epql.engine.journal import format as layout

    body = layout._body
    monkeypatch.setattr(
        layout, "_body", lambda records: body(records[:-1]) + b"\xff" * RECORD_HEADER_SIZE
    )
    append(path, ("H", 1, encode(Assertion("t", "p", 1, 1.0, "a"))), GOOD)
    monkeypatch.undo()
    append(path, ("H", 1, encode(Assertion("u", "p", 1, 1.0, "a"))))
    with epql.connect(path) as connection:
        assert [row[:3] for row in told(connection)] == [(2, 2, "?")]
        assert connection.execute("SELECT count(*) FROM beliefs").fetchone() == (3,)
        connection.close()


@pytest.mark.parametrize("seed", range(3))
def test_with_care_and_without_the_index_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    path = tmp_path / "kb"
    chance = random.Random(seed)
    with epql.connect(path, autocommit=True) as connection:
        for number in range(30):
            name = f"s{chance.randrange(5)}"
            connection.execute("ASSERT (?, 'p', ?)", (name, number))
            if chance.random() < 0.3:
                connection.execute("RETRACT (?, 'p', ?) REASON 'r'", (name, number))
        connection.close()
    before = dump(path)
    monkeypatch.setattr(ingest, "apply_frame", ingest._apply_one_by_one)
    rebuild(str(path), Options(system_clock))
    assert dump(path) == before


def test_a_program_that_understands_more_sees_them_at_opening(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "kb"
    known = problems.problem_of
    with monkeypatch.context() as old:  # a program that does not know approved assertions
        old.setattr(ingest, "problem_of", lambda db, record, flags, tx: (
            "unknown" if isinstance(record, Assertion) else known(db, record, flags, tx)
        ))  # fmt: skip
        old.setattr(problems, "understanding", lambda: understanding() ^ 1)
        append(path, GOOD)
        with epql.connect(path) as connection:
            assert len(told(connection)) == 1
            assert connection.notices == []  # it is the program that has set it aside
            connection.close()
    with epql.connect(path, read_only=True) as connection:
        assert told(connection) == []
        assert connection.execute("SELECT object FROM beliefs").fetchall() == [("x",)]
        connection.close()
    with epql.connect(path) as connection:
        assert any("understood now" in notice for notice in connection.notices)
        assert told(connection) == []
        connection.close()
    with epql.connect(path) as connection:
        assert connection.notices == []
        connection.close()
