"""Old databases open for ever: every sample, in every way, gives the answers it gave (row R15)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import epql
from epql.cli.main import main
from epql.engine.check import check
from epql.engine.head import SOURCE, head_of, read_heads
from epql.engine.records import KINDS
from tests.rows import Row
from tests.samples.sample import FOLDER, NAMES, Sample, ask, read, unpack

SIZE_MAX = 100_000


def answers(path: Path, sample: Sample, *, read_only: bool = False) -> None:
    """Ask all that the text asks, and compare."""
    with closing(epql.connect(path, read_only=read_only, audit="off")) as connection:
        for question, wanted in sample.answers.items():
            assert ask(connection, question) == wanted, question
        assert [one for one in connection.verify() if one.severity == "wrong"] == []


def stands(path: Path, sample: Sample, stand: str) -> None:
    """How the sample's head stands in a database."""
    verdict = check(path, heads=read_heads(sample.head))
    (found,) = [how for kept, how in verdict.journal.stands if kept.source == SOURCE]
    assert verdict.is_sound and found == stand


def ways(name: str, tmp_path: Path) -> Iterator[None]:
    """Each way to open a sample; a step for each that held."""
    sample = read(name)

    def copy(way: str) -> Path:
        (tmp_path / way).mkdir()
        return unpack(name, tmp_path / way)

    path = copy("read-only")
    answers(path, sample, read_only=True)
    assert str(head_of(path)) == sample.head
    yield
    path = copy("written")
    answers(path, sample)
    stands(path, sample, "same")
    with closing(epql.connect(path, agent="ben", autocommit=True, audit="off")) as connection:
        connection.execute("ASSERT ('goes', 'on', 'here')")
    stands(path, sample, "grown")
    yield
    path = copy("no-index")
    for file in path.glob("index.db*"):
        file.unlink()
    shutil.copytree(path, tmp_path / "as-a-backup" / "b")
    answers(path, sample)
    yield
    path = copy("rebuilt")
    assert main(["rebuild", str(path)]) == 0
    answers(path, sample)
    stands(path, sample, "same")
    yield
    (tmp_path / "as-a-backup" / "b" / "LOCK").unlink()
    to = tmp_path / "restored"
    assert main(["restore", str(tmp_path / "as-a-backup" / "b"), str(to)]) == 0
    answers(to, sample)
    assert str(head_of(to)) == sample.head
    yield
    with closing(epql.connect(path, audit="off")) as connection:
        connection.export_all(tmp_path / "all.jsonl")
    assert main(["restore", str(tmp_path / "all.jsonl"), str(tmp_path / "again")]) == 0
    without_digests = [q for q in sample.answers if "digest" not in q]
    with closing(epql.connect(tmp_path / "again", audit="off")) as connection:
        for question in without_digests:
            if "FROM queries" not in question:
                assert ask(connection, question) == sample.answers[question], question
    yield


@pytest.mark.parametrize("name", NAMES)
def test_an_old_database_answers_as_it_did(name: str, tmp_path: Path) -> None:
    assert len(list(ways(name, tmp_path))) == 6


def test_the_samples_are_small_and_complete() -> None:
    assert len(NAMES) >= 6
    for name in NAMES:
        assert (FOLDER / f"{name}.tar.xz").stat().st_size <= SIZE_MAX


def test_the_samples_have_every_kind_of_record(tmp_path: Path) -> None:
    with closing(epql.connect(unpack("v1/kinds", tmp_path), audit="off")) as connection:
        records = connection.runner.database.journal_records(1, 10**9)
        assert {kind for _, _, kind, _ in records} == set(KINDS)


def test_what_is_torn_is_told_and_kept_aside(tmp_path: Path) -> None:
    path = unpack("v1/torn", tmp_path)
    with closing(epql.connect(path, audit="off")) as connection:
        (notice,) = [text for text in connection.notices if "unfinished commit" in text]
    (aside,) = (path / "journal").glob("torn-*.part")
    assert aside.name in notice and aside.stat().st_size == int(notice.split()[0])


def test_read_only_changes_nothing_of_what_is_kept(tmp_path: Path) -> None:
    for name in NAMES:
        (tmp_path / name).mkdir(parents=True)
        path = unpack(name, tmp_path / name)
        before = kept(path)
        epql.connect(path, read_only=True).close()
        assert kept(path) == before


def kept(path: Path) -> dict[str, tuple[int, bytes]]:
    """Every file but what SQLite keeps beside the index while it is open."""
    return {
        os.path.relpath(file, path): (file.stat().st_mtime_ns, file.read_bytes())
        for file in path.rglob("*")
        if file.is_file() and not file.name.endswith(("-shm", "-wal"))
    }


@pytest.mark.row("R15", "sample databases")
def test_samples(row: Row, tmp_path: Path) -> None:
    for name in NAMES:
        folder = tmp_path / name
        folder.mkdir(parents=True)
        for _ in ways(name, folder):
            row.ran += 1
    assert row.ran == row.count
