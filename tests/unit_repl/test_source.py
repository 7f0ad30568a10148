"""The Source of a connection: what it finds, what it costs, and that nobody notices."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

import epql
from epql.connection import Connection
from epql.parse.ahead import Slot
from epql.repl.complete import complete
from epql.repl.source import ConnectionSource
from tests.clock import TestClock

ANYTHING = Slot()


@pytest.fixture
def con(tmp_path: Path, clock: TestClock) -> Iterator[Connection]:
    found = epql.connect(tmp_path / "a.epql", agent="ann", clock=clock, autocommit=True)
    found.execute(
        "ASSERT ('auth/jwt', 'algorithm', 'RS256'), ('auth/jwt', 'expiry', 3600),"
        " ('auth/session', 'store', 'redis'), ('it''s', 'odd name', 'x'),"
        " ('日本/首都', 'name', '東京')"
    )
    yield found
    found.close()


def names(con: Connection, kind: str, prefix: str = "", slot: Slot = ANYTHING) -> list[str]:
    return [item.name for item in ConnectionSource(con).find(kind, prefix, slot)]


def texts(con: Connection, text: str) -> list[str]:
    return [one.text for one in complete(text, len(text), ConnectionSource(con))]


# ---------------------------------------------------------------- what is found


def test_subjects_and_predicates_by_prefix(con: Connection) -> None:
    assert names(con, "subject", "auth/") == ["auth/jwt", "auth/session"]
    assert names(con, "subject", "日") == ["日本/首都"]
    assert names(con, "subject", "it's") == ["it's"]
    assert names(con, "subject", "AUTH") == []
    assert names(con, "predicate", "", Slot("auth/jwt")) == ["algorithm", "expiry"]
    assert names(con, "predicate", "n", Slot("nobody")) == ["name"]
    assert texts(con, "WHY ('it") == ["'it''s'"]


def test_objects_of_a_slot_the_latest_first_with_their_state(con: Connection) -> None:
    con.execute("ASSERT ('auth/jwt', 'algorithm', 'EdDSA')")
    con.execute("RETRACT ('auth/jwt', 'algorithm', 'RS256')")
    found = ConnectionSource(con).find("object", "", Slot("auth/jwt", "algorithm"))
    assert [(item.name, item.about) for item in found] == [
        ("EdDSA", "proposed"),
        ("RS256", "retracted"),
    ]
    assert texts(con, "ASSERT ('auth/jwt', 'expiry', 36")[0] == "3600"
    assert texts(con, "ASSERT ('new', 'expiry', '") == []  # a number is no text
    assert names(con, "object", "", Slot("new", "algorithm")) == ["RS256", "EdDSA"]
    assert names(con, "object", "", Slot()) == []


def test_names_of_other_kinds(con: Connection) -> None:
    con.execute("MARK EPOCH 'release-1'")
    con.execute("MARK EPOCH 'release-2'")
    con.execute("SET AGENT 'bob'")
    con.execute("ASSERT ('x', 'y', 'z')")
    con.execute("FORBID ('http/*', 'verb', 'GET') REASON 'no'")
    con.execute("CREATE TEMP TABLE Notes (subject TEXT, note)")
    con.execute("CREATE INDEX by_note ON notes (note)")
    con.execute("DEFINE QUERY live(s) AS SELECT subject FROM beliefs")
    assert names(con, "epoch") == ["release-2", "release-1"]
    assert names(con, "agent", "b") == ["bob"]
    assert names(con, "topic", "a") == ["auth"]
    assert names(con, "index") == ["by_note"]
    assert names(con, "nonsense") == []
    (rule,) = ConnectionSource(con).find("rule", "c:", ANYTHING)
    assert rule.about == "FORBID http/* verb GET" and len(rule.name) == 14
    assert con.execute(f"REPEAL '{rule.name}'").rowcount == 1
    assert names(con, "rule") == []
    columns = ConnectionSource(con).columns
    assert [one.name for one in columns("NOTES", "rows")] == ["subject", "note"]
    assert [one.name for one in columns("live", "rows")] == ["s"]
    assert columns("nothing", "rows") == []
    assert {"subject", "lifecycle"} <= {one.name for one in columns("beliefs", "row")}
    assert "before_object" in [one.name for one in columns("beliefs", "diff")]
    assert "believed_to" in [one.name for one in columns("beliefs", "history")]
    kinds = {table.name: table.kind for table in ConnectionSource(con).tables()}
    assert (
        kinds["live"] == "view" and kinds["notes"] == "scratch" and kinds["beliefs"] == "relation"
    )


def test_ids_by_digits_and_the_latest_without(con: Connection) -> None:
    ids = [row[0] for row in con.execute("SELECT id FROM assertions ORDER BY id")]
    latest = ConnectionSource(con).find("id", "", ANYTHING)
    assert len(latest) == 5 and latest[0].about == "日本/首都 name 東京, proposed"
    assert sorted(names(con, "id", "a:")) == [one[:14] for one in ids]
    for one in ids:
        for digits in (1, 2, 3, 4, 7):
            assert one[:14] in names(con, "id", one[: 2 + digits])
        assert names(con, "id", one[:14]) == [one[:14]]
    assert names(con, "id", "a:xyz") == [] and names(con, "id", "auth") == []
    assert con.execute(f"WHY '{names(con, 'id')[0]}'").fetchall()


def test_queries_that_were_audited(con: Connection) -> None:
    cursor = con.execute("SELECT subject FROM beliefs")
    cursor.fetchall()
    (found,) = ConnectionSource(con).find("query", "q:", ANYTHING)
    assert cursor.query_id is not None and cursor.query_id.startswith(found.name)
    assert found.about == "ann: SELECT subject FROM beliefs"
    assert con.execute(f"REPLAY QUERY '{found.name}'").fetchall()


def test_many_subjects_are_offered_as_folders_are(con: Connection) -> None:
    rows = [(f"svc-{n % 3}/unit-{n:03}", "p", n) for n in range(180)]
    con.executemany("ASSERT (?, ?, ?)", [*rows, ("svc-1/unit-001/deep", "p", 1), ("svc-x", "p", 1)])
    assert texts(con, "WHY ('svc") == ["'svc-0/", "'svc-1/", "'svc-2/", "'svc-x'"]
    inside = texts(con, "WHY ('svc-1/")
    assert inside[0] == "'svc-1/unit-001'" and len(inside) == 50
    assert texts(con, "WHY ('svc-1/unit-001") == ["'svc-1/unit-001'", "'svc-1/unit-001/deep'"]


def test_files(con: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    for name in ("one.sql", ".hidden", "it's.sql"):
        (folder / name).touch()
    (folder / "sub").mkdir()
    monkeypatch.chdir(folder)
    files = ConnectionSource(con).files
    assert [item.name for item in files("")] == ["it's.sql", "one.sql", "sub/"]
    assert [item.name for item in files(f"{folder}/o")] == [f"{folder}/one.sql"]
    assert [item.name for item in files(".h")] == [".hidden"]
    assert files("no/such/folder/") == [] and files("\x00") == []
    assert texts(con, "IMPORT FROM 'it") == ["'it''s.sql'"]
    assert texts(con, "IMPORT FROM 's") == ["'sub/"]


# ---------------------------------------------------------------- as the session sees it


def test_the_session_as_of_then(con: Connection, clock: TestClock) -> None:
    con.execute("MARK EPOCH 'before'")
    clock.move(hours=1)
    con.execute("SET AGENT 'late'")
    con.execute("ASSERT ('auth/new', 'fresh', 'v'), ('auth/jwt', 'algorithm', 'ES256')")
    con.execute("MARK EPOCH 'after'")
    assert "auth/new" in names(con, "subject")
    con.execute("SET AS OF EPOCH 'before'")
    assert names(con, "subject", "auth/") == ["auth/jwt", "auth/session"]
    assert names(con, "predicate", "fresh") == [] and names(con, "epoch") == ["before"]
    assert names(con, "agent") == ["ann"]
    assert names(con, "object", "", Slot("auth/jwt", "algorithm")) == ["RS256"]
    assert len(names(con, "id", "a:")) == 5
    con.execute("SET AS OF NOW")
    assert "auth/new" in names(con, "subject")


def test_an_open_transaction_is_seen_and_not_disturbed(con: Connection) -> None:
    con.execute("BEGIN")
    con.execute("ASSERT ('auth/open', 'p', 'v')")
    assert "auth/open" in names(con, "subject", "auth")
    assert con.in_transaction
    con.execute("ROLLBACK")
    assert names(con, "subject", "auth/open") == []
    con.execute("BEGIN")
    con.execute("ASSERT ('auth/kept', 'p', 'v')")
    texts(con, "WHY ('")
    con.execute("COMMIT")
    assert con.execute("SELECT count(*) FROM beliefs WHERE subject = 'auth/kept'").fetchone() == (
        1,
    )


def test_rows_that_are_being_fetched_go_on(con: Connection) -> None:
    cursor = con.execute("SELECT subject FROM beliefs ORDER BY subject")
    first = cursor.fetchone()
    for text in ("WHY ('", "REPLAY QUERY '", "SELECT * FROM beliefs WHERE agent = '", "WHY '"):
        texts(con, text)
    rest = cursor.fetchall()
    assert [first, *rest] == con.execute("SELECT subject FROM beliefs ORDER BY subject").fetchall()


def test_no_completion_is_audited(con: Connection) -> None:
    con.execute("SELECT 1 FROM beliefs").fetchall()
    asked = "SELECT count(*) FROM queries"
    (before,) = con.execute(asked).fetchone() or (None,)
    for kind in (
        "subject",
        "predicate",
        "object",
        "agent",
        "epoch",
        "topic",
        "id",
        "rule",
        "query",
    ):
        names(con, kind, "", Slot("auth/jwt", "algorithm"))
    for text in ("SELECT | FROM beliefs", "WHY ('auth", "SELECT * FROM beliefs WHERE topic = '"):
        texts(con, text.replace("|", ""))
    (after,) = con.execute(asked).fetchone() or (None,)
    assert after == before + 1  # the count before


# ---------------------------------------------------------------- what it costs


LOOK_UPS = [
    ("subject", "", ANYTHING), ("subject", "s", ANYTHING), ("predicate", "", ANYTHING),
    ("predicate", "", Slot("s/000007")), ("object", "", Slot("s/000007", "p2")),
    ("object", "", Slot(None, "p3")), ("topic", "", ANYTHING), ("agent", "", ANYTHING),
    ("id", "", ANYTHING), ("id", "a:1", ANYTHING),
]  # fmt: skip


def steps(con: Connection, kind: str, prefix: str, slot: Slot) -> int:
    """Steps of SQLite's machine that a look-up takes."""
    taken: list[int] = []
    db = con.runner.database.db

    def profile(event: dict[str, Any]) -> None:
        taken.append(event["stmt_status"]["SQLITE_STMTSTATUS_VM_STEP"])

    db.trace_v2(apsw.SQLITE_TRACE_PROFILE, profile)
    try:
        assert names(con, kind, prefix, slot)
    finally:
        db.trace_v2(0, None)
    return sum(taken)


def test_a_look_up_costs_by_its_answer() -> None:
    costs = []
    for size in (2500, 10_000):
        con = epql.connect(":memory:", agent="ann", autocommit=True)
        rows = [(f"s/{n:06}", f"p{n % 5}", n) for n in range(size)]
        con.executemany("ASSERT (?, ?, ?)", rows)
        costs.append([steps(con, *one) for one in LOOK_UPS])
        con.close()
    for few, many, look_up in zip(*costs, LOOK_UPS, strict=True):
        assert many < 2 * few + 200, look_up
