"""`epql demo`: the real history, the right answers, and sentences that the rows bear out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import epql
from epql.cli import peps
from epql.cli.main import main
from epql.cli.tour import TOUR

KNOWN = [  # the README of the data
    ("pep/484", "2015-01-20", "Draft", "proposed"),
    ("pep/484", "2015-06-01", "Accepted", "approved"),
    ("pep/484", "2019-01-01", "Provisional", "approved"),
    ("pep/484", "2024-01-01", "Final", "approved"),
    ("pep/572", "2018-06-01", "Draft", "proposed"),
    ("pep/572", "2018-08-01", "Accepted", "approved"),
    ("pep/563", "2024-01-01", "Accepted", "approved"),
    ("pep/563", "2025-06-01", "Superseded", "superseded"),
]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `epql demo PATH` makes."""
    path = tmp_path_factory.mktemp("demo") / "peps.epql"
    assert main(["demo", str(path)]) == 0
    return path


@pytest.fixture(scope="module")
def con(base: Path) -> Iterator[epql.Connection]:
    connection = epql.connect(base, read_only=True)
    yield connection
    connection.close()


@pytest.mark.parametrize(("subject", "at", "status", "lifecycle"), KNOWN)
def test_known_answers(
    con: epql.Connection, subject: str, at: str, status: str, lifecycle: str
) -> None:
    sql = "SELECT object FROM beliefs WHERE subject = ? AND predicate = 'status' AS OF ?"
    assert con.execute(sql, (subject, at)).fetchall() == [(status,)]
    sql = (
        "SELECT lifecycle FROM beliefs WHERE subject = ? AND predicate = 'proposes'"
        " LIFECYCLE ANY AS OF ?"
    )
    assert con.execute(sql, (subject, at)).fetchall() == [(lifecycle,)]


@pytest.mark.parametrize(
    "at", ["2001-01-01", "2007-05-15", "2010-01-01", "2015-06-01", "2026-01-01"]
)
def test_every_proposal_is_where_its_status_puts_it(con: epql.Connection, at: str) -> None:
    seconds = con.execute("SELECT unixepoch(?)", (at,)).fetchone()
    assert seconds is not None
    fields: dict[tuple[str, str], Any] = {}
    for line in peps.shipped():
        if line["at"] <= seconds[0]:
            fields.update({(s, p): value for s, p, value in line["facts"]})
    expected = {
        (subject, title, peps.LIFECYCLE_OF[fields.get((subject, "status"), "Draft").lower()])
        for (subject, predicate), title in fields.items()
        if predicate == "title" and title is not None
    }
    sql = (
        "SELECT subject, object, lifecycle FROM beliefs WHERE predicate = 'proposes'"
        " LIFECYCLE ANY AS OF ?"
    )
    assert set(con.execute(sql, (at,)).fetchall()) == expected


def rows(con: epql.Connection, stop: int, statement: int = 0) -> list[tuple[Any, ...]]:
    return con.execute(TOUR[stop].statements[statement]).fetchall()


def test_what_the_tour_says_is_so(con: epql.Connection) -> None:
    assert [rows(con, 0, n) for n in range(3)] == [[("Draft",)], [("Accepted",)], [("Final",)]]

    assert rows(con, 1, 0)[0] == ("Standards Track", 96)
    decided = {subject for subject, _ in rows(con, 1, 1)}
    assert {"pep/20", "pep/343"} <= decided and not decided & {"pep/484", "pep/492", "pep/572"}

    changed = {row[0]: row[1:] for row in rows(con, 2)}
    assert changed["pep/492"][:2] == ("proposed", "approved")
    assert changed["pep/492"][-1] == "2015-05-06" and changed["pep/484"][-1] == "2015-05-23"

    history = rows(con, 3)
    assert [row[0] for row in history] == [
        "proposed", "retracted", "proposed", "approved", "superseded",
    ]  # fmt: skip
    assert [row[1][:10] for row in history[3:]] == ["2017-12-05", "2025-05-06"]

    became = dict(rows(con, 4))
    assert became["approved"] == 12 and sum(became.values()) == 32

    assert rows(con, 5)[0] == ("editor-72", 161, "2016-06-28", "2026-08-05")


def test_the_tour_s_statements_fit_narrow_terminals() -> None:
    for stop in TOUR:
        for statement in stop.statements:
            assert max(map(len, statement.splitlines())) <= 60


def test_it_shows_statement_table_and_sentence(base: Path, capsys: Any) -> None:
    assert main(["demo", str(base)]) == 0
    shown, err = capsys.readouterr()
    assert err == ""
    assert shown.startswith(f"{base} has the PEP history already; nothing is added.\n")
    for stop in TOUR:
        assert stop.title in shown
        assert all(statement + ";\n" in shown for statement in stop.statements)
    assert "status\n────────\nAccepted\n" in shown
    assert f" {base}\n" in shown.partition("Now you.")[2] and "\x1b" not in shown


def test_the_last_lines_can_be_typed(base: Path, capsys: Any) -> None:
    import shlex

    main(["demo", str(base)])
    for line in capsys.readouterr().out.splitlines()[-2:]:
        assert main([*shlex.split(line)[1:], "--jsonl"]) == 0
        assert capsys.readouterr().out.count("\n") > 3


def test_without_a_path_it_makes_and_keeps_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert main(["demo"]) == 0
    said = capsys.readouterr().out
    (folder,) = tmp_path.glob("epql-demo-*")
    assert (
        f"Loading 26 years of Python's decisions into {folder / 'peps.epql'}\n2,068 commits" in said
    )
    assert (folder / "peps.epql" / "FORMAT").exists()


def test_a_load_that_was_cut_short_is_finished(tmp_path: Path, capsys: Any) -> None:
    path, file = tmp_path / "peps.epql", tmp_path / "start.jsonl"
    lines = [line for _, line in zip(range(500), peps.convert(peps.shipped()), strict=False)]
    file.write_text("\n".join(lines))
    with epql.connect(path, autocommit=True) as connection:
        connection.import_history(file)
    connection.close()
    assert main(["demo", str(path)]) == 0
    assert "1,568 commits" in capsys.readouterr().out


def test_own_statements_after_the_load_do_no_harm(tmp_path: Path, capsys: Any) -> None:
    path = str(tmp_path / "peps.epql")
    main(["demo", path])
    assert main([path, "-c", "ASSERT ('pep/484', 'liked', 1)"]) == 0
    capsys.readouterr()
    assert main(["demo", path]) == 0
    assert "nothing is added" in capsys.readouterr().out


@pytest.mark.parametrize("what", ["other knowledge", "other files", "a file"])
def test_it_refuses_what_is_not_its_own(tmp_path: Path, what: str, capsys: Any) -> None:
    path = tmp_path / "taken"
    if what == "other knowledge":
        assert main([str(path), "-c", "ASSERT ('a', 'b', 'c')"]) == 0
    elif what == "other files":
        path.mkdir()
        (path / "letter.txt").write_text("dear")
    else:
        path.write_text("dear")
    before = files(tmp_path)
    assert main(["demo", str(path)]) == 1
    message = {
        "other knowledge": "holds other knowledge, with which the demo does not mix",
        "other files": "is not an EPQL database: it holds 'letter.txt'",
        "a file": "is a file, not a folder",
    }[what]
    assert message in capsys.readouterr().err
    assert files(tmp_path) == before


def files(folder: Path) -> list[str]:
    """The names of what lies there, without what SQLite keeps while it reads."""
    names = (file.name for file in folder.rglob("*"))
    return sorted(name for name in names if not name.endswith(("-shm", "-wal")))


# ---------------------------------------------------------------- the converter

Convert = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
def convert() -> Convert:
    converter = peps.Converter()

    def facts(*facts: list[Any]) -> list[tuple[Any, ...]]:
        line = {"commit": "c", "at": 1, "agent": "a", "facts": list(facts)}
        return [
            (f["subject"], f["predicate"], f["object"], f.get("lifecycle"))
            for f in converter.convert(line)["facts"]
        ]

    return facts


def test_a_proposal_follows_title_and_status(convert: Convert) -> None:
    assert convert(["p", "title", "T"], ["p", "status", "Draft"])[2:] == [
        ("p", "proposes", "T", "proposed")
    ]
    assert convert(["p", "type", "Process"]) == [("p", "type", "Process", "approved")]
    assert convert(["p", "status", "Final"])[1:] == [("p", "proposes", "T", "approved")]
    assert convert(["p", "status", "Active"])[1:] == []
    assert convert(["p", "title", "U"])[1:] == [("p", "proposes", "U", "approved")]
    assert convert(["p", "title", None]) == [
        ("p", "title", None, None),
        ("p", "proposes", None, None),
    ]


def test_every_status_is_known() -> None:
    statuses = {
        value.lower()
        for line in peps.shipped()
        for _, predicate, value in line["facts"]
        if predicate == "status" and value
    }
    assert statuses <= set(peps.LIFECYCLE_OF)


def test_the_lines_are_json() -> None:
    lines = [json.loads(line) for line in peps.convert(peps.shipped()[:50])]
    assert all(line["source"] == f"commit:{line['commit']}" for line in lines)
