"""Row S14: what a database writes is for its user alone, and no link leads it elsewhere."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import epql
from epql.engine.files import OsFiles
from tests.rows import Row

Case = Callable[[Path], None]
CASES: dict[str, Case] = {}


def case(function: Case) -> Case:
    """One of the table."""
    CASES[function.__name__] = function
    return function


@contextmanager
def umask(mask: int) -> Iterator[None]:
    """The process's umask for a while."""
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def fill(path: Path, **more: object) -> None:
    """A database with an index, an audit and two segments."""
    with epql.connect(path, autocommit=True, audit="sync", **more) as con:  # type: ignore[call-overload]
        con.execute("ASSERT ('a', 'p', 1)")
        con.execute("SELECT * FROM beliefs").fetchall()
        con.execute("SELECT * FROM queries").fetchall()
        con.close()


def open_to_others(folder: Path) -> list[str]:
    """What others than the user may read, write or enter."""
    return [
        f"{path} {stat.filemode(path.lstat().st_mode)}"
        for path in (folder, *folder.rglob("*"))
        if path.lstat().st_mode & 0o077
    ]


@case
def a_database_is_its_user_s_alone(folder: Path) -> None:
    with umask(0):
        fill(folder / "kb")
        with epql.connect(folder / "kb") as con:  # with -wal and -shm beside the index
            con.execute("SELECT * FROM queries").fetchall()
            assert any(path.name.endswith("-wal") for path in (folder / "kb").rglob("*"))
            assert open_to_others(folder / "kb") == []
            con.close()
    assert stat.S_IMODE((folder / "kb").stat().st_mode) == 0o700
    modes = {stat.S_IMODE(p.stat().st_mode) for p in (folder / "kb").rglob("*") if p.is_file()}
    assert modes <= {0o600, 0o400}


@case
def backups_restored_databases_and_exports_are_too(folder: Path) -> None:
    fill(folder / "kb")
    with umask(0):
        with epql.connect(folder / "kb", autocommit=True) as con:
            con.execute(f"BACKUP TO '{folder}/backup' WITH QUERIES")
            con.execute(f"EXPORT TO '{folder}/all.jsonl'")
            con.execute(f"EXPORT (SELECT * FROM beliefs) TO '{folder}/rows.csv.gz' FORMAT csv")
            con.close()
        with epql.connect(folder / "restored", autocommit=True) as con:
            con.execute(f"RESTORE FROM '{folder}/backup'")
            con.close()
    for name in ("backup", "all.jsonl", "rows.csv.gz", "restored"):
        assert open_to_others(folder / name) == []


@case
def an_export_keeps_the_mode_of_the_file_it_replaces(folder: Path) -> None:
    (folder / "all.jsonl").touch()
    (folder / "all.jsonl").chmod(0o644)
    with epql.connect(":memory:", autocommit=True) as con:
        con.execute(f"EXPORT TO '{folder}/all.jsonl' OVERWRITE")
        con.close()
    assert stat.S_IMODE((folder / "all.jsonl").stat().st_mode) == 0o644


@case
def a_sealed_segment_cannot_be_written(folder: Path) -> None:
    (folder / "1.log").touch(0o666)
    OsFiles(folder).seal("1.log")
    assert stat.S_IMODE((folder / "1.log").stat().st_mode) == 0o400


PLANTED = (
    "LOCK", "FORMAT", "index.db", "journal/00000000000000000001.log",
)  # fmt: skip


def planted(folder: Path, name: str) -> None:
    """A file of a database that is a link: whoever opens it gets the documented error."""
    fill(folder / "kb")
    elsewhere, file = folder / "elsewhere", folder / "kb" / name
    file.rename(elsewhere)
    before = elsewhere.read_bytes()
    file.symlink_to(elsewhere)
    for read_only in (False, True):
        try:
            with epql.connect(folder / "kb", read_only=read_only, autocommit=True) as con:
                con.execute("SELECT * FROM beliefs").fetchall()
                if not read_only:
                    con.execute("ASSERT ('b', 'p', 1)")
                con.close()
        except epql.Error as error:
            assert error.code in ("files.link", "index.open")  # noqa: PT017
    assert elsewhere.read_bytes() == before


def planted_before(folder: Path, name: str) -> None:
    """A link that waits where a file will be made: what it leads to is not made, nor emptied."""
    target = folder / "target"
    target.write_text("precious")
    (folder / "kb").mkdir()
    if "/" in name:
        (folder / "kb" / name).parent.mkdir()
    (folder / "kb" / name).symlink_to(target)
    try:
        fill(folder / "kb")
    except epql.Error as error:
        assert error.code in ("files.link", "index.open")  # noqa: PT017
    assert target.read_text() == "precious"


for _name in PLANTED:
    CASES[f"{_name} is a link"] = lambda folder, name=_name: planted(folder, name)
for _name in (
    *PLANTED, "FORMAT.tmp", "index.db-wal", "index.db-shm", "index.db-journal",
    "journal/00000000000000000001.log.tmp", "audit/cache.db",
):  # fmt: skip
    CASES[f"{_name} is a link before"] = lambda folder, name=_name: planted_before(folder, name)


@case
def a_link_where_an_export_goes_on_its_way_is_not_followed(folder: Path) -> None:
    (folder / "target").write_text("precious")
    (folder / f".all.jsonl.{os.getpid()}.tmp").symlink_to(folder / "target")
    with epql.connect(":memory:", autocommit=True) as con:
        con.execute(f"EXPORT TO '{folder}/all.jsonl'")
        con.close()
    assert (folder / "target").read_text() == "precious"
    assert not (folder / "all.jsonl").is_symlink()


@case
def a_link_where_a_backup_goes_is_not_filled(folder: Path) -> None:
    fill(folder / "kb")
    (folder / "target").mkdir()
    (folder / "backup").symlink_to(folder / "target")
    (folder / f".other.{os.getpid()}.tmp").symlink_to(folder / "target")
    with epql.connect(folder / "kb", autocommit=True) as con:
        for name in ("backup", "other"):
            try:
                con.execute(f"BACKUP TO '{folder}/{name}'")
            except epql.Error as error:
                assert error.code.startswith(("backup.", "files.", "journal.io"))  # noqa: PT017
        con.close()
    assert list((folder / "target").iterdir()) == []


@case
def the_folder_itself_may_be_reached_by_a_link(folder: Path) -> None:
    fill(folder / "kb")
    (folder / "link").symlink_to(folder / "kb")
    fill(folder / "link")
    with epql.connect(folder / "link", read_only=True) as con:
        assert con.execute("SELECT count(*) FROM commits").fetchone() == (1,)
        con.close()


@case
def what_passes_is_in_the_folder_only(folder: Path) -> None:
    """Nothing is made in the folder for temporary files, nor left beside the database."""
    passing = folder / "tmp"
    passing.mkdir()
    before, os.environ["TMPDIR"] = os.environ.get("TMPDIR"), str(passing)
    try:
        fill(folder / "kb")
        with epql.connect(folder / "kb", autocommit=True) as con:
            con.execute("CREATE TEMP TABLE x AS SELECT * FROM beliefs")
            con.execute("SELECT * FROM beliefs a, beliefs b ORDER BY a.object").fetchall()
            assert not list(passing.iterdir())
            con.close()
    finally:
        del os.environ["TMPDIR"]
        if before is not None:
            os.environ["TMPDIR"] = before
    assert not list(passing.iterdir())
    assert {path.name for path in folder.iterdir()} == {"kb", "tmp"}


@pytest.mark.parametrize("name", CASES)
def test_permissions(tmp_path: Path, name: str) -> None:
    CASES[name](tmp_path)


@pytest.mark.row("S14", "permissions and links")
def test_all(row: Row, tmp_path: Path) -> None:
    for number, (name, check) in enumerate(CASES.items()):
        for mask in (0, 0o022, 0o077):
            folder = tmp_path / f"{number}-{mask}"
            folder.mkdir(0o700)
            with umask(mask):
                check(folder)
            row.ran += 1
        row.tell("cases", len(CASES))
        assert name
