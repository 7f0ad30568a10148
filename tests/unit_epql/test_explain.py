"""EXPLAIN tells what would run and who said so, runs nothing and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import epql
from epql import nodes
from epql.engine import reading
from epql.engine.session import Opened
from epql.engine.vtab.access import in_words
from epql.explain.query import FUSED
from epql.parse import parse
from tests.clock import TestClock
from tests.golden.runner import Block, Run

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.fixture
def con() -> Iterator[epql.Connection]:
    clock = TestClock("2026-01-05T10:00:00Z")
    connection = epql.connect(":memory:", agent="ann", clock=clock, autocommit=True)
    connection.execute("ASSERT ('svc/api', 'port', 8080) LIFECYCLE APPROVED")
    clock.set("2026-01-08T10:00:00Z")
    connection.execute("ASSERT ('svc/api', 'port', 9090)")
    with connection:
        yield connection
    connection.close()


def told(con: epql.Connection, query: str, section: str, params: Any = ()) -> list[str]:
    """The steps and details of a section."""
    rows = con.execute("EXPLAIN " + query, params).fetchall()
    return [
        f"{step}: {detail}" if step else detail for part, step, detail in rows if part == section
    ]


def clause(con: epql.Connection, query: str, name: str, params: Any = ()) -> list[str]:
    """What is told of a clause."""
    return [line for line in told(con, query, "clause", params) if f": {name}" in line]


# ---------------------------------------------------------------- where clauses come from


def test_a_clause_comes_from_the_innermost_level_that_has_one(con: epql.Connection) -> None:
    query = "SELECT 1 FROM beliefs AS b{} WHERE 1{}"
    assert clause(con, query.format("", ""), "LIFECYCLE") == [
        "b: LIFECYCLE LIVE: proposed, review, approved (default)"
    ]
    con.execute("SET LIFECYCLE DEPRECATED")
    assert clause(con, query.format("", ""), "LIFECYCLE") == ["b: LIFECYCLE DEPRECATED (session)"]
    con.execute("BEGIN READ ONLY LIFECYCLE REJECTED")
    found = clause(con, query.format("", ""), "LIFECYCLE")
    assert found == ["b: LIFECYCLE REJECTED (transaction)"]
    found = clause(con, query.format("", " LIFECYCLE REVIEW"), "LIFECYCLE")
    assert found == ["b: LIFECYCLE REVIEW (statement)"]
    found = clause(con, query.format(" LIFECYCLE ANY", " LIFECYCLE REVIEW"), "LIFECYCLE")
    assert found == ["b: LIFECYCLE ANY (table)"]


def test_a_clause_of_an_inner_query_is_the_querys(con: epql.Connection) -> None:
    query = "SELECT 1 FROM (SELECT * FROM beliefs AS b WHERE 1 RESOLVE BY NONE) LIFECYCLE ANY"
    assert clause(con, query, "RESOLVE") == ["b: RESOLVE BY NONE (query)"]
    assert clause(con, query, "LIFECYCLE") == ["b: LIFECYCLE ANY (statement)"]


def test_a_clause_of_a_view_is_the_views(con: epql.Connection) -> None:
    con.execute("DEFINE QUERY ports AS SELECT object FROM beliefs AS b WHERE 1 LIFECYCLE APPROVED")
    query = "SELECT * FROM ports WHERE 1 LIFECYCLE ANY RESOLVE BY NONE"
    assert clause(con, query, "LIFECYCLE") == ["b in ports: LIFECYCLE APPROVED (view)"]
    assert clause(con, query, "RESOLVE") == ["b in ports: RESOLVE BY NONE (statement)"]


def test_a_transaction_that_only_reads_stands_at_its_commit(con: epql.Connection) -> None:
    con.execute("BEGIN READ ONLY")
    assert clause(con, "SELECT 1 FROM beliefs", "AS OF") == ["beliefs: AS OF TX 2 (transaction)"]


def test_clauses_without_a_meaning_are_not_told(con: epql.Connection) -> None:
    con.execute("SET LIFECYCLE ANY")
    assert told(con, "SELECT 1 FROM commits", "clause") == ["commits: AS OF NOW (default)"]


def test_both_sides_of_a_diff_are_told(con: epql.Connection) -> None:
    query = "SELECT object FROM beliefs WHERE 1 DIFF SINCE '-1d'"
    assert sorted(clause(con, query, "after") + clause(con, query, "before")) == [
        "beliefs after: after side of DIFF SINCE '-1d' (statement)",
        "beliefs before: before side of DIFF SINCE '-1d' (statement)",
    ]
    assert told(con, query, "plan") == [
        "COMPARE",
        "  BEFORE",
        "    beliefs: every slot; reads object",
        "  AFTER",
        "    beliefs: every slot; reads object",
    ]


def test_a_filtered_diff_of_a_relation_looks_at_both_sides(con: epql.Connection) -> None:
    plan = told(con, "SELECT * FROM beliefs WHERE lifecycle = 'approved' DIFF SINCE TX 1", "plan")
    assert plan[0] == "changes AS c: every slot; reads 21 columns"
    reads = "  beliefs: assertion (id = ?), lifecycle = ?; reads lifecycle, id"
    assert plan.count(reads) == 2


# ---------------------------------------------------------------- instants


@pytest.mark.parametrize(
    ("clauses", "expected"),
    [
        ("AS OF '-24h'", ["AS OF '-24h': 2026-01-07T10:00:00Z, TX 1"]),
        ("AS OF '2026-01-06'", ["AS OF '2026-01-06': 2026-01-06T00:00:00Z, TX 1"]),
        ("AS OF TX 1", ["AS OF TX 1: 2026-01-05T10:00:00Z, TX 1"]),
        ("AS OF BEFORE TX 2", ["AS OF BEFORE TX 2: 2026-01-08T09:59:59.999999Z, TX 1"]),
        ("AS OF NOW - '1h'", ["AS OF NOW - '1h': 2026-01-08T09:00:00Z, TX 1"]),
        ("VALID AT '+1d'", ["VALID AT '+1d': 2026-01-09T10:00:00Z"]),
        ("VALID FROM '2026-02-01'", ["VALID FROM '2026-02-01': 2026-02-01T00:00:00Z up to open"]),
        ("VALID ANYTIME", []),
        (
            "DIFF SINCE '-7d' UNTIL '-1h'",
            [
                "SINCE '-7d': 2026-01-01T09:00:00Z, TX 0",
                "UNTIL '-1h': 2026-01-08T09:00:00Z, TX 1",
            ],
        ),
    ],
)
def test_instants_are_resolved(con: epql.Connection, clauses: str, expected: list[str]) -> None:
    query = f"SELECT * FROM beliefs {clauses}"
    now = "NOW: 2026-01-08T10:00:00Z, TX 2"
    assert told(con, query, "instant") == [now, *expected]


def test_instants_are_of_the_sessions_zone(con: epql.Connection) -> None:
    con.execute("SET TIME ZONE 'Europe/Berlin'")
    found = told(con, "SELECT * FROM beliefs AS OF '2026-01-06'", "instant")
    assert found[1] == "AS OF '2026-01-06': 2026-01-06T00:00:00+01:00, TX 1"


def test_a_parameter_stands_with_its_value(con: epql.Connection) -> None:
    found = told(con, "SELECT * FROM beliefs AS OF ?", "instant", [1])
    assert found[1] == "AS OF TX 1: 2026-01-05T10:00:00Z, TX 1"
    found = told(con, "SELECT * FROM beliefs AS OF ?", "instant", ["-24h"])
    assert found[1].startswith("AS OF '-24h': ")


# ---------------------------------------------------------------- the plan


@pytest.mark.parametrize(
    ("query", "line"),
    [
        ("SELECT object FROM beliefs", "beliefs: every slot; reads object"),
        (
            "SELECT 1 FROM beliefs AS b WHERE topic = 'x'",
            "beliefs AS b: slot (topic = ?); reads topic",
        ),
        ("SELECT tx FROM beliefs WHERE tx > 3", "beliefs: slots touched by tx > ?; reads tx"),
        ("SELECT tx FROM beliefs WHERE tx < 3", "beliefs: every slot, tx < ?; reads tx"),
        ("SELECT tx FROM commits", "commits: every row; reads tx"),
        ("SELECT tx FROM journal WHERE tx = 3", "journal: tx = ?; reads tx"),
        ("SELECT * FROM beliefs('-1h')", "beliefs: every slot; its own as_of; reads 16 columns"),
    ],
)
def test_relations_are_told_in_words(con: epql.Connection, query: str, line: str) -> None:
    assert told(con, query, "plan") in ([line], [line, FUSED])


def test_an_outer_join_is_told(con: epql.Connection) -> None:
    query = "SELECT b.tx FROM beliefs AS b LEFT JOIN commits USING (tx)"
    assert "LEFT JOIN commits: tx = ?; reads tx" in told(con, query, "plan")


def test_other_lines_stay_as_sqlite_has_them() -> None:
    for line in ("SCAN t", "SCAN json_each VIRTUAL TABLE INDEX 1:", "USE TEMP B-TREE FOR ORDER BY"):
        assert in_words(line) == line


def test_query_plan_gives_what_sqlite_gives(con: epql.Connection) -> None:
    cursor = con.execute("EXPLAIN QUERY PLAN SELECT object FROM beliefs WHERE subject = 'x'")
    assert [name for name, *_ in cursor.description or ()] == ["id", "parent", "notused", "detail"]
    ((_, parent, _, detail),) = cursor.fetchall()
    assert parent == 0
    assert detail == "SCAN beliefs VIRTUAL TABLE INDEX 0:beliefs;subject=;epql_scope=;cols=5"


# ---------------------------------------------------------------- every query there is


def _explained(run: Run, text: str, params: Any) -> None:
    """EXPLAIN of a query: the same SQL gives the same rows, and nothing is written."""
    runner = run.con.runner
    before = runner.database.last()
    rows = run.con.execute("EXPLAIN " + text, params).fetchall()
    assert {section for section, _, _ in rows} >= {"instant", "plan", "sql", "sqlite"}
    assert runner.database.last() == before
    (sql,) = [detail for section, _, detail in rows if section == "sql"]
    parsed = parse(text)
    assert isinstance(parsed.statement, nodes.Query)
    resolver = runner.resolver(params)
    plan = runner.queries.plan(parsed, parsed.statement)
    scopes = [Opened(resolver.scope(use)) for use in plan.uses]
    named = dict(zip(plan.scope_names, scopes, strict=True))
    bound = {
        (f"p{bind}" if isinstance(bind, int) else f"n_{bind}"): params[bind] for bind in plan.binds
    }
    shown = list(reading.run(runner.session, sql, bound, named))
    audits, runner.audits = runner.audits, None  # what is asked here is not the file's
    assert shown == run.con.execute(text, params).fetchall()
    runner.audits = audits


class Explaining(Run):
    """A golden file whose queries are explained before they run."""

    count = 0

    def _do_query(self, block: Block) -> None:
        text = self._filled("\n".join(block.body))
        if isinstance(parse(text).statement, nodes.Query):
            _explained(self, text, self.bound)
            self.count += 1
        super()._do_query(block)


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, id=str(path.relative_to(GOLDEN)))
        for path in sorted(GOLDEN.rglob("*.test"))
        if not path.name.endswith(".slow.test")
        and "query" in path.read_text()
        # a file that reads the audit would find the queries of the explanation there
        and "TRACE QUERIES" not in path.read_text()
    ],
)
def test_queries_of_the_golden_files_are_explained_as_they_run(path: Path, tmp_path: Path) -> None:
    Explaining(path, tmp_path, rewrite=False).run()


class Refusing(Run):
    """A golden file whose bad queries are explained too."""

    def _expect_error(self, block: Block, code: str, place: str | None = None) -> None:
        text = self._filled("\n".join(block.body))
        if text.lstrip()[:6].upper() == "SELECT":
            with pytest.raises(epql.Error) as raised:
                self.con.execute("EXPLAIN " + text, self.bound).fetchall()
            assert raised.value.code == code, text
        super()._expect_error(block, code, place)


@pytest.mark.parametrize("name", ["names", "instants"])
def test_bad_queries_give_the_error_of_running_them(name: str, tmp_path: Path) -> None:
    Refusing(GOLDEN / "errors" / f"{name}.test", tmp_path, rewrite=False).run()
