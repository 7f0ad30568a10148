"""A forked child lets go of what it inherited before it opens the database itself (rule J11)."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import epql
from epql.engine.lock import WriterLock


def in_child(act: Callable[[], str]) -> str:
    """What a forked child says."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(write, act().encode())
        except epql.Error as error:
            os.write(write, error.code.encode())
        finally:
            os._exit(0)
    os.close(write)
    said = os.read(read, 10_000).decode()
    os.close(read)
    os.waitpid(child, 0)
    return said


def locks_of(pid: int, file: Path) -> int:
    """How many of the system's locks on a file a process has."""
    number = f":{file.stat().st_ino}"
    lines = Path("/proc/locks").read_text().splitlines()
    return sum(line.split()[4] == str(pid) and line.split()[5].endswith(number) for line in lines)


@pytest.fixture
def connection(tmp_path: Path) -> epql.Connection:
    connection = epql.connect(tmp_path / "kb", autocommit=True)
    connection.execute("ASSERT ('s', 'p', 1)")
    return connection


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="needs Linux's /proc/locks")
def test_a_child_that_opens_the_index_holds_locks_of_its_own(
    connection: epql.Connection, tmp_path: Path
) -> None:
    """Else SQLite takes the parent's for the child's, and the parent deletes the -wal under it."""

    def act() -> str:
        with epql.connect(tmp_path / "kb", autocommit=True) as own:
            own.execute("ASSERT ('child', 'p', 1)")
            count = locks_of(os.getpid(), tmp_path / "kb" / "index.db")
            own.close()
        return str(count)

    assert int(in_child(act)) >= 1
    assert connection.execute("SELECT count(*) FROM beliefs").fetchone() == (2,)
    connection.close()


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="needs Linux's /proc/locks")
def test_a_second_connection_leaves_the_locks_of_the_first(
    connection: epql.Connection, tmp_path: Path
) -> None:
    """A lock of POSIX falls off when any descriptor of its file is closed in the process."""
    file = tmp_path / "kb" / "index.db"
    assert locks_of(os.getpid(), file) == 1
    epql.connect(tmp_path / "kb").close()
    assert locks_of(os.getpid(), file) == 1
    connection.close()


def test_a_child_of_a_parent_in_a_transaction_is_refused(
    connection: epql.Connection, tmp_path: Path
) -> None:
    connection.execute("BEGIN")
    connection.execute("ASSERT ('t', 'p', 1)")

    def act() -> str:
        epql.connect(tmp_path / "kb").close()
        return "opened"

    assert in_child(act) == "connection.forked"
    connection.execute("COMMIT")
    assert in_child(act) == "opened"
    connection.close()


def test_another_database_is_opened_all_the_same(
    connection: epql.Connection, tmp_path: Path
) -> None:
    connection.execute("BEGIN")
    connection.execute("ASSERT ('t', 'p', 1)")

    def act() -> str:
        epql.connect(tmp_path / "other").close()
        return "opened"

    assert in_child(act) == "opened"
    connection.close()


def test_a_child_does_not_keep_the_lock_of_a_parent_that_let_go(tmp_path: Path) -> None:
    lock = WriterLock(tmp_path / "LOCK")
    lock.acquire(0)
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        signal.pause()  # it lives on while the parent closes its descriptor
    try:
        time.sleep(0.05)  # the child has run what follows a fork
        os.close(lock._fd)  # as the parent's death does: no unlock
        lock._fd, lock._held = -1, False
        assert not WriterLock(tmp_path / "LOCK").probe()
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_a_private_index_outlives_the_end_of_a_child(
    connection: epql.Connection, tmp_path: Path
) -> None:
    connection.close()
    for file in (tmp_path / "kb").glob("index.db*"):
        file.unlink()
    reader = epql.connect(tmp_path / "kb", read_only=True)
    private = reader.runner.database._private
    assert private is not None

    def act() -> str:
        private.remove()
        return "ended"

    assert in_child(act) == "ended"
    assert private.path.exists()
    reader.close()
    assert not private.path.exists()
