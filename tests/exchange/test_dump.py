"""The lossless export: what a line says, and what is said of files that are not whole."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

import epql
from epql.cli.main import main
from epql.engine.records import Epoch, encode
from epql.engine.replay import Commit, commits_of, replay
from epql.exchange import dump
from tests.clock import TestClock
from tests.exchange.moving import commits


@pytest.fixture
def con(clock: TestClock) -> Iterator[epql.Connection]:
    """A database with most kinds of records."""
    made = epql.connect(":memory:", agent="ann", clock=clock, autocommit=True)
    for text in (
        "DEFINE PREDICATE 'ttl' TYPE integer HALF LIFE '30d'",
        "DEFINE QUERY all_of_it AS SELECT * FROM beliefs",
        "DEFINE POLICY newcomers = pooled",
        "ASSERT ('a', 'ttl', 15) CONFIDENCE 0.5 SOURCE 'x' QUALIFIED (unit = 's', n = 1.0)",
        "ASSERT ('é\"\\', 'p', 'line\nbreak \U0001f600') VALID FROM '1999-12-31' KEY 'k'",
        "ASSERT ('b', 'p', 1e300) AGENT 'bob' BECAUSE (SELECT id FROM beliefs LIMIT 1)",
        "ASSERT ('b', 'q', -9223372036854775808)",
        "PROMOTE ('b', 'p') REASON 'seen'",
        "VOTE AGAINST ('b', 'p') WEIGHT 0.25",
        "SUPERSEDE ('b', 'p') WITH 2.0",
        "CORRECT ('b', 'p') TO 3 FORBID REASON 'no'",
        "CONFIRM ('a', 'ttl') SOURCE 'again'",
        "MARK EPOCH 'one'",
        "FORBID ('*', 'bad', '*') WHEN confidence < 0.5",
        "REPEAL ('*', 'bad', '*')",
    ):
        clock.move(seconds=1.5)
        made.execute(text)
    yield made
    made.close()


def lines_of(con: epql.Connection) -> list[bytes]:
    return list(dump.lines(commits_of(con.runner.database.files)))


def restored(lines: list[bytes], tmp_path: Path, clock: TestClock | None = None) -> epql.Connection:
    file = tmp_path / "given.jsonl"
    file.write_bytes(b"".join(lines))
    made = epql.connect(":memory:", clock=clock, autocommit=True)
    made.execute("RESTORE FROM ?", (str(file),))
    return made


def test_all_kinds_come_back(con: epql.Connection, clock: TestClock, tmp_path: Path) -> None:
    lines = lines_of(con)
    kinds = {json.loads(line).get("kind") for line in lines}
    assert kinds >= set("HLEDVCRXUTG")
    other = restored(lines, tmp_path, clock)
    assert commits(other) == commits(con)
    assert lines_of(other) == lines
    for question in ("beliefs AS OF TX 6", "history", "constraints", "policies", "epochs", "trust"):
        sql = f"SELECT * FROM {question}"
        assert other.execute(sql).fetchall() == con.execute(sql).fetchall()
    assert other.execute("SELECT count(*) FROM all_of_it").fetchone() == (4,)


def test_a_line_is_for_people(con: epql.Connection) -> None:
    found = [json.loads(line) for line in lines_of(con)]
    assert found[0] == {"format": "EPQL export", "version": 1}
    said = next(line for line in found if line.get("subject") == 'é"\\')
    assert said["valid_from"] == "1999-12-31T00:00:00.000000Z"
    assert (said["lifecycle"], said["key"], said["object"]) == (
        "proposed", "k", "line\nbreak \U0001f600",
    )  # fmt: skip
    assert "a:" + said["id"] in {row[0] for row in con.execute("SELECT id FROM assertions")}


def test_what_this_program_does_not_know_is_kept() -> None:
    odd = b"\x93\x01\xa1a\xa1b\xc0"
    strange = Commit(1, 5, True, [("Z", 3, b"\x01\x02"), ("E", 0, odd)])
    kept = Commit(2, 10**18, False, [("E", 9, encode(Epoch(7, "x", "y")))])
    lines = list(dump.lines([strange, kept]))
    assert list(dump.commits(lines)) == [strange, kept]


def test_every_cut_is_noticed(con: epql.Connection, tmp_path: Path) -> None:
    text = b"".join(lines_of(con))
    rnd = random.Random(5)
    for place in [*rnd.sample(range(1, len(text)), 60), len(text) - 1]:
        with pytest.raises(epql.DataError) as caught:
            list(dump.commits(text[:place].splitlines(keepends=True)))
        assert caught.value.code in ("export.cut", "export.line")


def test_every_changed_byte_is_noticed(con: epql.Connection) -> None:
    text = b"".join(lines_of(con))
    rnd = random.Random(6)
    for place in rnd.sample(range(len(text)), 250):
        changed = bytearray(text)
        changed[place] ^= 1 << rnd.randrange(8)
        with pytest.raises(epql.Error) as caught:
            list(dump.commits(bytes(changed).splitlines(keepends=True)))
        assert caught.value.code.startswith("export."), (place, caught.value)


@pytest.mark.parametrize("spoil", ["missing", "twice", "swapped", "behind"])
def test_lines_that_are_not_where_they_were(con: epql.Connection, spoil: str) -> None:
    lines = lines_of(con)
    if spoil == "missing":
        del lines[4]
    elif spoil == "twice":
        lines.insert(4, lines[4])
    elif spoil == "swapped":
        lines[3], lines[5] = lines[5], lines[3]
    else:
        lines.append(b"{}\n")
    with pytest.raises(epql.DataError):
        list(dump.commits(lines))


def test_a_damaged_file_changes_nothing(con: epql.Connection, tmp_path: Path) -> None:
    lines = lines_of(con)
    lines[-1] = lines[-1].replace(b'"commits": ', b'"commits": 1')
    with pytest.raises(epql.DataError) as caught:
        restored(lines, tmp_path)
    assert caught.value.code == "export.digest"
    other = epql.connect(tmp_path / "kb", autocommit=True)
    with pytest.raises(epql.DataError):
        other.restore(tmp_path / "given.jsonl")
    assert other.execute("SELECT count(*) FROM commits").fetchone() == (0,)
    other.close()
    assert main(["restore", str(tmp_path / "given.jsonl"), str(tmp_path / "new")]) == 1
    assert not (tmp_path / "new").exists()
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".tmp")]


def test_only_an_empty_database_or_the_beginning_of_the_same(
    con: epql.Connection, tmp_path: Path
) -> None:
    lines = lines_of(con)
    whole = restored(lines, tmp_path)
    assert whole.execute("RESTORE FROM ?", (str(tmp_path / "given.jsonl"),)).rowcount == 0
    half = epql.connect(":memory:", autocommit=True)
    from epql.engine.replay import replay

    replay(half.runner.database, commits(con)[:7])
    assert half.restore(tmp_path / "given.jsonl") == len(commits(con))
    assert commits(half) == commits(con)
    other = epql.connect(":memory:", autocommit=True)
    other.execute("ASSERT ('x', 'y', 'z')")
    before = commits(other)
    for place in (other, con):
        con.execute("ASSERT ('more', 'than', 'that')") if place is con else None
        with pytest.raises(epql.OperationalError) as caught:
            place.restore(tmp_path / "given.jsonl")
        assert caught.value.code == "restore.not_empty"
    assert commits(other) == before


def test_versions_and_other_files(tmp_path: Path) -> None:
    for line, code in (
        (b'{"format": "EPQL export", "version": 2}\n', "export.version"),
        (b'{"at": 1}\n', "export.line"),
        (b"", "export.cut"),
        (b"\xff\xfe\n", "export.line"),
        (b"[" * 100_000 + b"\n", "export.line"),
    ):
        with pytest.raises(epql.DataError) as caught:
            restored([line], tmp_path)
        assert caught.value.code == code


def test_gzip_and_the_same_bytes_each_time(con: epql.Connection, tmp_path: Path) -> None:
    for name in ("a.jsonl.gz", "b.jsonl.gz"):
        con.export_all(tmp_path / name)
    assert (tmp_path / "a.jsonl.gz").read_bytes() == (tmp_path / "b.jsonl.gz").read_bytes()
    assert gzip.decompress((tmp_path / "a.jsonl.gz").read_bytes()) == b"".join(lines_of(con))
    assert main(["restore", str(tmp_path / "a.jsonl.gz"), str(tmp_path / "kb")]) == 0
    with epql.connect(tmp_path / "kb") as other:
        assert commits(other) == commits(con)
        other.close()


def test_commits_that_are_missing_are_not_passed_over(con: epql.Connection) -> None:
    first, _, *rest = commits_of(con.runner.database.files)
    with epql.connect(":memory:", autocommit=True) as other:
        with pytest.raises(epql.InternalError) as caught:
            replay(other.runner.database, [first, *rest])
        other.close()
    assert caught.value.code == "restore.order"
