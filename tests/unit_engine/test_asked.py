"""An answer as of an instant is the last word: no later commit may come at or before it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import epql
from epql.engine.asked import NAME, Asked, decode, encode
from epql.engine.files import OsFiles
from epql.engine.folder import INDEX
from epql.engine.index.fold import Fold
from epql.engine.index.schema import open_index
from epql.engine.ingest import applied, catch_up
from tests.clock import TestClock
from tests.crash.photograph import Killed, photographed

NOON = "2024-01-01T12:00:00Z"
COUNT = "SELECT count(*) FROM commits AS OF ?"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "kb"


@pytest.fixture
def con(folder: Path, clock: TestClock) -> Iterator[epql.Connection]:
    made = connected(folder, clock)
    made.execute("ASSERT ('s', 'p', 1)")
    yield made
    made.close()


def connected(path: Any, clock: TestClock, **arguments: Any) -> epql.Connection:
    return epql.connect(
        path, agent="ann", clock=clock, autocommit=True, audit="off", timeout=0.2, **arguments
    )


def count(con: epql.Connection, instant: str = NOON) -> int:
    return int(con.execute(COUNT, (instant,)).fetchall()[0][0])


def test_a_clock_that_is_set_back_changes_no_answer(
    con: epql.Connection, folder: Path, clock: TestClock
) -> None:
    clock.set("2024-01-01T13:00:00Z")
    assert count(con) == 1
    clock.set("2024-01-01T11:00:00Z")
    con.execute("ASSERT ('s', 'p', 2)")
    assert count(con) == 1
    ((at,),) = con.execute("SELECT recorded_at FROM commits WHERE tx = 2").fetchall()
    assert at == "2024-01-01T12:00:00.000001Z"


def test_nor_does_that_of_another_process(
    con: epql.Connection, folder: Path, clock: TestClock
) -> None:
    clock.set("2024-01-01T13:00:00Z")
    with connected(folder, clock, read_only=True) as reader:
        assert count(reader) == 1  # it makes no file, and there is none
        reader.close()
    assert not (folder / NAME).exists()
    assert count(con, "2024-01-01T11:30:00Z") == 1
    with connected(folder, clock, read_only=True) as reader:
        assert count(reader) == 1
        reader.close()
    con.close()
    clock.set("2024-01-01T11:00:00Z")
    with connected(folder, clock) as writer:
        assert count(writer) == 1, "what was answered is not in the future"
        writer.execute("ASSERT ('s', 'p', 2)")
        assert count(writer) == 1
        writer.close()
    assert (folder / NAME).stat().st_mode & 0o777 == 0o600


def test_in_memory(clock: TestClock) -> None:
    con = connected(":memory:", clock)
    clock.set("2024-01-01T13:00:00Z")
    assert count(con) == 0
    clock.set("2024-01-01T11:00:00Z")
    con.execute("ASSERT ('s', 'p', 2)")
    assert count(con) == 0
    con.close()


def test_it_never_goes_back_and_garbage_is_nothing(folder: Path) -> None:
    folder.mkdir()
    one, other = (Asked.of(OsFiles(folder), may_create=True) for _ in range(2))
    one.raise_to(50, 1)
    other.raise_to(40, 1)
    assert (one.last(), other.last()) == (50, 50)
    for line in (b"", encode(7)[:-1], b"x" * 37, encode(10**19), encode(7).replace(b"7", b"8", 1)):
        assert decode(line) is None
    (folder / NAME).write_bytes(b"x" * 37)
    assert other.last() == 0
    one.close()
    other.close()


# ------------------------------------------------ a writer who died before he had applied


def killed(con: epql.Connection, folder: Path, moment: str) -> None:
    """A commit that ends at a moment; the lock is free after it, as after a kill."""
    with photographed(folder, folder.with_name("copy"), moment) as camera:
        con.execute("ASSERT ('s', 'p', 2)")
    assert camera.has_fired


@pytest.mark.parametrize("moment", ["written", "synced", "applied"])
@pytest.mark.parametrize("read_only", [False, True])
def test_what_a_dead_writer_left_is_in_the_answer_or_there_is_none(
    con: epql.Connection, folder: Path, clock: TestClock, moment: str, read_only: bool
) -> None:
    reader = connected(folder, clock, read_only=read_only)
    clock.set("2024-01-01T11:00:00Z")
    killed(con, folder, moment)
    clock.set("2024-01-01T13:00:00Z")
    if read_only:
        with pytest.raises(epql.OperationalError) as refused:
            count(reader)
        assert refused.value.code == "read.in_flight"
        connected(folder, clock).close()
    assert count(reader) == 2
    reader.close()


@pytest.mark.parametrize("moment", ["half written", "to write"])
def test_what_is_not_whole_keeps_nobody_waiting(
    con: epql.Connection, folder: Path, clock: TestClock, moment: str
) -> None:
    reader = connected(folder, clock, read_only=True)
    killed(con, folder, moment)
    clock.set("2024-01-01T13:00:00Z")
    assert count(reader) == 1
    reader.close()


def test_a_private_index_follows(con: epql.Connection, folder: Path, clock: TestClock) -> None:
    con.close()
    for file in folder.glob(INDEX + "*"):
        file.unlink()
    reader = connected(folder, clock, read_only=True)
    assert any("private" in notice for notice in reader.notices)
    with connected(folder, clock) as writer:
        clock.set("2024-01-01T11:00:00Z")
        writer.execute("ASSERT ('s', 'p', 2)")
        clock.set("2024-01-01T13:00:00Z")
        assert count(reader) == 2
        writer.close()
    reader.close()


# ------------------------------------------------ two who bring the index up


def test_two_catch_up_at_once(
    con: epql.Connection, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Fold, "finish", _die)
        with pytest.raises(Killed):
            con.execute("ASSERT ('s', 'p', 2)")
    files = OsFiles(folder)
    one, other = open_index(str(folder / INDEX)), open_index(str(folder / INDEX))
    assert applied(one).tx == 1

    class Late(OsFiles):
        """After its first look at the journal, the other has done it all."""

        def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
            catch_up(Fold(other), files)
            return super().read(name, start, length)

    late = Late(folder)
    assert catch_up(Fold(one), late) == 2
    assert applied(one).tx == 2
    one.close()
    other.close()


def _die(*_: Any) -> None:
    raise Killed
