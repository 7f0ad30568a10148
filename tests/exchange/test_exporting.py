"""EXPORT (query) TO: every format, what is read back, and that a file is whole or not there."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

import epql
from epql.cli.main import main
from epql.exchange import nquads

ROOT = Path(__file__).resolve().parents[2]
PARTS = (
    "SELECT id, subject, predicate, object, confidence, agent, source, lifecycle, valid_from,"
    " valid_to, parents, qualifiers FROM assertions VALID ANYTIME"
)


@pytest.fixture
def con(tmp_path: Path) -> Iterator[epql.Connection]:
    made = epql.connect(tmp_path / "kb", agent="ann", autocommit=True)
    for text in (
        "ASSERT ('auth/jwt', 'algorithm', 'RS256') CONFIDENCE 0.5 LIFECYCLE approved SOURCE 'x'",
        "ASSERT ('auth/jwt', 'ttl', 15) VALID FROM '2020-01-01' TO '2021-01-01'",
        "ASSERT ('http://example.org/a', 'http://example.org/p', 2.5) AGENT 'bob'",
        "ASSERT ('two words', 'é<>\"', 'line\nbreak \U0001f600 \\ \"q\"')"
        " QUALIFIED (n = 1, u = 'ms')",
        "ASSERT ('urn:epql:name:x', 'a:b', 'http://example.org/o')",
        "ASSERT ('z', 'p', 1e300) BECAUSE (SELECT id FROM assertions LIMIT 1)",
        "ASSERT ('z', 'q', ' '), ('z', 'r', -9223372036854775808), ('z', 's', 1.0)",
    ):
        made.execute(text)
    yield made
    made.close()


@pytest.mark.parametrize("name", ["f.jsonl", "f.nq", "f.parquet", "f.nq.gz", "f.parquet.gz"])
def test_there_and_back_with_types_and_ids(con: epql.Connection, tmp_path: Path, name: str) -> None:
    asked = con.execute(PARTS).fetchall()
    assert con.export(PARTS, tmp_path / name) == len(asked) == 9
    other = epql.connect(":memory:", agent="z", autocommit=True)
    report = other.import_file(tmp_path / name)
    assert report.assertions == 9
    assert sorted(other.execute(PARTS).fetchall()) == sorted(asked)


@pytest.mark.parametrize("name", ["f.csv", "f.tsv"])
def test_texts_there_and_back(con: epql.Connection, tmp_path: Path, name: str) -> None:
    con.export(PARTS, tmp_path / name)
    other = epql.connect(":memory:", agent="z", autocommit=True)
    assert other.import_file(tmp_path / name).assertions == 9
    sql = "SELECT subject, predicate, object, agent FROM assertions VALID ANYTIME"
    asked = [tuple(map(str, row)) for row in con.execute(sql).fetchall()]
    assert sorted(other.execute(sql).fetchall()) == sorted(asked)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
NAMES = TEXTS.filter(lambda text: text.strip() and "\0" not in text) | st.sampled_from(
    ["http://a/b", "http://a b", "a:", "urn:epql:name:x", "urn:epql:a:12", "a:" + "f" * 64, "%41"]
)
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
OBJECTS = TEXTS | NUMBERS


@given(rows=st.lists(st.tuples(NAMES, NAMES, OBJECTS), min_size=1, max_size=5))
def test_nquads_hold_anything(rows: list[tuple[Any, ...]], tmp_path_factory: Any) -> None:
    file = tmp_path_factory.mktemp("nq") / "f.nq"
    con = epql.connect(":memory:", autocommit=True)
    con.executemany("ASSERT (?, ?, ?)", rows)
    asked = con.execute("SELECT subject, predicate, object, id, agent FROM assertions").fetchall()
    con.export("SELECT subject, predicate, object, id, agent FROM assertions", file)
    other = epql.connect(":memory:", autocommit=True)
    other.import_file(file)
    sql = "SELECT subject, predicate, object, id, agent FROM assertions"
    assert sorted(other.execute(sql).fetchall(), key=repr) == sorted(asked, key=repr)


def test_rdf_of_others(con: epql.Connection, tmp_path: Path) -> None:
    xsd = "http://www.w3.org/2001/XMLSchema#"
    (tmp_path / "f.nt").write_text(
        "# a comment\n"
        "<http://e/s> <http://e/p> <http://e/o> .\n"
        '<http://e/s> <http://e/name> "chat"@fr <http://e/graph> .\n'
        f'<http://e/s> <http://e/born> "1999-01-01"^^<{xsd}date> .\n'
        f'<http://e/s> <http://e/n> "7"^^<{xsd}long> .\n'
        f'<http://e/s> <http://e/r> "7.0"^^<{xsd}decimal> .\n'
        f'<http://e/s> <http://e/b> "true"^^<{xsd}boolean> .\n'
        "_:x <http://e/p> _:y .\n"
    )
    other = epql.connect(":memory:", autocommit=True)
    other.import_file(tmp_path / "f.nt")
    found = other.execute("SELECT predicate, object, source, qualifiers FROM assertions").fetchall()
    assert set(found) == {
        ("http://e/p", "http://e/o", None, None),
        ("http://e/name", "chat", "http://e/graph", '{"lang":"fr"}'),
        ("http://e/born", "1999-01-01", None, f'{{"datatype":"{xsd}date"}}'),
        ("http://e/n", 7, None, None),
        ("http://e/r", 7.0, None, None),
        ("http://e/b", 1, None, None),
        ("http://e/p", "_:y", None, None),
    }
    other.export("SELECT * FROM assertions WHERE predicate = 'http://e/name'", tmp_path / "g.nq")
    assert '"chat"@fr' in (tmp_path / "g.nq").read_text()


@pytest.mark.parametrize(
    ("line", "line_number"),
    [
        ("<a> <b> <c> .", 1),
        ("not rdf", 1),
        ('<urn:a> <urn:b> "unfinished .', 1),
        ('<urn:a> <urn:b> "1"^^<http://www.w3.org/2001/XMLSchema#double> .\n'
         '<urn:g> <urn:epql:is:agent> "x" .', 2),
        ('<urn:a> <urn:b> "x" <urn:g> .\n<urn:g> <urn:epql:is:colour> "x" .', 2),
        ('<urn:a> <urn:b> "x"^^<http://www.w3.org/2001/XMLSchema#integer> .', 1),
        ('<urn:a> <urn:b> "9223372036854775808"^^<http://www.w3.org/2001/XMLSchema#integer> .', 1),
        ('<urn:a> <urn:b> "INF"^^<http://www.w3.org/2001/XMLSchema#double> .', 1),
    ],
)  # fmt: skip
def test_bad_nquads(con: epql.Connection, tmp_path: Path, line: str, line_number: int) -> None:
    (tmp_path / "f.nq").write_text(line + "\n")
    with pytest.raises(epql.DataError) as caught:
        con.import_file(tmp_path / "f.nq")
    assert caught.value.message.startswith(f"line {line_number}: ")


def test_nquads_need_a_triple(con: epql.Connection, tmp_path: Path) -> None:
    with pytest.raises(epql.DataError) as caught:
        con.export("SELECT subject FROM beliefs", tmp_path / "f.nq")
    assert caught.value.code == "export.columns"
    assert not (tmp_path / "f.nq").exists()
    con.export("SELECT subject, predicate, object FROM beliefs", tmp_path / "f.nq")
    con.export("SELECT subject, predicate, object, agent FROM beliefs", tmp_path / "g.nq")
    assert "urn:epql:is" not in (tmp_path / "f.nq").read_text()
    assert "_:r1 <urn:epql:is:agent>" in (tmp_path / "g.nq").read_text()
    assert nquads.iri("plain").value == "urn:epql:name:plain"


def test_parquet_has_the_types_of_its_columns(con: epql.Connection, tmp_path: Path) -> None:
    con.export(
        "SELECT 1 AS i, 2.5 AS r, 't' AS t, NULL AS n, x'00ff' AS b, 1 AS i UNION ALL"
        " SELECT 2, 3.5, 'u', NULL, x'', 'mixed'",
        tmp_path / "f.parquet",
    )
    table = parquet.read_table(tmp_path / "f.parquet")
    assert [str(field.type) for field in table.schema] == [
        "int64", "double", "string", "string", "binary", "string",
    ]  # fmt: skip
    assert table.schema.names == ["i", "r", "t", "n", "b", "i_2"]
    assert table.column("i_2").to_pylist() == ["1", '"mixed"']
    con.export("SELECT subject FROM beliefs WHERE 0", tmp_path / "empty.parquet")
    assert parquet.read_table(tmp_path / "empty.parquet").num_rows == 0


def test_parquet_of_others(tmp_path: Path) -> None:
    import datetime as dt
    from decimal import Decimal

    table = pyarrow.table(
        {
            "who": ["a", "b"],
            "born": [dt.date(1999, 1, 2), None],
            "seen": pyarrow.array([dt.datetime(2020, 1, 1, 12, tzinfo=dt.UTC)] * 2),
            "tags": [["x", "y"], []],
            "price": [Decimal("1.50"), Decimal("2.00")],
            "ok": [True, False],
        }
    )
    parquet.write_table(table, tmp_path / "f.parquet")
    con = epql.connect(":memory:", autocommit=True)
    con.import_file(tmp_path / "f.parquet", wide_by="who", columns={"seen": "valid_from"})
    found = con.execute("SELECT subject, predicate, object FROM assertions").fetchall()
    assert set(found) == {
        ("a", "born", "1999-01-02"), ("a", "tags", "x"), ("a", "tags", "y"), ("a", "price", 1.5),
        ("b", "price", 2), ("a", "ok", 1), ("b", "ok", 0),
    }  # fmt: skip
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 not really PAR1")
    with pytest.raises(epql.DataError) as caught:
        con.import_file(tmp_path / "bad.parquet")
    assert caught.value.code == "import.row"


def test_other_forms(con: epql.Connection, tmp_path: Path) -> None:
    con.export("SELECT 'a,b' AS x, NULL AS y", tmp_path / "g.csv")
    assert list(csv.reader((tmp_path / "g.csv").open(newline=""))) == [["x", "y"], ["a,b", ""]]
    con.export("SELECT 1 AS a", tmp_path / "g.json")
    assert json.loads((tmp_path / "g.json").read_text()) == [{"a": 1}]
    con.export("SELECT 1 AS a", tmp_path / "g.md")
    assert (tmp_path / "g.md").read_text().split() == [
        "|",
        "a",
        "|",
        "|",
        "--:",
        "|",
        "|",
        "1",
        "|",
    ]


# ---------------------------------------------------------------- whole or not there


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != "kb")


def test_nothing_is_overwritten_unless_said(con: epql.Connection, tmp_path: Path) -> None:
    file = tmp_path / "f.csv"
    file.write_text("mine")
    for act in (lambda: con.export("SELECT 1", file), lambda: con.export_all(file)):
        with pytest.raises(epql.OperationalError) as caught:
            act()
        assert caught.value.code == "export.exists" and file.read_text() == "mine"
    con.export("SELECT 1 AS a", file, overwrite=True)
    assert file.read_bytes() == b"a\r\n1\r\n" and left(tmp_path) == ["f.csv"]


@pytest.mark.parametrize(
    "query",
    ["SELECT nope FROM beliefs", "SELECT abs(-9223372036854775808) FROM beliefs", "SELECT", "",
     "RETRACT ('z', 'p')", "SELECT 1; SELECT 2"],
)  # fmt: skip
def test_a_query_that_fails_leaves_nothing(
    con: epql.Connection, tmp_path: Path, query: str
) -> None:
    before = con.execute("SELECT count(*) FROM commits").fetchone()
    with pytest.raises(epql.Error):
        con.export(query, tmp_path / "f.csv")
    assert left(tmp_path) == []
    assert con.execute("SELECT count(*) FROM commits").fetchone() == before


def test_a_full_disk_leaves_nothing(tmp_path: Path, con: epql.Connection) -> None:
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))\n"
        "from epql.cli.main import main\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    query = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n LIMIT 90000)"
    query += " SELECT * FROM n"
    for name in ("f.csv", "f.jsonl", "f.parquet", "f.csv.gz"):
        done = subprocess.run(
            [sys.executable, "-c", code, "export", str(tmp_path / "kb"), str(tmp_path / name),
             "-c", query],
            capture_output=True, text=True, cwd=ROOT, timeout=60,
        )  # fmt: skip
        assert done.returncode == 1 and "journal.disk_full" in done.stderr, (name, done.stderr)
        assert "Traceback" not in done.stderr
    assert left(tmp_path) == []


def test_a_killed_export_leaves_no_file_of_that_name(tmp_path: Path, con: epql.Connection) -> None:
    query = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT * FROM n"
    for sign in (signal.SIGKILL, signal.SIGINT):
        running = subprocess.Popen(
            [sys.executable, "-m", "epql.cli.main", "export", str(tmp_path / "kb"),
             str(tmp_path / "f.csv"), "-c", query],
            cwd=ROOT, stderr=subprocess.PIPE,
        )  # fmt: skip
        give_up = time.monotonic() + 30
        while not list(tmp_path.glob(".f.csv.*.tmp")) and time.monotonic() < give_up:
            time.sleep(0.01)
        running.send_signal(sign)
        running.communicate(timeout=30)
        assert not (tmp_path / "f.csv").exists()
        assert bool(list(tmp_path.glob(".f.csv.*.tmp"))) == (sign == signal.SIGKILL)
        for file in tmp_path.glob(".f.csv.*.tmp"):
            file.unlink()


def test_pipes_and_standard_output(tmp_path: Path, con: epql.Connection) -> None:
    query = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT * FROM n"
    command = f"{sys.executable} -m epql.cli.main export {tmp_path}/kb - --format csv"
    done = subprocess.run(
        ["bash", "-c", f'{command} -c "{query}" | head -3; echo ${{PIPESTATUS[0]}}'],
        capture_output=True, text=True, cwd=ROOT, timeout=60,
    )  # fmt: skip
    assert done.stdout.split() == ["i", "1", "2", "141"] and done.stderr == ""
    os.mkfifo(tmp_path / "pipe.csv")
    reader = subprocess.Popen(["cat", str(tmp_path / "pipe.csv")], stdout=subprocess.PIPE)
    con.execute("EXPORT (SELECT 1 AS a) TO ?", (str(tmp_path / "pipe.csv"),))
    assert reader.communicate(timeout=30)[0] == b"a\r\n1\r\n"
    assert (tmp_path / "pipe.csv").is_fifo()


@pytest.mark.parametrize(
    ("path", "code"),
    [("/nowhere/f.csv", "files.missing"), ("/", "files.not_a_file"), ("a\0b.csv", "files.missing"),
     ("\ud800.csv", "files.missing"), ("x" * 300 + ".csv", "journal.io")],
)  # fmt: skip
def test_places_that_cannot_be_written(con: epql.Connection, path: str, code: str) -> None:
    with pytest.raises(epql.OperationalError) as caught:
        con.export("SELECT 1", path, format="csv")
    assert caught.value.code == code


# ---------------------------------------------------------------- statements


def test_texts_cannot_write_files_on_a_read_only_connection(
    con: epql.Connection, tmp_path: Path
) -> None:
    with epql.connect(tmp_path / "kb", read_only=True, autocommit=True) as reader:
        for text in (
            "EXPORT (SELECT 1) TO '{}'", "EXPORT TO '{}'", "BACKUP TO '{}'",
            "IMPORT FROM '{}'", "IMPORT HISTORY FROM '{}'", "RESTORE FROM '{}'",
        ):  # fmt: skip
            with pytest.raises(epql.OperationalError) as caught:
                reader.execute(text.format(tmp_path / "f.csv"))
            assert caught.value.code == "database.read_only"
        assert reader.execute("VERIFY").fetchall() == []
        assert reader.export("SELECT 1", tmp_path / "by-the-program.csv") == 1
        reader.close()
    assert left(tmp_path) == ["by-the-program.csv"]


def test_parameters_and_the_audit(con: epql.Connection, tmp_path: Path) -> None:
    sql = "EXPORT (SELECT object FROM beliefs WHERE subject = ?) TO ? OVERWRITE"
    cursor = con.execute(sql, ("z", str(tmp_path / "f.csv")))
    assert cursor.rowcount == 4
    sql = "EXPORT (SELECT object FROM beliefs WHERE subject = :s) TO :f OVERWRITE"
    cursor = con.execute(sql, {"s": "z", "f": str(tmp_path / "f.csv")})
    asked = con.execute("SELECT text, rows FROM queries WHERE id = ?", (cursor.query_id,))
    assert asked.fetchall() == [("SELECT object FROM beliefs WHERE subject = :s", 4)]


def test_on_the_command_line(
    con: epql.Connection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kb, file = str(tmp_path / "kb"), str(tmp_path / "f.csv")
    assert main(["export", kb, file]) == 0
    assert main(["export", kb, file]) == 1 and "--force" in capsys.readouterr().err
    assert main(["export", kb, file, "--force"]) == 0
    assert main(["import", str(tmp_path / "new"), file, "--dry-run"]) == 0
    assert main(["export", kb, file + ".x"]) == 1
    assert "say FORMAT" in capsys.readouterr().err
    assert main(["export", str(tmp_path / "no"), file + ".csv"]) == 1
    assert not (tmp_path / "no").exists()


@pytest.mark.parametrize("package", ["pyarrow", "pyoxigraph"])
def test_a_format_without_its_library(
    con: epql.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    name, extra = {"pyarrow": ("parquet", "parquet"), "pyoxigraph": ("nquads", "rdf")}[package]
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, f"epql.exchange.{name}", raising=False)
    with pytest.raises(epql.InterfaceError) as caught:
        con.execute(f"EXPORT (SELECT * FROM beliefs) TO ? FORMAT {name}", (str(tmp_path / "f"),))
    assert caught.value.code == "format.missing" and f"epql[{extra}]" in (caught.value.hint or "")
    assert not (tmp_path / "f").exists()
