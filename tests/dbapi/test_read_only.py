"""read_only=True holds against any text: only what reads runs, and no byte changes.

The first list is what SQLite connections let through when they are only opened read-only.
Scratch tables are the connection's own and live in its memory (decision 0017), so they are among
what works. The audit of reads is kept where the folder can be written; that is its purpose.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

import epql
from epql import nodes
from epql.carried_out import NOT_YET, VERBS
from epql.parse import parse
from epql.questions.register import QUESTIONS
from tests.dbapi import hostile

LIMITS = epql.Limits(time=0.5, rows=10_000, length=1_100_000, statement=50_000)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("read_only") / "kb"
    with epql.connect(path, autocommit=True) as con:
        rows = [(f"s{number}", "p", number) for number in range(100)]
        con.executemany("ASSERT (?, ?, ?)", rows)
        con.execute("ASSERT ('a', 'b', 'c') LIFECYCLE APPROVED")
        con.execute("DEFINE QUERY v AS SELECT subject FROM beliefs")
        con.execute("DEFINE QUERY t AS SELECT tx AS a, subject AS b FROM beliefs")
        con.close()
    (path.parent / "canary").write_text(hostile.SECRET)
    return path


@pytest.fixture(scope="module")
def con(folder: Path) -> Iterator[epql.Connection]:
    connection = epql.connect(folder, read_only=True, autocommit=True, limits=LIMITS)
    before = bytes_of(folder.parent)
    yield connection
    assert bytes_of(folder.parent) == before
    connection.close()


def bytes_of(folder: Path) -> dict[str, str]:
    """Every file but the audit's, and SQLite's two beside the index, which hold no more here."""
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
        and "audit" not in path.parts
        and path.suffix not in (".db-wal", ".db-shm")
    }


FORBIDDEN = list(hostile.forbidden(Path("/nowhere")))


@pytest.mark.parametrize("number", range(len(FORBIDDEN)), ids=[text[:40] for text in FORBIDDEN])
def test_what_touches_files_and_settings_is_refused(
    con: epql.Connection, folder: Path, number: int
) -> None:
    text = list(hostile.forbidden(folder.parent))[number].strip()
    with pytest.raises(epql.Error) as raised:
        con.execute(text)
    assert hostile.SECRET not in str(raised.value)


@pytest.mark.parametrize("text", [text.strip() for text in hostile.writes()])
def test_no_verb_writes(con: epql.Connection, text: str) -> None:
    with pytest.raises(epql.Error) as raised:
        con.execute(text)
    assert raised.value.code in ("database.read_only", "statement.not_yet")


def test_what_only_reads_works(con: epql.Connection) -> None:
    query = con.execute("SELECT * FROM beliefs").query_id
    for text in map(str.strip, hostile.reads()):
        con.execute(text, (query,) if "?" in text else ())


def test_the_lists_have_every_statement() -> None:
    texts = [*hostile.writes(), *hostile.reads(), *FORBIDDEN[-6:]]
    known = {type(parse(text.strip()).statement) for text in texts}
    others = {nodes.Set, nodes.Query, nodes.ScratchChange, nodes.ScratchDefinition}
    files = get_args(nodes.Exchange)
    assert known >= {*VERBS, *NOT_YET, *QUESTIONS, *others, *files} - {nodes.Verify}


@pytest.mark.parametrize("text", list(hostile.heavy()), ids=lambda text: text[:60])
def test_nothing_runs_or_grows_for_ever(con: epql.Connection, text: str) -> None:
    try:
        rows = con.execute(text).fetchall()
    except epql.Error as error:
        assert error.code.startswith(("limit.", "parse.", "sql.refused"))  # noqa: PT017
    else:
        assert len(rows) == 1


def test_nothing_is_opened_for_writing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    before = os.open

    def watched(path: object, flags: int, *rest: object, **named: object) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) and str(folder) in str(path):
            opened.append(str(path))
        return before(path, flags, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", watched)
    with epql.connect(folder, read_only=True, audit="off") as reader:
        assert reader.execute("SELECT count(*) FROM beliefs").fetchone() == (101,)
        reader.close()
    assert opened == []
