"""Files on disk and in memory: the same behaviour, and errors with stable codes."""

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from epql.engine.errors import OperationalError
from epql.engine.files import Files, MemoryFiles, OsFiles, translate, write_atomically


@pytest.fixture(params=["memory", "disk"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Files:
    return MemoryFiles() if request.param == "memory" else OsFiles(tmp_path)


def test_what_was_appended_is_read_back_in_ranges(files: Files) -> None:
    files.mkdir("f")
    handle = files.create("f/a")
    handle.write(b"hello ")
    handle.write(b"world")
    handle.sync()
    assert handle.stat().size == 11
    handle.close()
    handle.close()
    again = files.open("f/a")
    again.write(b"!")
    again.close()
    assert files.read("f/a") == b"hello world!"
    assert files.read("f/a", 6, 5) == b"world"
    assert files.read("f/a", 10, 100) == b"d!"
    assert files.read("f/a", 50) == b""


def test_truncate_cuts_and_appending_goes_on_there(files: Files) -> None:
    handle = files.create("a")
    handle.write(b"123456")
    handle.truncate(2)
    handle.write(b"x")
    assert files.read("a") == b"12x"


def test_list_exists_remove(files: Files) -> None:
    files.mkdir("f")
    for name in ("f/b", "f/a"):
        files.create(name).close()
    assert files.list("f") == ["a", "b"]
    assert files.list("") == ["f"]
    files.remove("f/a")
    assert files.list("f") == ["b"]
    assert files.exists("f") and files.exists("f/b") and not files.exists("f/a")


def test_rename_replaces_and_an_open_handle_keeps_the_old_file(files: Files) -> None:
    old = files.create("a")
    old.write(b"old")
    files.create("b").write(b"new")
    before = files.stat("a").identity
    files.rename("b", "a")
    old.write(b"!")
    assert files.read("a") == b"new"
    assert before == old.stat().identity != files.stat("a").identity


def test_atomic_creation_leaves_no_temporary_file(files: Files) -> None:
    files.mkdir("f")
    write_atomically(files, "f/a", [b"one", b"two"])
    write_atomically(files, "f/a", [b"three"])
    assert files.list("f") == ["a"]
    assert files.read("f/a") == b"three"


@pytest.mark.parametrize(
    "call",
    [
        lambda files: files.read("x/none"),
        lambda files: files.stat("none"),
        lambda files: files.open("none"),
        lambda files: files.create("x/none"),
        lambda files: files.list("x"),
        lambda files: files.remove("none"),
        lambda files: files.rename("none", "other"),
        lambda files: files.sync_folder("x"),
        lambda files: files.seal("none"),
    ],
)
def test_missing_files_have_a_code(files: Files, call: Callable[[Files], object]) -> None:
    with pytest.raises(OperationalError) as caught:
        call(files)
    assert caught.value.code == "files.missing"


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "journal.disk_full"),
        (errno.EDQUOT, "journal.disk_full"),
        (errno.EFBIG, "journal.disk_full"),
        (errno.EIO, "journal.io"),
        (errno.EACCES, "files.permission"),
        (errno.EROFS, "files.read_only"),
        (errno.EMFILE, "files.too_many_open"),
    ],
)
def test_system_errors_have_codes(number: int, code: str) -> None:
    error = translate(OSError(number, os.strerror(number)), "write", "journal/1.log")
    assert error.code == code
    assert error.message.startswith("cannot write journal/1.log: ")


def test_files_and_folders_are_private(tmp_path: Path) -> None:
    files = OsFiles(tmp_path / "kb")
    files.mkdir("")
    files.mkdir("journal")
    files.create("journal/a").close()
    assert (tmp_path / "kb/journal").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "kb/journal/a").stat().st_mode & 0o777 == 0o600


def test_short_writes_are_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: whole(fd, bytes(data[:3])))
    handle = OsFiles(tmp_path).create("a")
    handle.write(b"0123456789")
    assert (tmp_path / "a").read_bytes() == b"0123456789"


def test_short_reads_are_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(b"0123456789")
    whole = os.pread
    monkeypatch.setattr(os, "pread", lambda fd, n, at: whole(fd, min(n, 3), at))
    assert OsFiles(tmp_path).read("a", 1) == b"123456789"


def test_memory_files_are_shared_by_threads() -> None:
    files = MemoryFiles()
    handle = files.create("a")

    def work() -> None:
        for _ in range(200):
            handle.write(b"x")
            files.read("a")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert files.stat("a").size == 800
