"""Row S12: a hostile name works exactly, or is refused with a documented error, wherever it stands.

Each name goes to each place. What was accepted must read back the same, there and then, after the
database is opened again, and after its index is made anew from the journal. No name of a value
becomes the name of a file; a name of a file is that file and no other.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import epql
from tests.rows import Row

NAMES = {
    "plain": "name",
    "empty": "",
    "blank": " ",
    "NUL": "a\x00b",
    "NUL alone": "\x00",
    "NUL at the end": "a\x00",
    "newline": "a\nb",
    "newline at the end": "a\n",
    "carriage return": "a\r\nb",
    "tab": "\t",
    "escape": "\x1b[2Ja",
    "quote": "a'b",
    "quotes": "'''",
    "double quote": 'a"b',
    "backtick": "a`b",
    "brackets": "[a]b]",
    "semicolon": "a';--",
    "dot": ".",
    "two dots": "..",
    "dots": "...",
    "hidden": ".a",
    "slash": "a/b",
    "slash alone": "/",
    "up": "../up",
    "up and up": "../../up",
    "round": "a/../b",
    "absolute": "/tmp/epql-no-such-folder/x",
    "backslash": "a\\b",
    "drive": "C:\\x",
    "option": "-rf",
    "home": "~",
    "home of root": "~root/x",
    "variable": "$HOME",
    "wild": "*",
    "percent": "%s%n{0}",
    "uri": "file:a?mode=memory",
    "memory": ":memory:x",
    "parameter": ":a",
    "question": "?",
    "comment": "a--b/*",
    "keyword": "SELECT",
    "relation": "beliefs",
    "of SQLite": "sqlite_schema",
    "ours": "epql_scope",
    "number": "1",
    "10 kB": "n" * 10_240,
    "4 kB": "é" * 4_096,
    "255": "n" * 255,
    "256": "n" * 256,
    "RTL": "a\u202eb",
    "zero width": "a\u200bb",
    "BOM": "\ufeffa",
    "separator": "a\u2028b",
    "half a surrogate": "\ud800",
    "the other half": "a\udc80b",
    "emoji": "🐍\U0001f469\u200d\U0001f467",
    "composed": "é",
    "decomposed": "e\u0301",
    "last": "\U0010ffff",
    "not a character": "\uffff",
    "capital": "NAME",
    "sharp s": "ß",
    "Turkish": "İı",
}
"""By what is odd about them."""

ERRORS = (Path(__file__).parents[2] / "docs" / "language" / "errors.md").read_text()
CODES = frozenset(re.findall(r"^\| `([a-z_.]+)` \|", ERRORS, re.MULTILINE))
NEVER = ("internal.", "sqlgen.")


def text(name: str) -> str:
    """A name as a text of EPQL."""
    return "'" + name.replace("'", "''") + "'"


def quoted(name: str) -> str:
    """A name as a name of EPQL."""
    return '"' + name.replace('"', '""') + '"'


# ---------------------------------------------------------------- names within a database

STORED = {
    "subject": ("ASSERT (?, 'p', 1)", "SELECT subject FROM assertions WHERE subject = ?"),
    "predicate": ("ASSERT ('s', ?, 1)", "SELECT predicate FROM assertions WHERE predicate = ?"),
    "object": ("ASSERT ('s', 'object', ?)", "SELECT object FROM assertions WHERE object = ?"),
    "agent": ("ASSERT ('s', 'agent', 1) AGENT ?", "SELECT agent FROM assertions WHERE agent = ?"),
    "source": ("ASSERT ('s', 'q', 1) SOURCE ?", "SELECT source FROM assertions WHERE source = ?"),
    "reason": (
        "ASSERT ('s', 'r', {n}) REASON ?",
        "SELECT reason FROM transitions WHERE reason = ?",
    ),
    "qualifier": (
        "ASSERT ('s', 'w', 1) QUALIFIED (a = ?)",
        "SELECT qualifiers ->> 'a' FROM assertions WHERE qualifiers ->> 'a' = ?",
    ),
    "epoch": ("MARK EPOCH ?", "SELECT name FROM epochs WHERE name = ?"),
    "agent defined": (
        "DEFINE AGENT ? (kind = 'x')",
        "SELECT agent FROM agents WHERE defined AND agent = ?",
    ),
    "topic": ("DEFINE TOPIC ? (subjects = ?)", "SELECT name FROM topics WHERE name = ?"),
    "predicate declared": (
        "DEFINE PREDICATE ? TYPE text",
        "SELECT predicate FROM predicates WHERE declared AND predicate = ?",
    ),
    "rule": ("FORBID (?, 'p', 1)", "SELECT subject FROM constraints WHERE subject = ?"),
}
"""What to say, and what reads it back. Both with the name as a parameter and as a text."""


def _rows(con: epql.Connection, query: str, given: tuple[str, ...] = ()) -> set[str]:
    return {value for (value,) in con.execute(query, given).fetchall()}


def store(con: epql.Connection, place: str, name: str, written: bool) -> None:
    """Say it, and read it back. Raises: epql.Error if it is refused."""
    say, ask = STORED[place]
    say = say.replace("{n}", str(next(NUMBER)))  # a reason is no part of what is said: say another
    if written:
        con.execute(say.replace("?", text(name)))
        assert _rows(con, ask.replace("?", text(name))) == {name}
    else:
        con.execute(say, (name,) * say.count("?"))
        assert _rows(con, ask, (name,)) == {name}


NUMBER = itertools.count()

Place = Callable[[epql.Connection, str], None]
NAMED: dict[str, Place] = {}


def named(function: Place) -> Place:
    """A place for a name that is no text; it reads back what it said."""
    NAMED[function.__name__.replace("_", " ")] = function
    return function


@named
def view(con: epql.Connection, name: str) -> None:
    con.execute(f"DEFINE QUERY {quoted(name)} AS SELECT 7 AS a")
    assert con.execute(f"SELECT a FROM {quoted(name)}").fetchall() == [(7,)]
    assert name in _rows(con, "SELECT name FROM views")
    con.execute(f"DROP QUERY {quoted(name)}")
    assert name not in _rows(con, "SELECT name FROM views")


@named
def column_of_a_view(con: epql.Connection, name: str) -> None:
    con.execute(f"DEFINE QUERY of_view AS SELECT 7 AS {quoted(name)}")
    cursor = con.execute("SELECT * FROM of_view")
    assert [column[0] for column in cursor.description] == [name]
    assert con.execute(f"SELECT {quoted(name)} FROM of_view").fetchall() == [(7,)]


@named
def policy(con: epql.Connection, name: str) -> None:
    with pytest.raises(epql.Error) as refused:
        con.execute(f"DEFINE POLICY {quoted(name)} = 1")
    raise refused.value


@named
def value_of_a_policy(con: epql.Connection, name: str) -> None:
    with pytest.raises(epql.Error) as refused:
        con.execute("DEFINE POLICY lifecycle = ?", (name,))
    raise refused.value


@named
def scratch_table(con: epql.Connection, name: str) -> None:
    con.execute(f"CREATE TEMP TABLE {quoted(name)} (a)")
    try:
        con.execute(f"INSERT INTO {quoted(name)} VALUES (7)")
        assert con.execute(f"SELECT a FROM {quoted(name)}").fetchall() == [(7,)]
    finally:
        con.execute(f"DROP TABLE {quoted(name)}")


@named
def column_of_a_scratch_table(con: epql.Connection, name: str) -> None:
    con.execute("DROP TABLE IF EXISTS columned")
    con.execute(f"CREATE TEMP TABLE columned (first, {quoted(name)} TEXT)")
    con.execute(f"INSERT INTO columned (first, {quoted(name)}) VALUES (1, 'x')")
    cursor = con.execute(f"SELECT {quoted(name)} FROM columned")
    assert [column[0] for column in cursor.description] == [name]
    assert cursor.fetchall() == [("x",)]


@named
def alias(con: epql.Connection, name: str) -> None:
    cursor = con.execute(f"SELECT 7 AS {quoted(name)}")
    assert [column[0] for column in cursor.description] == [name]
    sql = f"WITH {quoted(name)} AS (SELECT 7 AS x) SELECT {quoted(name)}.x FROM {quoted(name)}"
    assert con.execute(sql).fetchall() == [(7,)]


@named
def property_of_an_agent(con: epql.Connection, name: str) -> None:
    con.execute(f"DEFINE AGENT 'of a property' ({quoted(name)} = 'v')")
    query = "SELECT value FROM agents, json_each(properties) WHERE key = ? AND agent LIKE 'of a%'"
    assert con.execute(query, (name,)).fetchall() == [("v",)]


@named
def agent_of_the_session(con: epql.Connection, name: str) -> None:
    try:
        con.execute("SET AGENT ?", (name,))
        con.execute("ASSERT ('s', 'session', 1)")
        assert name in _rows(con, "SELECT agent FROM assertions WHERE predicate = 'session'")
    finally:
        con.execute("SET AGENT 'anonymous'")


@named
def purpose(con: epql.Connection, name: str) -> None:
    con.execute("SET PURPOSE ?", (name,))
    shown = con.execute("SHOW PURPOSE").fetchall()
    assert shown[0][1] == name


@named
def parameter(con: epql.Connection, name: str) -> None:
    assert con.execute("SELECT ?, :a".replace("?", ":b"), {"a": name, "b": name}).fetchone() == (
        name,
        name,
    )
    con.execute("SELECT 1 WHERE 1 = :a", {"a": 1, name: 2})


@named
def epoch_looked_up(con: epql.Connection, name: str) -> None:
    con.execute(f"SELECT count(*) FROM beliefs AS OF EPOCH {text(name)}").fetchall()


def attempt(what: str, place: Callable[[], None], problems: list[str]) -> bool:
    """Whether a place took the name; what went wrong otherwise than documented is noted."""
    try:
        place()
    except epql.Error as error:
        if error.code not in CODES or error.code.startswith(NEVER):
            problems.append(f"{what}: {error.code}: {error!s:.300}")
        return False
    except BaseException as error:
        problems.append(f"{what}: {type(error).__name__}: {error!s:.300}")
        return False
    return True


OURS = re.compile(
    r"FORMAT|LOCK|ASKED|index\.db(-wal|-shm)?|journal|journal/\d+\.log|audit(/.*)?|heads(/.*)?"
)


def tree(folder: Path) -> dict[str, str]:
    """Every file below, by its path."""
    found = {}
    for top, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(top, name)
            digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
            found[str(path.relative_to(folder))] = digest
    return found


def names_within(folder: Path) -> tuple[int, int, list[str]]:
    """All names at all places of one database: how many ran, how many were taken, what is wrong."""
    problems: list[str] = []
    taken: dict[str, set[str]] = {}
    ran = 0
    path = folder / "inner" / "kb"
    path.parent.mkdir()
    (folder / "canary").write_text("untouched")
    outside = tree(folder)
    con = epql.connect(path, autocommit=True)
    for odd, name in NAMES.items():
        for place in STORED:
            for written in (False, True):
                what = f"{odd} as {place}, {'written' if written else 'given'}"
                used = attempt(what, lambda: store(con, place, name, written), problems)  # noqa: B023
                taken.setdefault(place, set()).update([name] * used)
                ran += 1
        for place, say in NAMED.items():
            attempt(f"{odd} as {place}", lambda: say(con, name), problems)  # noqa: B023
            ran += 1
        if con.in_transaction:
            problems.append(f"{odd} leaves a transaction open")
            con.rollback()
    _read_back(con, taken, problems, "at once")
    con.close()
    with epql.connect(path, autocommit=True) as con:
        _read_back(con, taken, problems, "opened again")
        con.close()
    for file in path.glob("index.db*"):
        file.unlink()
    with epql.connect(path, autocommit=True) as con:
        _read_back(con, taken, problems, "rebuilt")
        con.close()
    inside = [str(file.relative_to(path)) for file in path.rglob("*")]
    problems += [f"made {name!r} inside" for name in inside if not OURS.fullmatch(name)]
    after = {name: what for name, what in tree(folder).items() if not name.startswith("inner/kb")}
    problems += [
        f"changed {name!r}"
        for name in outside.keys() | after
        if outside.get(name) != after.get(name)
    ]
    return ran, sum(map(len, taken.values())), problems


def _read_back(
    con: epql.Connection, taken: dict[str, set[str]], problems: list[str], when: str
) -> None:
    for place, names in taken.items():
        for name in names:
            if _rows(con, STORED[place][1], (name,)) != {name}:
                problems.append(f"{name!r:.100} as {place} is gone when {when}")


# ---------------------------------------------------------------- names of files

Filer = Callable[[Path, str], None]
"""Makes something at a path, which is told as a text; reads it back."""
FILES: dict[str, Filer] = {}


def filer(function: Filer) -> Filer:
    """One of the table."""
    FILES[function.__name__.replace("_", " ")] = function
    return function


def _filled(path: Any = ":memory:") -> epql.Connection:
    con = epql.connect(path, autocommit=True)
    con.execute("ASSERT ('s', 'p', 1)")
    return con


@filer
def database(folder: Path, name: str) -> None:
    with _filled(name) as con:
        assert Path(con.runner.database.path).resolve() == Path(name).resolve()
        con.close()
    with epql.connect(name, read_only=True) as con:
        assert con.execute("SELECT object FROM beliefs").fetchall() == [(1,)]
        con.close()


@filer
def export(folder: Path, name: str) -> None:
    with _filled() as con:
        con.execute(f"EXPORT TO {text(name)}")
        con.close()
    assert os.path.getsize(os.path.realpath(name)) > 10
    with epql.connect(":memory:", autocommit=True) as con:
        con.execute("RESTORE FROM ?", (name,))
        assert con.execute("SELECT object FROM beliefs").fetchall() == [(1,)]
        con.close()


@filer
def export_of_rows_and_import(folder: Path, name: str) -> None:
    with _filled() as con:
        query = "SELECT subject, predicate, object FROM beliefs"
        con.execute(f"EXPORT ({query}) TO ? FORMAT csv", (name,))
        con.close()
    with epql.connect(":memory:", autocommit=True) as con:
        con.execute(f"IMPORT FROM {text(name)} FORMAT csv")
        assert con.execute("SELECT subject FROM beliefs").fetchall() == [("s",)]
        con.close()


@filer
def backup_and_restore(folder: Path, name: str) -> None:
    with _filled(folder / "kb") as con:
        con.execute("BACKUP TO ?", (name,))
        con.close()
    with epql.connect(folder / "restored", autocommit=True) as con:
        con.execute(f"RESTORE FROM {text(name)}")
        assert con.execute("SELECT object FROM beliefs").fetchall() == [(1,)]
        con.close()


def files_named(folder: Path, kind: str) -> tuple[int, int, list[str]]:
    """All names as names of one kind of file: how many ran, how many were taken, what is wrong."""
    problems: list[str] = []
    used = 0
    for number, (odd, name) in enumerate(NAMES.items()):
        top = folder / str(number)
        inner = top / "one" / "two"
        inner.mkdir(parents=True)
        (top / "canary").write_text("untouched")
        before = tree(top)
        os.chdir(inner)
        took = attempt(f"{odd} as {kind}", lambda: FILES[kind](top, name), problems)  # noqa: B023
        used += took
        there = os.path.normpath(os.path.join(os.path.relpath(inner, top), name))
        for made in sorted(tree(top).items() - before.items()):
            of_the_test = made[0].split("/")[0] in ("kb", "restored")
            if not of_the_test and not (made[0] + "/").startswith(there + "/"):
                problems.append(
                    f"{odd} as {kind} {'taken' if took else 'refused'}: made {made[0]!r:.200}"
                )
    return len(NAMES), used, problems


@pytest.mark.parametrize("name", ["", "a\x00b", "\ud800", "a\udc80b", "n" * 256])
@pytest.mark.parametrize("kind", FILES)
def test_a_path_that_cannot_be_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    if name == "a\udc80b" and kind != "database":
        pytest.skip("a name like others, to all but SQLite")
    with pytest.raises(epql.Error) as refused:
        FILES[kind](tmp_path, name)
    assert refused.value.code in CODES
    assert refused.value.code != "internal.unexpected"


def test_a_backup_goes_where_the_system_says(tmp_path: Path) -> None:
    """A path with .. behind a link is not shortened before the link is followed."""
    (tmp_path / "far" / "away").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "far" / "away")
    with _filled(tmp_path / "kb") as con:
        con.execute(f"BACKUP TO '{tmp_path}/link/../backup'")
        con.close()
    assert (tmp_path / "far" / "backup").is_dir()


# ---------------------------------------------------------------- the row


@pytest.mark.row("S12", "names")
def test_names(row: Row, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "within").mkdir()
    row.ran, taken, problems = names_within(tmp_path / "within")
    for kind in FILES:
        (tmp_path / kind).mkdir()
        ran, used, wrong = files_named(tmp_path / kind, kind)
        row.ran, taken, problems = row.ran + ran, taken + used, problems + wrong
    os.chdir(tmp_path)
    row.tell("names", len(NAMES))
    row.tell("places", 2 * len(STORED) + len(NAMED) + len(FILES))
    row.tell("taken and read back", taken)
    row.tell("wrong", len(problems))
    assert not problems, f"{len(problems)}:\n" + "\n".join(problems[:40])
