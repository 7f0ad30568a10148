"""IMPORT FROM: rows become assertions as ASSERT would make them; what is wrong is told by line."""

from __future__ import annotations

import gzip
import io
import json
import sys
import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import epql
from epql.exchange import importing


@pytest.fixture
def con() -> Iterator[epql.Connection]:
    made = epql.connect(":memory:", agent="ann", autocommit=True)
    yield made
    made.close()


@pytest.fixture
def give(con: epql.Connection, tmp_path: Path) -> Any:
    """Writes a file and imports it."""

    def call(name: str, content: str | bytes, **options: Any) -> Any:
        file = tmp_path / name
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return con.import_file(file, **options)

    return call


def triples(con: epql.Connection) -> list[tuple[Any, ...]]:
    return con.execute(
        "SELECT subject, predicate, object FROM assertions ORDER BY tx, id"
    ).fetchall()


def facts(con: epql.Connection) -> set[tuple[Any, ...]]:
    return set(triples(con))


HEAD = "subject,predicate,object\n"


# ---------------------------------------------------------------- what files look like


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (HEAD + "a,b,c\n", {("a", "b", "c")}),
        (HEAD.replace("\n", "\r\n") + "a,b,c\r\n", {("a", "b", "c")}),
        (HEAD + "a,b,c", {("a", "b", "c")}),
        ("\ufeff" + HEAD + "a,b,c\n", {("a", "b", "c")}),
        ("Object, SUBJECT ,Predicate\nc,a,b\n", {("a", "b", "c")}),
        (HEAD + 'a,b,"c, ""d""\nnext\r\nthird"\n', {("a", "b", 'c, "d"\nnext\r\nthird')}),
        (HEAD + "\n\na,b,c\n\n", {("a", "b", "c")}),
        (HEAD.replace(",", ";") + "a;b;1,5\n", {("a", "b", "1,5")}),
        (HEAD + "é\U0001f600,\u4e2d,\u202eevil\n", {("é\U0001f600", "\u4e2d", "\u202eevil")}),
        (HEAD + "a,b, spaced \n", {("a", "b", " spaced ")}),
        (HEAD + "a,b,nul\0here\n", {("a", "b", "nul\0here")}),
        ("subject,predicate,object,,\na,b,c,,\n", {("a", "b", "c")}),
        (HEAD, set()),
        ("", set()),
    ],
)
def test_csv_as_people_have_it(
    con: epql.Connection, give: Any, content: str, expected: set[Any]
) -> None:
    give("f.csv", content)
    assert facts(con) == expected


def test_empty_files_are_told(give: Any) -> None:
    assert give("f.csv", "").notices == ["the file is empty"]
    assert give("f.jsonl", "").sentence() == "0 rows read; 0 new assertions"


def test_every_part_of_an_assertion(con: epql.Connection, give: Any) -> None:
    con.execute("ASSERT ('base', 'p', 'q')")
    (base,) = con.execute("SELECT id FROM assertions").fetchall()[0]
    row = {
        "subject": "s", "predicate": "p", "object": 1.5, "confidence": 0.25, "agent": "bob",
        "source": "src", "lifecycle": "approved", "valid_from": "2020-01-01",
        "valid_to": "2021-01-01T00:00:00Z", "key": "k1", "parents": [base],
        "qualifiers": {"unit": "ms", "n": 2},
    }  # fmt: skip
    give("f.jsonl", json.dumps(row))
    said = con.execute(
        "SELECT object, confidence, agent, source, lifecycle, valid_from, valid_to, parents,"
        " qualifiers FROM assertions VALID ANYTIME WHERE subject = 's'"
    ).fetchall()
    assert said == [
        (1.5, 0.25, "bob", "src", "approved", "2020-01-01T00:00:00.000000Z",
         "2021-01-01T00:00:00.000000Z", f'["{base}"]', '{"n":2,"unit":"ms"}'),
    ]  # fmt: skip


def test_columns_of_other_names(con: epql.Connection, give: Any) -> None:
    give(
        "f.tsv", "what\tof\tvalue\tsure\tjunk\nttl\tauth/jwt\t15\t0.5\tx\n",
        columns={"of": "subject", "what": "predicate", "value": "object", "sure": "confidence",
                 "junk": "ignore"},
    )  # fmt: skip
    assert facts(con) == {("auth/jwt", "ttl", "15")}


def test_a_row_for_each_subject(con: epql.Connection, give: Any) -> None:
    give(
        "people.csv", "Name,Age,Joined,Note\nbob,42,2020-01-01,\ncarl,,2021-05-05,x\n",
        wide_by="name", columns={"joined": "valid_from"}, predicates={"Age": "has age"},
    )  # fmt: skip
    assert facts(con) == {("bob", "has age", "42"), ("carl", "Note", "x")}
    assert con.execute("SELECT DISTINCT valid_from FROM assertions").fetchall() != [(None,)]


def test_lists_are_several_objects(con: epql.Connection, give: Any) -> None:
    give("f.jsonl", '{"id": "s", "tag": ["x", "y"], "n": 1, "none": null}\n', wide_by="id")
    assert facts(con) == {("s", "tag", "x"), ("s", "tag", "y"), ("s", "n", 1)}


def test_without_a_header(con: epql.Connection, give: Any) -> None:
    give("f.csv", "a,b,c\nd,e,f\n", header=False,
         columns={"1": "subject", "2": "predicate", "3": "object"})  # fmt: skip
    assert facts(con) == {("a", "b", "c"), ("d", "e", "f")}


def test_types_of_texts(con: epql.Connection, give: Any) -> None:
    con.execute("DEFINE PREDICATE 'n' TYPE integer")
    con.execute("DEFINE PREDICATE 'flag' TYPE boolean")
    give("f.csv", HEAD + "a,n,42\na,flag,true\na,free,42\na,version,3.10\n")
    assert facts(con) == {
        ("a", "n", 42), ("a", "flag", 1), ("a", "free", "42"), ("a", "version", "3.10"),
    }  # fmt: skip
    give("g.csv", HEAD + "b,x,42\nb,y,-1.5\nb,z,007\nb,v,3.10\nb,w,1e5\n", detect_types=True)
    assert {row for row in facts(con) if row[0] == "b"} == {
        ("b", "x", 42), ("b", "y", -1.5), ("b", "z", "007"), ("b", "v", "3.10"), ("b", "w", "1e5"),
    }  # fmt: skip


def test_gzip_and_standard_input(
    con: epql.Connection, give: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    give("f.csv.gz", gzip.compress((HEAD + "a,b,c\n").encode()))
    stream = io.TextIOWrapper(io.BytesIO(b'["d", "e", "f"]\n'))
    monkeypatch.setattr(sys, "stdin", stream)
    con.import_file("-", format="jsonl")
    assert facts(con) == {("a", "b", "c"), ("d", "e", "f")}


# ---------------------------------------------------------------- what is wrong


@pytest.mark.parametrize(
    ("name", "content", "code", "line"),
    [
        ("f.csv", HEAD + "a,b,c\na,b\n", "import.row", 3),
        ("f.csv", HEAD + "a,b,c,d\n", "import.row", 2),
        ("f.csv", HEAD + 'a,b,"never ends\n', "import.row", 2),
        ("f.csv", HEAD + ",b,c\n", "value.type", 2),
        ("f.csv", HEAD + "a,b,\n", "value.null", 2),
        ("f.csv", HEAD.encode() + b"a,b,caf\xe9\n", "import.encoding", 2),
        ("f.csv", "subject,predicate,object,\na,b,c,d\n", "import.row", 2),
        ("f.csv", "subject,predicate,object,confidence\na,b,c,much\n", "import.row", 2),
        ("f.csv", "subject,predicate,object,valid_from\na,b,c,soon?\n", "instant.unreadable", 2),
        ("f.csv", "subject,predicate,object,lifecycle\na,b,c,retracted\n",
         "lifecycle.illegal_landing", 2),
        ("f.csv", HEAD + "nul\0,b,c\n", "value.text", 2),
        ("f.csv", HEAD + "a" * 5000 + ",b,c\n", "value.too_long", 2),
        ("f.csv", HEAD + "a,b," + "x" * 1_000_001 + "\n", "value.too_long", 2),
        ("f.csv", HEAD + "a,b," + "x" * 5_000_000 + "\n", "import.row", 2),
        ("f.jsonl", '["a", "b", 1]\n["a", "b", 9223372036854775808]\n', "value.range", 2),
        ("f.jsonl", '["a", "b", 1e400]\n', "value.range", 1),
        ("f.jsonl", '["a", "b", NaN]\n', "import.row", 1),
        ("f.jsonl", '["a", "b", {"c": 1}]\n', "value.type", 1),
        ("f.jsonl", '["a", "b", "\\ud800"]\n', "value.text", 1),
        ("f.jsonl", "\n{not json\n", "import.row", 2),
        ("f.jsonl", "[" * 100_000 + "\n", "import.row", 1),
        ("f.jsonl", '"text"\n', "import.row", 1),
        ("f.jsonl", '{"subject": "a", "predicate": "b", "object": 1, "valid_from": 2020}\n',
         "import.row", 1),
        ("f.jsonl", '{"subject": "a", "predicate": "b", "object": 1, "colour": 2}\n',
         "import.columns", 1),
        ("f.jsonl", '{"at": "2020-01-01", "agent": "a", "facts": []}\n', "import.columns", 1),
        ("f.jsonl", b"\xff\xfe[\x00", "import.encoding", None),
        ("f.csv", "subject,Subject,object\n", "import.columns", None),
        ("f.csv", "subject,subject,object\n", "import.columns", None),
        ("f.csv", "s,p,o\na,b,c\n", "import.columns", None),
    ],
)  # fmt: skip
def test_bad_rows_are_told_and_write_nothing(
    con: epql.Connection, give: Any, name: str, content: str | bytes, code: str, line: int | None
) -> None:
    with pytest.raises(epql.Error) as caught:
        give(name, content)
    assert caught.value.code == code, caught.value
    if line is not None:
        assert caught.value.message.startswith(f"line {line}: ")
        assert give(name, content, skip_bad=True).bad[0][0] == line
    assert con.execute("SELECT count(*) FROM assertions WHERE object IS NULL").fetchone() == (0,)


def test_a_bad_row_ends_the_import_and_what_is_good_can_be_had(
    con: epql.Connection, give: Any
) -> None:
    content = HEAD.encode() + b"a,b,c\nd,e\nf,g,h\xff\n,i,j\nk,l,m\n"
    with pytest.raises(epql.DataError):
        give("f.csv", content)
    assert facts(con) == set()
    report = give("f.csv", content, skip_bad=True)
    assert [line for line, _ in report.bad] == [3, 4, 5]
    assert facts(con) == {("a", "b", "c"), ("k", "l", "m")}
    assert report.sentence() == "5 rows read; 2 new assertions; 3 bad rows left out"


def test_a_wide_row_is_all_there_or_not(con: epql.Connection, give: Any) -> None:
    report = give("f.jsonl", '{"id": "s", "a": 1, "b": {}}\n{"id": "t", "a": 1}\n', wide_by="id",
                  skip_bad=True)  # fmt: skip
    assert facts(con) == {("t", "a", 1)} and report.bad_rows == 1


def test_grounds_may_stand_in_the_same_file(con: epql.Connection, give: Any) -> None:
    ids = []
    with epql.connect(":memory:", agent="ann", autocommit=True) as other:
        for text in ("('a', 'p', 1)", "('b', 'p', 2)"):
            ids += other.execute(f"ASSERT {text} RETURNING id").fetchall()[0]
    lines = ['["a", "p", 1]', '["b", "p", 2]']
    for n, (ground, name) in enumerate(zip(ids, ("c", "d"), strict=True)):
        row = {"subject": name, "predicate": "p", "object": n, "parents": [ground]}
        lines.insert(n * 2 + 1, json.dumps(row))
    give("f.jsonl", "\n".join(lines))
    assert con.execute("SELECT count(*) FROM assertions").fetchone() == (4,)


def test_rules_types_and_policies_are_those_of_assert(con: epql.Connection, give: Any) -> None:
    con.execute("FORBID ('*', 'secret', '*') REASON 'never'")
    con.execute("DEFINE PREDICATE 'n' TYPE integer")
    con.execute("DEFINE POLICY default_state = approved")
    content = HEAD + "a,b,c\nx,secret,y\na,n,many\na,n,7\n"
    with pytest.raises(epql.IntegrityError) as caught:
        give("f.csv", content)
    assert caught.value.code == "rule.forbidden" and "line 3: " in caught.value.message
    report = give("f.csv", content, skip_bad=True)
    assert [line for line, _ in report.bad] == [3, 4]
    assert facts(con) == {("a", "b", "c"), ("a", "n", 7)}
    assert con.execute("SELECT DISTINCT lifecycle FROM assertions").fetchall() == [("approved",)]


def test_advice_of_soft_rules_is_told_once(con: epql.Connection, give: Any) -> None:
    con.execute("FORBID ('*', 'old', '*') SEVERITY SOFT PREFER 'new' REASON 'outdated'")
    report = give("f.csv", HEAD + "a,old,b\nc,old,d\nbad\n", skip_bad=True)
    assert report.assertions == 2
    assert any("outdated" in text for text in report.notices)
    assert len(report.notices) == len(set(report.notices)) <= 20


def test_batches(con: epql.Connection, give: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "BATCH", 10)
    rows = [f"s{n},p,{n}\n" for n in range(35)]
    rows[27] = "bad\n"
    with pytest.raises(epql.DataError) as caught:
        give("f.csv", HEAD + "".join(rows))
    assert "line 29" in caught.value.message and "import it again" in str(caught.value.hint)
    assert con.execute("SELECT count(*), count(DISTINCT tx) FROM assertions").fetchone() == (20, 2)
    rows[27] = "s27,p,27\n"
    report = give("f.csv", HEAD + "".join(rows))
    assert (report.assertions, report.there) == (15, 20)


def test_again_is_nothing_new(con: epql.Connection, give: Any) -> None:
    content = HEAD + "a,b,1\na,b,2\na,b,1\n"
    assert give("f.csv", content).assertions == 2
    con.execute("RETRACT ('a', 'b')")
    before = con.execute("SELECT * FROM history").fetchall()
    assert give("f.csv", content).sentence() == "3 rows read; 0 new assertions; 3 there already"
    assert con.execute("SELECT * FROM history").fetchall() == before


def test_dry_run(con: epql.Connection, give: Any) -> None:
    report = give("f.csv", HEAD + "a,b,1\nbad\n", dry_run=True, skip_bad=True)
    assert (report.assertions, report.bad_rows) == (1, 1)
    assert "DRY RUN: nothing was written" in report.notices
    assert con.execute("SELECT count(*) FROM commits").fetchone() == (0,)


def test_transactions(give: Any, con: epql.Connection, tmp_path: Path) -> None:
    con.execute("BEGIN")
    con.execute("ASSERT ('x', 'y', 'z')")
    with pytest.raises(epql.InterfaceError) as caught:
        give("f.csv", HEAD + "a,b,c\n")
    assert caught.value.code == "transaction.open"
    con.execute("COMMIT")
    manual = epql.connect(tmp_path / "kb")
    manual.import_file(tmp_path / "f.csv")
    manual.rollback()
    assert facts(manual) == {("a", "b", "c")}
    with pytest.raises(epql.DataError):
        give("g.csv", HEAD + "bad\n")
    (tmp_path / "g.csv").write_text(HEAD + "bad\n")
    with pytest.raises(epql.DataError):
        manual.import_file(tmp_path / "g.csv")
    assert not manual.in_transaction
    manual.close()
    reader = epql.connect(tmp_path / "kb", read_only=True)
    with pytest.raises(epql.OperationalError):
        reader.import_file(tmp_path / "f.csv")
    reader.close()


def test_an_interrupt_leaves_whole_batches(
    con: epql.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH", 100)
    file = tmp_path / "f.csv"
    file.write_text(HEAD + "".join(f"s{n},p,{n}\n" for n in range(200_000)))
    ended = threading.Event()

    def interrupt() -> None:
        while not ended.wait(0.1):
            con.interrupt()

    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        with pytest.raises(epql.OperationalError) as caught:
            con.import_file(file, skip_bad=True)
    finally:
        ended.set()
        thread.join()
    assert caught.value.code == "statement.interrupted"
    (count,) = con.execute("SELECT count(*) FROM assertions").fetchone() or (1,)
    assert count < 200_000 and count % 100 == 0


def test_progress_and_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is held does not grow with the file: rows come as they are needed."""
    monkeypatch.setattr(importing, "BATCH", 500)
    file = tmp_path / "f.jsonl"
    file.write_text("".join(json.dumps([f"s{n % 50}", "p", n]) + "\n" for n in range(30_000)))
    con = epql.connect(tmp_path / "kb", autocommit=True)
    told: list[tuple[int, int]] = []
    tracemalloc.start()
    con.import_file(file, progress=lambda done, total: told.append((done, total)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    con.close()
    assert told[-1] == (file.stat().st_size, file.stat().st_size) and len(told) == 61
    assert peak < 6_000_000


@pytest.mark.parametrize(
    ("path", "code"),
    [("nowhere.csv", "files.missing"), (".", "files.not_a_file"), ("a\0b.csv", "files.missing"),
     ("\ud800.csv", "files.missing")],
)  # fmt: skip
def test_files_that_cannot_be_read(con: epql.Connection, path: str, code: str) -> None:
    with pytest.raises(epql.OperationalError) as caught:
        con.import_file(path, format="csv")
    assert caught.value.code == code
