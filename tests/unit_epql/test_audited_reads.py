"""What a read leaves in the audit, and that a replay of it gives the same answer."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import epql
from tests.clock import TestClock

AGENTS = ("ann", "bob", "cid")
STATES = ("proposed", "review", "approved")


@pytest.fixture
def con() -> Iterator[epql.Connection]:
    connection = epql.connect(
        ":memory:", clock=TestClock("2026-01-01T00:00:00+00:00"), autocommit=True
    )
    yield connection
    connection.close()


def fill(con: Any, seed: int, count: int = 60) -> None:
    """Assertions of three agents, some promoted or retracted, an hour apart."""
    rng = random.Random(seed)
    clock = con.runner.database.options.clock
    for number in range(count):
        clock.set(f"2026-01-{1 + number // 24:02}T{number % 24:02}:00:00+00:00")
        con.execute(
            "ASSERT (?, ?, ?) AGENT ? CONFIDENCE ? LIFECYCLE ?",
            (f"s/{rng.randrange(6)}", f"p{rng.randrange(3)}", rng.choice([number, f"o{number}"]),
             rng.choice(AGENTS), rng.randrange(1, 100) / 100, rng.choice(STATES)),
        )  # fmt: skip
    clock.set("2026-02-01T00:00:00+00:00")


def reads(con: Any, query: str) -> set[tuple[str, str, str]]:
    rows = con.execute("SELECT id, lifecycle, via FROM reads WHERE query = ?", (query,))
    return set(rows.fetchall())


def kept(con: Any, query: str) -> tuple[Any, ...]:
    sql = "SELECT rows, complete, error, unfiltered, findings, purpose FROM queries WHERE id = ?"
    return con.execute(sql, (query,)).fetchall()[0]  # type: ignore[no-any-return]


PLAIN = (
    "",
    " WHERE predicate = 'p1'",
    " WHERE confidence > 0.5 ORDER BY object LIMIT 5",
    " WHERE subject IN (SELECT subject FROM assertions WHERE agent = 'ann')",
)


@pytest.mark.parametrize("relation", ["beliefs", "assertions", "history"])
@pytest.mark.parametrize("rest", PLAIN)
def test_exact_reads_are_what_the_rows_show(con: Any, relation: str, rest: str) -> None:
    fill(con, 1)
    shown = con.execute(f"SELECT id, lifecycle FROM {relation}{rest}").fetchall()
    cursor = con.execute(f"SELECT object, predicate FROM {relation}{rest}")
    assert len(cursor.description) == 2
    cursor.fetchall()
    exact = {read[:2] for read in reads(con, cursor.query_id) if read[2] == "exact"}
    assert exact == set(shown)


def test_both_sides_of_a_join_are_read(con: Any) -> None:
    fill(con, 2)
    join = "FROM beliefs b LEFT JOIN assertions a ON a.subject = b.subject AND a.id <> b.id"
    shown = con.execute(f"SELECT b.id, b.lifecycle, a.id, a.lifecycle {join}").fetchall()
    cursor = con.execute(f"SELECT b.object {join}")
    cursor.fetchall()
    want = {row[:2] for row in shown} | {row[2:] for row in shown if row[2] is not None}
    assert {read[:2] for read in reads(con, cursor.query_id)} == want


@pytest.mark.parametrize(
    "text",
    [
        "SELECT count(*) FROM beliefs",
        "SELECT DISTINCT predicate FROM beliefs",
        "SELECT object FROM beliefs UNION SELECT 1",
        "SELECT * FROM (SELECT object FROM beliefs)",
    ],
)
def test_what_was_looked_at_is_scanned(con: Any, text: str) -> None:
    fill(con, 3)
    every = set(con.execute("SELECT id, lifecycle FROM beliefs").fetchall())
    cursor = con.execute(text)
    cursor.fetchall()
    assert reads(con, cursor.query_id) == {(*one, "scanned") for one in every}
    assert kept(con, cursor.query_id)[4] is None  # only what is returned is a finding


def test_rows_are_the_same_with_and_without_audit(con: Any) -> None:
    off = epql.connect(
        ":memory:", clock=TestClock("2026-01-01T00:00:00+00:00"), autocommit=True, audit="off"
    )
    fill(con, 4)
    fill(off, 4)
    for text in ("SELECT * FROM beliefs", "SELECT * FROM beliefs b JOIN history h USING (id)"):
        with_audit, without = con.execute(text), off.execute(text)
        assert with_audit.description == without.description
        assert with_audit.fetchall() == without.fetchall()
        assert without.query_id is None
    off.close()


def test_a_cursor_that_is_closed_early_leaves_what_it_gave(con: Any) -> None:
    fill(con, 5)
    cursor = con.execute("SELECT id FROM beliefs ORDER BY id")
    first = cursor.fetchmany(2)
    query = cursor.query_id
    cursor.close()
    assert kept(con, query)[:2] == (2, 0)
    assert {read[0] for read in reads(con, query)} == {row[0] for row in first}
    replayed = con.execute(f"REPLAY QUERY '{query}'")
    assert replayed.fetchall()[:2] == first
    assert "identical" in replayed.notices[0] and "2 rows" in replayed.notices[0]


@pytest.mark.parametrize(
    ("text", "params"),
    [
        ("SELECT object FROM beliefs LIFECYCLE ?", (["approved", "review"],)),
        ("SELECT object FROM beliefs LIFECYCLE ?", (("approved", "review", "proposed"),)),
        ("SELECT object FROM beliefs WHERE tx > ? LIFECYCLE NOT IN (?)", (1, ["approved"])),
        ("SELECT object FROM beliefs LIFECYCLE :states", {"states": ["approved", "review"]}),
    ],
)
def test_lists_as_parameters_are_kept(con: Any, text: str, params: Any) -> None:
    fill(con, 7)
    cursor = con.execute(text, params)
    rows = cursor.fetchall()
    shown = con.execute("SELECT params FROM queries WHERE id = ?", (cursor.query_id,)).fetchone()
    want = params if isinstance(params, dict) else list(params)
    assert json.loads(shown[0]) == json.loads(json.dumps(want))
    replayed = con.execute("REPLAY QUERY ?", (cursor.query_id,))
    assert replayed.fetchall() == rows and "identical" in replayed.notices[0]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ([1], "parameter.type"),
        ("\ud800", "value.text"),
        (2**70, "value.range"),
        (2**63, "value.range"),
    ],
)
def test_parameters_that_are_refused_leave_the_audit_readable(
    con: Any, given: Any, code: str
) -> None:
    fill(con, 8)
    with pytest.raises(epql.Error) as refused:
        con.execute("SELECT object FROM beliefs WHERE object = ?", (given,)).fetchall()
    assert refused.value.code == code
    assert len(con.execute("TRACE QUERIES").fetchall()) <= 1
    assert con.execute("SELECT count(params) FROM queries").fetchone()[0] <= 1


def test_an_error_midway_is_kept(con: Any) -> None:
    fill(con, 6)
    text = "SELECT json_extract(iif(tx > 3, '{', '1'), '$') FROM commits"
    cursor = con.execute(text)
    query = cursor.query_id
    assert len(cursor.fetchmany(3)) == 3
    with pytest.raises(epql.Error):
        cursor.fetchone()
    assert kept(con, query)[:3] == (3, 0, "sql.refused")


@pytest.mark.parametrize(
    ("text", "unfiltered"),
    [
        ("SELECT * FROM beliefs", 1),
        ("SELECT * FROM beliefs LIFECYCLE LIVE", 1),
        ("SELECT * FROM beliefs LIFECYCLE ANY", 1),
        ("SELECT * FROM beliefs LIFECYCLE APPROVED", 0),
        ("SELECT * FROM beliefs LIFECYCLE NOT IN (rejected)", 0),
        ("SELECT * FROM beliefs WHERE lifecycle = 'approved'", 0),
        ("SELECT * FROM beliefs WHERE lifecycle_in = 'approved'", 0),
        ("SELECT * FROM beliefs('now', 'approved')", 0),
        ("SELECT * FROM beliefs('now', 'any')", 1),
        ("SELECT * FROM beliefs b, assertions a WHERE a.lifecycle = 'approved'", 1),
        ("SELECT * FROM commits", 0),
    ],
)
def test_which_reads_are_unfiltered(con: Any, text: str, unfiltered: int) -> None:
    fill(con, 7, 10)
    cursor = con.execute(text)
    cursor.fetchall()
    assert kept(con, cursor.query_id)[3] == unfiltered


@pytest.mark.parametrize(
    ("left", "right", "finding"),
    [
        ("", " LIFECYCLE PROPOSED", None),
        (" LIFECYCLE PROPOSED", "", None),
        (" LIFECYCLE PROPOSED", " LIFECYCLE APPROVED", None),
        ("", "", "unfiltered-proposed"),
    ],
)
def test_what_a_table_showed_that_chose_states_is_no_finding(
    con: Any, left: str, right: str, finding: str | None
) -> None:
    con.execute("ASSERT ('a', 'p', 'x') LIFECYCLE APPROVED")
    con.execute("ASSERT ('a', 'q', 'y') LIFECYCLE PROPOSED")
    cursor = con.execute(
        f"SELECT b.object, c.object FROM beliefs{left} AS b JOIN beliefs{right} AS c"
        " ON b.subject = c.subject WHERE b.predicate = ? AND c.predicate = ?",
        ("pq"[bool(left)], "pq"[not left]),
    )
    cursor.fetchall()
    assert kept(con, cursor.query_id)[4] == finding
    found = con.execute("SELECT finding FROM reads WHERE query = ?", (cursor.query_id,)).fetchall()
    assert [one for (one,) in found if one] == ([] if finding is None else [finding])


def test_the_session_chooses_states_and_says_the_purpose(con: Any) -> None:
    fill(con, 8, 10)
    con.execute("SET LIFECYCLE approved")
    con.execute("SET PURPOSE 'audit'")
    cursor = con.execute("SELECT * FROM beliefs")
    cursor.fetchall()
    found = kept(con, cursor.query_id)
    assert (found[3], found[5]) == (0, "audit")
    con.execute("SET LIFECYCLE any")
    assert "identical" in con.execute(f"REPLAY QUERY '{cursor.query_id}'").notices[0]


@pytest.mark.parametrize("text", ["SELECT 1", "EXPLAIN SELECT * FROM beliefs", "DESCRIBE beliefs"])
def test_what_reads_nothing_is_not_audited(con: Any, text: str) -> None:
    assert con.execute(text).query_id is None


# ---------------------------------------------------------------- replays


def random_query(rng: random.Random) -> tuple[str, tuple[Any, ...]]:
    """A query over some relation at some time, with parameters."""
    relation = rng.choice(["beliefs", "beliefs", "assertions", "history"])
    shape = rng.choice(
        [
            f"SELECT * FROM {relation} WHERE confidence > ?",
            f"SELECT predicate, count(*), max(object) FROM {relation} WHERE confidence > ?"
            " GROUP BY predicate",
            f"SELECT object FROM {relation} WHERE subject > 's/2' AND confidence > ?"
            " ORDER BY object, id LIMIT 7",
            f"WITH t AS (SELECT * FROM {relation}) SELECT id, object FROM t WHERE confidence > ?",
        ]
    )
    clauses = [
        rng.choice(
            ["", f" AS OF '2026-01-0{rng.randrange(1, 4)}'", " AS OF '-30d'", " AS OF TX 9"]
        ),
        rng.choice(["", " VALID ANYTIME", " VALID AT '2026-06-01'"]),
        rng.choice(
            ["", " LIFECYCLE ANY", " LIFECYCLE APPROVED", " LIFECYCLE IN (review, approved)"]
        ),
    ]
    rng.shuffle(clauses)
    return shape + "".join(clauses), (rng.randrange(100) / 100,)


def replay_all(count: int) -> None:
    con = epql.connect(":memory:", clock=TestClock("2026-01-01T00:00:00+00:00"), autocommit=True)
    rng = random.Random(count)
    fill(con, 9)
    clock = con.runner.database.options.clock
    asked = []
    for number in range(count):
        clock.set(
            f"2026-03-01T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}+00:00"
        )
        if rng.random() < 0.2:
            con.execute("ASSERT (?, 'p1', ?)", (f"s/{rng.randrange(6)}", f"new{number}"))
        if rng.random() < 0.1:
            con.execute(f"SET TIME ZONE '{rng.choice(['UTC', '+02:00', 'Europe/Berlin'])}'")
        cursor = con.execute(*random_query(rng))
        asked.append((cursor.query_id, cursor.fetchall()))
    for query, rows in asked:
        cursor = con.execute(f"REPLAY QUERY '{query}'")
        assert cursor.fetchall() == rows
        assert cursor.notices[0].startswith("identical to the answer of"), cursor.notices
    con.close()


def test_replays_are_identical() -> None:
    replay_all(100)


@pytest.mark.slow
def test_many_replays_are_identical() -> None:
    replay_all(1000)


def test_what_cannot_be_replayed(con: Any) -> None:
    fill(con, 10, 5)
    con.execute("CREATE TEMP TABLE t (x)")
    cursor = con.execute("SELECT * FROM t, beliefs")
    cursor.fetchall()
    diff = con.execute("SELECT * FROM beliefs DIFF SINCE TX 1")
    diff.fetchall()
    trace = con.execute("TRACE QUERIES")
    trace.fetchall()
    for text, code in (
        (f"REPLAY QUERY '{cursor.query_id}'", "replay.scratch"),
        (f"REPLAY QUERY '{trace.query_id}'", "replay.kind"),
        (f"REPLAY QUERY '{diff.query_id}' DIFF", "replay.diff"),
        ("REPLAY QUERY 'q:12'", "id.too_short"),
        ("REPLAY QUERY 'q:123412341234'", "id.unknown"),
        ("REPLAY QUERY 'nonsense'", "id.malformed"),
    ):
        with pytest.raises(epql.Error) as raised:
            con.execute(text)
        assert raised.value.code == code, text


def test_what_was_rolled_back_is_not_replayed() -> None:
    con = epql.connect(":memory:")
    con.execute("ASSERT ('a', 'b', 'c')")
    cursor = con.execute("SELECT * FROM beliefs")
    cursor.fetchall()
    query = cursor.query_id
    con.rollback()
    with pytest.raises(epql.DataError) as raised:
        con.execute(f"REPLAY QUERY '{query}'")
    assert raised.value.code == "replay.undone"
    con.close()


def test_a_replay_tells_that_a_transaction_was_open_then() -> None:
    con = epql.connect(":memory:", clock=TestClock("2026-01-01T00:00:00+00:00"))
    con.execute("ASSERT ('a', 'b', 'c')")
    cursor = con.execute("SELECT object FROM beliefs")
    assert cursor.fetchall() == [("c",)]
    con.rollback()
    con.runner.database.options.clock.set("2026-01-01T01:00:00+00:00")
    con.execute("ASSERT ('a', 'b', 'd')")
    con.commit()
    replayed = con.execute(f"REPLAY QUERY '{cursor.query_id}'")
    assert replayed.fetchall() == [("d",)]
    assert "a transaction that was still open then" in replayed.notices[0]
    con.close()


def test_a_correction_knows_what_other_connections_have_just_read(tmp_path: Path) -> None:
    with (
        closing(epql.connect(tmp_path / "db", agent="author", autocommit=True)) as author,
        closing(epql.connect(tmp_path / "db", agent="reader", autocommit=True)) as reader,
        closing(epql.connect(tmp_path / "db", agent="sre", autocommit=True)) as sre,
    ):
        author.execute("ASSERT ('auth/jwt', 'algorithm', 'ES256')")
        reader.execute("SELECT object FROM beliefs").fetchall()
        assert sre.execute("SELECT agent FROM reads").fetchall() == [("reader",)]
        reader.execute("SELECT object FROM beliefs WHERE subject = 'auth/jwt'").fetchall()
        sre.correct(("auth/jwt", "algorithm"), reason="it verifies RS256 only")
        paid = sre.execute("SELECT agent, role FROM trust_changes ORDER BY agent").fetchall()
    assert paid == [("author", "author"), ("reader", "reader")]


def test_a_database_that_is_gone_is_not_made_anew_by_its_audit(tmp_path: Path) -> None:
    with closing(epql.connect(tmp_path / "db", autocommit=True, audit="sync")) as connection:
        connection.execute("ASSERT ('a', 'b', 'c')")
        shutil.rmtree(tmp_path / "db")
        with pytest.raises(epql.OperationalError) as caught:
            connection.execute("SELECT object FROM beliefs").fetchall()
        assert caught.value.code == "files.missing"
    assert not (tmp_path / "db").exists()
