"""`epql head` and `epql verify --head`: a head kept elsewhere shows what the files cannot."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import epql
from epql.cli.main import main
from tests.unit_epql.test_cli_verify import Said, journal, tree

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def base(tmp_path: Path) -> Path:
    path = tmp_path / "kb.epql"
    write(path, 1, 6)
    return path


def write(path: Path, first: int, last: int) -> None:
    with closing(epql.connect(path, agent="ann", autocommit=True)) as connection:
        for number in range(first, last + 1):
            connection.execute("ASSERT (?, 'n', ?)", (f"s/{number}", number))


def head_of(path: Path, capsys: Capture) -> str:
    capsys.readouterr()
    assert main(["head", str(path)]) == 0
    return capsys.readouterr().out.strip()


def verify(capsys: Capture, path: Path, *heads: object, json_: bool = False) -> Said:
    capsys.readouterr()
    before = tree(path)
    options = [word for head in heads for word in ("--head", str(head))]
    code = main(["verify", str(path), *options, *(["--json"] if json_ else [])])
    assert tree(path) == before
    return Said(code, *capsys.readouterr())


def cut(path: Path, last: int) -> None:
    """Cut the journal off behind a commit, and forget the index, which would know."""
    with closing(sqlite3.connect(path / "index.db")) as db:
        (end,) = db.execute("SELECT offset FROM txn WHERE tx=?", (last + 1,)).fetchone()
    file = journal(path)
    file.write_bytes(file.read_bytes()[:end])
    for name in path.glob("index.db*"):
        name.unlink()
    (path / "LOCK").unlink()


def test_a_head_is_one_line_and_says_what_the_relation_commits_says(
    base: Path, capsys: Capture
) -> None:
    tx, digest, database = head_of(base, capsys).split(":")
    with closing(epql.connect(base, read_only=True)) as connection:
        sql = "SELECT tx, digest FROM commits ORDER BY tx DESC LIMIT 1"
        assert connection.execute(sql).fetchone() == (int(tx), digest)
    assert tx == "6" and len(database) == 32


def test_the_same_and_grown(base: Path, capsys: Capture) -> None:
    kept = head_of(base, capsys)
    said = verify(capsys, base, kept)
    assert said.code == 0 and "head     tx 6 is the last commit\n" in said.out
    write(base, 7, 9)
    said = verify(capsys, base, kept)
    assert said.code == 0 and "head     tx 6 is in the chain, and 3 commits since\n" in said.out
    assert said.out.endswith("sound\n") and "not sound" not in said.out
    without_id = kept.rpartition(":")[0]
    assert verify(capsys, base, without_id).code == 0


def test_a_head_of_an_empty_database(tmp_path: Path, capsys: Capture) -> None:
    epql.connect(tmp_path / "one").close()
    epql.connect(tmp_path / "two").close()
    kept = head_of(tmp_path / "one", capsys)
    assert kept.startswith("0:")
    assert verify(capsys, tmp_path / "one", kept).code == 0
    write(tmp_path / "one", 1, 2)
    assert verify(capsys, tmp_path / "one", kept).code == 0
    assert verify(capsys, tmp_path / "two", kept).code == 1
    assert verify(capsys, tmp_path / "two", kept.rpartition(":")[0]).code == 1


def test_what_was_cut_off_is_seen_by_the_head_alone(base: Path, capsys: Capture) -> None:
    kept = head_of(base, capsys)
    cut(base, 4)
    assert verify(capsys, base).code == 0
    said = verify(capsys, base, kept)
    assert said.code == 1
    assert "head     tx 6 is gone: the journal ends at tx 4\n" in said.out
    assert "journal.cut: " in said.err and "tx 6 is known from the head" in said.err
    assert "Restore a backup in which the head is" in said.out
    write(base, 11, 12)  # what comes instead is another commit 6
    said = verify(capsys, base, kept)
    assert said.code == 1 and "tx 6 is another commit than it was" in said.out
    assert "journal.rewritten: " in said.err and "was rewritten after the head" in said.out


def test_another_database(base: Path, tmp_path: Path, capsys: Capture) -> None:
    kept = head_of(base, capsys)
    write(tmp_path / "other", 1, 9)
    said = verify(capsys, tmp_path / "other", kept)
    assert said.code == 1 and "head     tx 6 is of another database\n" in said.out
    assert "journal.other: " in said.err
    said = verify(capsys, tmp_path / "other", kept.rpartition(":")[0])
    assert said.code == 1 and "tx 6 is another commit than it was" in said.out


def test_damage_before_the_head(base: Path, capsys: Capture) -> None:
    kept = head_of(base, capsys)
    file = journal(base)
    data = bytearray(file.read_bytes())
    data[400] ^= 1
    file.write_bytes(data)
    said = verify(capsys, base, kept)
    assert said.code == 1 and "journal.damaged: " in said.err and "head     " in said.out


def test_a_file_of_heads_and_several(base: Path, tmp_path: Path, capsys: Capture) -> None:
    kept = tmp_path / "heads.txt"
    lines = [head_of(base, capsys)]
    for number in (7, 8):
        write(base, number, number)
        lines.append(head_of(base, capsys))
    kept.write_text("\n".join(lines) + "\n\n")
    said = verify(capsys, base, kept)
    assert said.code == 0 and "head     3 heads: tx 8 is the last commit\n" in said.out
    cut(base, 7)
    said = verify(capsys, base, kept, lines[0])
    assert said.code == 1 and "head     4 heads: tx 8 is gone" in said.out
    report = json.loads(verify(capsys, base, kept, json_=True).out)
    assert [one["stand"] for one in report["heads"]] == ["grown", "same", "cut"]
    assert report["head"] == lines[1] and report["verdict"] == "not sound"


def test_a_backup_is_a_head(base: Path, tmp_path: Path, capsys: Capture) -> None:
    with closing(epql.connect(base)) as connection:
        connection.backup(tmp_path / "b")
    write(base, 7, 7)
    for given in (tmp_path / "b", tmp_path / "b" / "BACKUP"):
        said = verify(capsys, base, given)
        assert said.code == 0 and "tx 6 is in the chain, and 1 commit since" in said.out
    assert verify(capsys, tmp_path / "b", tmp_path / "b").code == 0
    write(tmp_path / "other", 1, 9)
    said = verify(capsys, tmp_path / "other", tmp_path / "b" / "BACKUP")
    assert said.code == 1 and "is of another database" in said.out
    alone = shutil.copy(tmp_path / "b" / "BACKUP", tmp_path / "manifest")
    assert verify(capsys, base, alone).code == 0
    assert verify(capsys, tmp_path / "other", alone).code == 1


@pytest.mark.parametrize(
    "given", ["7", "7:00", "no/such/file", "", "x" * 5000, "a\0b", "7:" + "0" * 64 + ":00"]
)
def test_no_head_is_wrongly_called(base: Path, capsys: Capture, given: str) -> None:
    said = verify(capsys, base, given)
    assert said.code == 2 and "verify.head" in said.err and "epql head PATH prints one" in said.err
    assert said.out == "cannot tell whether it is sound\n"


@pytest.mark.parametrize("text", ["", "EPQL backup\nversion 2\ntx 1\n", "\xff\n", "1:2\n"])
def test_a_file_that_holds_none(base: Path, tmp_path: Path, capsys: Capture, text: str) -> None:
    (tmp_path / "f").write_bytes(text.encode("latin-1"))
    assert verify(capsys, base, tmp_path / "f").code == 2


def test_from_python(base: Path, capsys: Capture) -> None:
    kept = head_of(base, capsys)
    with closing(epql.connect(base, autocommit=True)) as connection:
        assert connection.verify(head=kept) == []
        (found,) = connection.verify(head="6:" + "0" * 64)
        assert (found.code, found.severity) == ("journal.rewritten", "wrong")
        with pytest.raises(epql.ProgrammingError) as caught:
            connection.verify(head="no head")
        assert caught.value.code == "verify.head"
    with closing(epql.connect(":memory:", autocommit=True)) as connection:
        connection.execute("ASSERT ('a', 'b', 'c')")
        digest = connection.execute("SELECT digest FROM commits").fetchone()[0]
        assert connection.verify(head=f"1:{digest}") == []
        assert [one.code for one in connection.verify(head=f"2:{digest}")] == ["journal.cut"]


def test_no_database(tmp_path: Path, capsys: Capture) -> None:
    assert main(["head", str(tmp_path / "none")]) == 1
    assert "there is no database at" in capsys.readouterr().err
