"""Statements that govern through the connector: many rows of parameters, transactions, dry runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import epql
from epql.engine.check import check
from tests.clock import TestClock


@pytest.fixture
def con() -> Iterator[epql.Connection]:
    clock = TestClock("2026-01-05T10:00:00Z")
    connection = epql.connect(":memory:", agent="ann", clock=clock, autocommit=True)
    connection.execute("ASSERT ('s', 'p', 'A'), ('s', 'q', 'B'), ('s', 'r', 'C')")
    yield connection
    connection.close()


def rows(con: epql.Connection, text: str) -> list[tuple[Any, ...]]:
    return con.execute(text).fetchall()


@pytest.mark.parametrize(
    ("text", "given", "asked", "found"),
    [
        (
            "VOTE FOR ('s', ?) WEIGHT ?",
            [("p", 0.5), ("q", 1)],
            "SELECT predicate, weight FROM votes ORDER BY 1",
            [("p", 0.5), ("q", 1.0)],
        ),
        (
            "CONFIRM ('s', :p) SOURCE :src",
            [{"p": "p", "src": "x"}, {"p": "q", "src": None}],
            "SELECT source FROM uses ORDER BY 1",
            [(None,), ("x",)],
        ),
        (
            "CORRECT ('s', ?) TO ? REASON ?",
            [("p", 1, "no"), ("q", 2, "no, too")],
            "SELECT predicate, object FROM beliefs ORDER BY 1",
            [("p", 1), ("q", 2), ("r", "C")],
        ),
        (
            "DEFINE POLICY default_state = ?",
            [("approved",), ("PROPOSED",)],
            "SELECT value FROM policies WHERE name = 'default_state'",
            [("proposed",)],
        ),
        (
            "DEFINE AGENT ? (level = ?)",
            [("bob", 1), ("cid", 2)],
            "SELECT agent, properties ->> 'level' FROM agents WHERE defined ORDER BY 1",
            [("bob", 1), ("cid", 2)],
        ),
        (
            "DEFINE TOPIC ? (subjects = ?)",
            [("t", "a/*"), ("u", "b/*")],
            "SELECT name FROM topics",
            [("t",), ("u",)],
        ),
    ],
)
def test_many_rows_are_one_unit(
    con: epql.Connection, text: str, given: list[Any], asked: str, found: list[Any]
) -> None:
    before = rows(con, "SELECT max(tx) FROM commits WHERE agent = 'ann'")[0][0]
    con.cursor().executemany(text, given)
    assert rows(con, asked) == found
    assert rows(con, "SELECT max(tx) FROM commits WHERE agent = 'ann'")[0][0] == before + 1


def test_many_revivals(con: epql.Connection) -> None:
    con.execute("RETRACT (SELECT id FROM assertions)")
    cursor = con.cursor()
    cursor.executemany("REVIVE ('s', ?, ?) RETURNING object", [("p", "A"), ("r", "C")])
    assert cursor.fetchall() == [("A",), ("C",)]
    assert rows(con, "SELECT object FROM beliefs ORDER BY 1") == [("A",), ("C",)]


def test_one_bad_row_undoes_all(con: epql.Connection) -> None:
    with pytest.raises(epql.DataError) as caught:
        con.cursor().executemany("VOTE FOR ('s', ?) WEIGHT ?", [("p", 1), ("q", 7)])
    assert caught.value.code == "value.range"
    assert rows(con, "SELECT count(*) FROM votes") == [(0,)]


@pytest.mark.parametrize(
    "text",
    [
        "CORRECT ('s', 'p') TO 'X' FORBID REASON 'no' RETURNING lifecycle DRY RUN",
        "RETRACT ('s', 'p') RETURNING lifecycle DRY RUN",
        "VOTE AGAINST ('s', 'p') RETURNING lifecycle DRY RUN",
        "CONFIRM ('s', 'p') RETURNING lifecycle DRY RUN",
        "SUPERSEDE ('s', 'p') WITH 'X' RETURNING lifecycle DRY RUN",
    ],
)
def test_a_dry_run_answers_and_writes_nothing(con: epql.Connection, text: str) -> None:
    before = rows(con, "SELECT count(*) FROM journal")
    assert len(rows(con, text)) == 1
    assert rows(con, "SELECT count(*) FROM journal") == before
    assert rows(con, "SELECT count(*) FROM corrections") == [(0,)]


def test_a_rollback_takes_policies_and_votes_with_it(con: epql.Connection) -> None:
    con.execute("BEGIN")
    con.execute("DEFINE POLICY default_state = approved")
    con.execute("ASSERT ('s', 'new', 1)")
    con.execute("VOTE FOR ('s', 'new')")
    assert rows(con, "SELECT lifecycle FROM beliefs WHERE predicate = 'new'") == [("approved",)]
    con.execute("ROLLBACK")
    con.execute("ASSERT ('s', 'new', 1)")
    assert rows(con, "SELECT lifecycle FROM beliefs WHERE predicate = 'new'") == [("proposed",)]
    assert rows(con, "SELECT count(*) FROM votes") == [(0,)]
    assert rows(con, "SELECT count(*) FROM policies WHERE declared") == [(0,)]


def test_what_was_made_in_the_transaction_can_be_judged_in_it(con: epql.Connection) -> None:
    con.execute("BEGIN")
    con.execute("ASSERT ('s', 'new', 1)")
    con.execute("CORRECT ('s', 'new') TO 2 REASON 'typed wrongly'")
    con.execute("RETRACT ('s', 'new')")
    con.execute("REVIVE ('s', 'new', 2)")
    con.execute("COMMIT")
    assert rows(con, "SELECT object FROM beliefs WHERE predicate = 'new'") == [(2,)]


def test_a_cycle_of_grounds_ends() -> None:
    """Content names its grounds by digest, so a cycle needs a record made by hand."""
    from epql.engine.governance.dependents import standing_on

    con = epql.connect(":memory:", agent="ann", autocommit=True)
    ids = [rows(con, f"ASSERT ('s', 'p{number}', 1) RETURNING id")[0][0] for number in range(3)]
    digests = [bytes.fromhex(name[2:]) for name in ids]
    db = con.runner.database.db
    for number in range(3):
        child = db.execute(
            "SELECT id FROM assertion WHERE digest=?", (digests[(number + 1) % 3],)
        ).get
        db.execute("INSERT INTO parent VALUES(?,?)", (digests[number], child))
    found = standing_on(db, [digests[0]])
    assert [(one.digest, one.hops) for one in found] == [(digests[1], 1), (digests[2], 2)]


def test_epochs_name_instants_everywhere(con: epql.Connection) -> None:
    con.execute("MARK EPOCH 'before'")
    con.execute("CORRECT ('s', 'p') TO 'AA' REASON 'no'")
    con.execute("MARK EPOCH 'after'")
    con.execute("RETRACT ('s', 'q')")
    diff = "SELECT change, after_object FROM beliefs DIFF SINCE EPOCH 'before'"
    assert rows(con, diff) == [("CHANGED", "AA"), ("REMOVED", None)]
    assert rows(con, diff + " UNTIL EPOCH 'after'") == [("CHANGED", "AA")]
    versions = "SELECT object FROM assertions HISTORY FROM EPOCH 'before' TO EPOCH 'after'"
    assert ("AA",) in rows(con, versions) and ("A",) in rows(con, versions)
    assert rows(con, "SELECT count(*) FROM corrections AS OF EPOCH 'before'") == [(0,)]
    assert rows(con, "SELECT count(*) FROM corrections AS OF EPOCH 'after'") == [(1,)]
    assert rows(con, "SELECT count(*) FROM beliefs AS OF BEFORE EPOCH 'before'") == [(3,)]


def test_an_instant_that_commit_stamps_later_reaches_all_that_rests_on_it(tmp_path: Path) -> None:
    """A transaction is applied again with its final instant: votes, flags and corrections too."""
    clock = TestClock("2026-01-05T10:00:00Z")
    path = tmp_path / "kb.epql"
    with epql.connect(path, agent="ann", clock=clock, autocommit=True) as con:
        name = rows(con, "ASSERT ('s', 'p', 'A') RETURNING id")[0][0]
        con.execute("ASSERT ('s', 'd', 1) BECAUSE ?", (name,))
        con.execute("BEGIN")
        con.execute("SUPERSEDE ('s', 'p') WITH 'B'")
        con.execute("VOTE FOR ('s', 'p')")
        clock.move(minutes=5)
        con.execute("CORRECT ('s', 'p', 'B') TO 'C' FORBID REASON 'no'")
        con.execute("RETRACT ?", (name,))
        con.execute("DEFINE TOPIC t (subjects = 's*')")
        clock.move(minutes=5)
        con.execute("COMMIT")
        cut = "2026-01-05T10:10:00.000000Z"
        texts = [
            "SELECT object, lifecycle, valid_from, valid_to FROM assertions"
            " WHERE predicate = 'p' LIFECYCLE ANY VALID ANYTIME ORDER BY object",
            "SELECT count(*) FROM votes",
            "SELECT count(*) FROM corrections",
            "SELECT subject, answered FROM flags",
        ]
        found = [rows(con, text) for text in texts]
        assert found[0] == [
            ("A", "superseded", cut, None),
            ("B", "incorrect", cut, None),
            ("C", "proposed", cut, None),
        ]
        assert found[1:] == [[(1,)], [(1,)], [("s", 0)]]
    verdict = check(path)
    assert verdict.is_sound, verdict.faults
    for file in path.glob("index.db*"):
        file.unlink()
    with epql.connect(path, agent="ann", clock=clock, autocommit=True) as con:
        assert [rows(con, text) for text in texts] == found


def test_a_refusal_cuts_long_reasons_and_quotes_as_statements_do(con: epql.Connection) -> None:
    con.execute("FORBID ('a', *, 'wor''se') PREFER 'it''s' REASON ?", ("r" * 1_000_000,))
    with pytest.raises(epql.IntegrityError) as refused:
        con.execute("ASSERT ('a', 'p', 'wor''se')")
    assert refused.value.hint == "use 'it''s' instead"
    assert refused.value.message.startswith("('a', 'p', 'wor''se') is forbidden by c:")
    assert len(refused.value.message) < 500


def test_patterns_of_topics_are_checked_as_those_of_rules(con: epql.Connection) -> None:
    with pytest.raises(epql.DataError) as refused:
        con.execute("DEFINE TOPIC t (subjects = 'b/*, a/[')")
    assert refused.value.code == "rule.pattern"
    assert refused.value.hint == "a '[' that stands for itself is written '[[]'"
    con.execute("DEFINE TOPIC t (subjects = 'b/*, a/[[]')")
    assert rows(con, "SELECT subjects FROM topics") == [('["a/[[]", "b/*"]',)]


def test_a_weight_that_is_null_is_called_so(con: epql.Connection) -> None:
    with pytest.raises(epql.DataError, match="not NULL"):
        con.execute("VOTE FOR ('s', 'p') WEIGHT ?", (None,))
