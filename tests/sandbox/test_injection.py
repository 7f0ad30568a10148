"""Row S3: no text of a client reaches the text of SQL.

Two hundred hostile strings go to every place that takes a text. Values, names, times, comments,
paths and whatever comes from files must not be in any SQL at all. Only what a question itself
says (its literals, aliases, names of scratch tables) is written into SQL; there each must stand
within one quoted text or name, as a reader of SQL of our own sees it.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import epql
from tests.rows import Row
from tests.sandbox.watching import Seen, watching

CANARY = "Cnry7f3a91"
_BEFORE = (
    "", "'", '"', "`", "]", "')", '")', "'; ", "' OR '1'='1", "x' UNION SELECT 1 --", "\\'", "''",
    "\x00'", "\n'\n", "*/", "--", "\u2019", "\u202e'", "%s{0}:p0?1@a$b", "'||(SELECT sql FROM sqlite_schema)||'",
)  # fmt: skip
_AFTER = (
    "",
    "'",
    '"',
    "`",
    "[",
    "' --",
    "'; DROP TABLE slot; --",
    "/*",
    "\x00",
    "\u202e\U0001f40d\ufeff",
)
HOSTILE = [f"{a}{CANARY}{b}" for a, b in itertools.product(_BEFORE, _AFTER)]
HOSTILE[0] = f"{CANARY};"  # alone it would be a name like any other, which is written as it is
assert len(HOSTILE) == 200

Place = Callable[[epql.Connection, str], Any]


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _name(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'


def _given(sql: str) -> Place:
    """A statement with the text as each of its parameters."""
    return lambda con, text: con.execute(sql, (text,) * sql.count("?"))


def _written(sql: str) -> Place:
    """A statement with the text as a literal at {} and as a name at <>."""
    return lambda con, text: con.execute(sql.replace("{}", _text(text)).replace("<>", _name(text)))


OUTSIDE: dict[str, Place] = {
    sql: _given(sql)
    for sql in (
        "ASSERT (?, ?, ?) AGENT ? SOURCE ? REASON ? KEY ?",
        "ASSERT (?, 'p', ?) QUALIFIED (a = ?)", "ASSERT ('s', 'p', 1) VALID FROM ? TO ?",
        "INSERT INTO assertions (subject, predicate, object, source) VALUES (?, ?, ?, ?)",
        "RETRACT (?, ?) REASON ?", "SUPERSEDE (?, ?) WITH ? REASON ?", "CORRECT (?, ?) TO ? REASON ?",
        "CONFIRM (?, ?) SOURCE ?", "VOTE FOR (?, ?) REASON ?", "PROMOTE (?, ?)", "REVIVE (?, ?, ?)",
        "FORBID (?, ?, ?) PREFER ? REASON ?", "REPEAL ?", "MARK EPOCH ?", "DEFINE PREDICATE ? TYPE text",
        "DEFINE TOPIC t (subjects = ?)", "DEFINE AGENT ? (kind = ?)", "DEFINE POLICY lifecycle = ?",
        "WHY (?, ?)", "WHY NOT (?, ?, ?)", "BLAME (?, ?)", "HISTORY OF (?, ?)", "IMPACT OF (?, ?)",
        "CHECK (?, ?, ?)", "REPLAY QUERY ?", "SET AGENT ?", "SET PURPOSE ?", "SET TIME ZONE ?",
        "SELECT * FROM beliefs WHERE subject = ? OR object = ? OR agent GLOB ?",
        "SELECT * FROM beliefs WHERE subject LIKE ? OR subject REGEXP ?",
        "SELECT ? || ? AS x", "SELECT * FROM beliefs AS OF ?", "SELECT * FROM beliefs VALID AT ?",
        "SELECT * FROM beliefs DIFF SINCE ? UNTIL ?", "SELECT * FROM beliefs WHERE as_of = ?",
        "SELECT * FROM beliefs WHERE lifecycle_in = ? AND resolve_by = ?",
        "SELECT * FROM why(?, ?)", "SELECT * FROM json_each(?)", "SELECT * FROM beliefs WHERE id = ?",
        "EXPORT (SELECT * FROM beliefs) TO ? FORMAT csv", "IMPORT FROM ?", "RESTORE FROM ?",
    )
}  # fmt: skip
OUTSIDE |= {
    sql: _written(sql)
    for sql in (
        "ASSERT ({}, {}, {}) AGENT {} SOURCE {} REASON {} KEY {}",
        "RETRACT ({}, {}) REASON {}",
        "FORBID ({}, {}, {}) PREFER {} REASON {}",
        "MARK EPOCH {}",
        "DEFINE AGENT <> (<> = {})",
        "DEFINE TOPIC <> (subjects = {})",
        "DEFINE PREDICATE {} TYPE text",
        "SET AGENT {}",
        "SET PURPOSE {}",
        "SELECT * FROM beliefs AS OF {}",
        "SELECT * FROM beliefs VALID AT {}",
        "SELECT * FROM beliefs LIFECYCLE {}",
        "SELECT * FROM beliefs DIFF SINCE {}",
        "WHY ({}, {})",
        "CHECK ({}, {}, {})",
        "REPEAL {}",
        "SELECT 1 --{}",
        "SELECT * FROM <>",
        "DESCRIBE <>",
        "DROP QUERY <>",
        "SELECT * FROM beliefs AS OF EPOCH {}",
    )
}
"""Places whose text must be in no SQL."""


def _agent_of(con: epql.Connection, text: str) -> None:
    made = epql.connect(":memory:", agent=text, autocommit=True)
    made.execute("ASSERT ('s', 'p', 1)")
    made.close()


def _many(con: epql.Connection, text: str) -> None:
    con.executemany("ASSERT (?, ?, ?) SOURCE ?", [(text, text, text, text)] * 2)


def _comment(con: epql.Connection, text: str) -> None:
    con.execute(f"SELECT 1 /* {text.replace('*/', '')} */")


def _named(con: epql.Connection, text: str) -> None:
    con.execute("SELECT :a, $b, @c", {"a": text, "b": text, "c": text})


OUTSIDE |= {"connect(agent)": _agent_of, "executemany": _many, "/* */": _comment, ":a": _named}

INSIDE: dict[str, Place] = {
    sql: _written(sql)
    for sql in (
        "SELECT {} AS <>", "SELECT * FROM beliefs WHERE subject = {} OR object LIKE {}",
        "SELECT {}", "SELECT <>.subject FROM beliefs AS <>", "SELECT <> FROM beliefs",
        "WITH <> AS (SELECT 1 AS <>) SELECT <> FROM <>", "SELECT subject AS <> FROM beliefs ORDER BY <>",
        "CREATE TEMP TABLE <> (<> TEXT DEFAULT {} CHECK (<> <> {}))", "SELECT count(*) FILTER (WHERE object = {}) FROM beliefs",
        "SELECT sum(tx) OVER <> FROM beliefs WINDOW <> AS (PARTITION BY {})", "SELECT CASE WHEN {} THEN {} END",
        "DEFINE QUERY <> AS SELECT {} AS <>", "FORBID (*, *, *) WHEN agent = {} REASON 'r'",
        "SELECT <>(1)", "SELECT 1 COLLATE <>", "SELECT CAST(1 AS <>)", "BISECT (SELECT {}) BETWEEN '-24h' AND NOW",
        "SELECT * FROM beliefs WHERE object IN ({}, {})", "SELECT {} REGEXP {}",
    )
}  # fmt: skip
"""Places whose text is written into SQL, quoted."""


def _try(place: Place) -> int:
    """All strings at a place, in databases of their own; how many."""
    for start in range(0, len(HOSTILE), 40):
        con = epql.connect(":memory:", autocommit=True, audit="off")
        con.execute("ASSERT ('s', 'p', 1)")
        for text in HOSTILE[start : start + 40]:
            _run(con, place, text)
        con.close()
    return len(HOSTILE)


def _run(con: epql.Connection, place: Place, text: str) -> None:
    try:
        cursor = place(con, text)
        if cursor is not None and cursor.description:
            cursor.fetchall()
    except epql.Error:
        pass
    if con.in_transaction:
        con.rollback()


def _fill(folder: Path, kind: str) -> Path:
    path = folder / f"rows.{kind}"
    if kind == "csv":
        lines = ["subject,predicate,object,source"]
        quoted = ['"' + text.replace('"', '""') + '"' for text in HOSTILE if "\x00" not in text]
        lines += [f"{text},{text},{text},{text}" for text in quoted]
    else:
        keys = ("subject", "predicate", "object", "source", "agent", "reason")
        lines = [json.dumps(dict.fromkeys(keys, text)) for text in HOSTILE]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def _files(con: epql.Connection, folder: Path) -> None:
    for kind in ("csv", "jsonl"):
        path = _fill(folder, kind)
        try:
            con.execute(f"IMPORT FROM '{path}' FORMAT {kind} SKIP BAD")
        except epql.Error:
            con.rollback()
    con.execute(f"EXPORT TO '{folder}/all.jsonl'")
    con.execute(f"EXPORT (SELECT * FROM beliefs) TO '{folder}/rows-out.csv' FORMAT csv")


def _sqlalchemy(folder: Path) -> None:
    sqlalchemy = pytest.importorskip("sqlalchemy")
    engine = sqlalchemy.create_engine(f"epql:///{folder}/kb", isolation_level="AUTOCOMMIT")
    beliefs = sqlalchemy.table("beliefs", sqlalchemy.column("subject"), sqlalchemy.column("object"))
    with engine.connect() as con:
        for text in HOSTILE:
            query = sqlalchemy.select(beliefs).where(
                (beliefs.c.subject == text) | beliefs.c.object.in_([text, text])
            )
            con.execute(query).fetchall()
    engine.dispose()


def _command_line(folder: Path) -> None:
    from tests.unit_epql import cli

    for text in HOSTILE[:: len(HOSTILE) // 20]:
        if "\x00" not in text:
            cli.epql(folder / "kb", "-c", "SELECT * FROM beliefs", agent=text)
            cli.epql("sql", folder / "kb", f"ASSERT ({_text(text)}, 'p', 1)", agent=text)
            cli.epql("why", folder / "kb", text, text)


@pytest.mark.row("S3", "injection")
def test_no_text_of_a_client_reaches_sql(
    row: Row, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # some of the texts are paths of exports
    escaped: list[str] = []
    inside = 0
    with watching() as seen:
        for name, place in OUTSIDE.items():
            row.ran += _try(place)
            escaped += _found(seen, name, outside=True)
        for name, place in INSIDE.items():
            row.ran += _try(place)
            escaped += _found(seen, name, outside=False)
            inside += len(seen.holding(CANARY))
            seen.texts.clear()
        with epql.connect(tmp_path / "kb", autocommit=True) as con:
            _files(con, tmp_path)
            con.close()
        escaped += _found(seen, "files", outside=True)
        _sqlalchemy(tmp_path)
        escaped += _found(seen, "SQLAlchemy", outside=True)
        _command_line(tmp_path)
        escaped += _found(seen, "command line", outside=True)
        row.ran += 4 * len(HOSTILE) + 60
    row.tell("places", len(OUTSIDE) + len(INSIDE) + 5)
    row.tell("reached SQL", len(escaped))
    row.tell("written in quotes", inside)
    assert not escaped, "\n".join(escaped[:10])
    assert inside, "the watcher sees nothing"


def _found(seen: Seen, name: str, *, outside: bool) -> list[str]:
    found = seen.holding(CANARY) if outside else seen.escaped(CANARY)
    if outside:
        seen.texts.clear()
    return [f"{name}: {sql!r:.300}" for sql in found[:3]]
