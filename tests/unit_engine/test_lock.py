"""The writer's lock: one holder, across processes and inside one, and what it leaves behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from epql.engine import lock as lock_module
from epql.engine.errors import InterfaceError, OperationalError
from epql.engine.files import MemoryFiles, OsFiles
from epql.engine.lock import NOTE_SIZE, Note, WriterLock, decode_note, encode_note

HOLD = """
import sys, time
from pathlib import Path
from epql.engine.lock import WriterLock
lock = WriterLock(Path(sys.argv[1]))
lock.acquire(5)
lock.note("writing", 7, 4096, 123)
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path):  # type: ignore[no-untyped-def]
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "LOCK")], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None and child.stdout.readline() == "held\n"
    yield child
    child.kill()
    child.wait()
    child.stdout.close()


def pair(kind: str, tmp_path: Path) -> tuple[WriterLock, WriterLock]:
    if kind == "memory":
        files = MemoryFiles()
        return WriterLock.of(files), WriterLock(None, files)
    return WriterLock.of(OsFiles(tmp_path)), WriterLock(tmp_path / "LOCK")


@pytest.mark.parametrize("kind", ["memory", "disk"])
def test_two_locks_in_one_process_exclude_each_other(kind: str, tmp_path: Path) -> None:
    one, two = pair(kind, tmp_path)
    assert not one.probe()
    one.acquire(0)
    assert one.held and two.probe() and not two.held
    with pytest.raises(OperationalError) as caught:
        two.acquire(0.02)
    assert caught.value.code == "lock.timeout" and caught.value.retryable
    one.release()
    one.release()
    two.acquire(0)
    assert two.held and not one.held
    two.release()


@pytest.mark.parametrize("kind", ["memory", "disk"])
def test_the_note_survives_the_next_holder(kind: str, tmp_path: Path) -> None:
    one, two = pair(kind, tmp_path)
    assert one.acquire(0) is None
    one.note("writing", 3, 4711, -5)
    one.release()
    found = two.acquire(0)
    note = one.read_note()
    assert found is not None and note is not None
    assert (found.state, found.segment, found.offset, found.instant_us) == ("writing", 3, 4711, -5)
    assert (note.state, note.segment, note.offset, note.pid) == ("writing", 3, 4711, os.getpid())
    assert not note.is_clean and note.hides


def test_who_would_take_it_again_makes_way_for_who_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = pair("disk", tmp_path)
    tried, may_try = threading.Event(), threading.Event()

    def wait(_: float) -> None:
        tried.set()
        assert may_try.wait(60)

    def pause(_: float) -> None:
        may_try.set()
        waiting.join(60)

    two.wait = wait
    assert not one.is_wanted()
    one.acquire(0)
    waiting = threading.Thread(target=two.acquire, args=(60,))
    waiting.start()
    assert tried.wait(60) and one.is_wanted()
    one.release()
    monkeypatch.setattr(lock_module.time, "sleep", pause)
    one.make_way()
    assert two.held and not one.is_wanted()
    one.make_way()  # nobody waits any more
    two.close()


def test_who_gives_up_waits_no_more(tmp_path: Path) -> None:
    one, two = pair("disk", tmp_path)
    one.acquire(0)
    with pytest.raises(OperationalError):
        two.acquire(0.01)
    assert not one.is_wanted()
    one.close()


def test_the_timeout_names_the_holder(holder: subprocess.Popen[str], tmp_path: Path) -> None:
    lock = WriterLock(tmp_path / "LOCK")
    assert lock.probe()
    began = time.monotonic()
    with pytest.raises(OperationalError) as caught:
        lock.acquire(0.1)
    assert 0.09 < time.monotonic() - began < 2
    assert f"process {holder.pid} since 20" in caught.value.message


def test_a_killed_holder_frees_the_lock(holder: subprocess.Popen[str], tmp_path: Path) -> None:
    lock = WriterLock(tmp_path / "LOCK")
    holder.send_signal(signal.SIGKILL)
    found = lock.acquire(1)
    assert found is not None
    assert (found.state, found.segment, found.offset, found.pid) == ("writing", 7, 4096, holder.pid)


def test_the_note_is_a_line_of_fixed_length(tmp_path: Path) -> None:
    lock = WriterLock(tmp_path / "LOCK")
    lock.acquire(0)
    for offset in (0, 10**11):
        lock.note("clean", 2**63, offset, -(2**63))
        data = (tmp_path / "LOCK").read_bytes()
        assert len(data) == NOTE_SIZE and data.endswith(b"\n")
    assert (tmp_path / "LOCK").stat().st_mode & 0o777 == 0o600


def test_a_half_written_note_is_no_note() -> None:
    one = encode_note(Note("clean", 1, 120, 1, "0" * 16, 1, 0))
    two = encode_note(Note("writing", 9, 999, 2, "0" * 16, 2, 3))
    assert decode_note(one) is not None
    for at in range(1, 127):
        mixed = one[:at] + two[at:]
        assert mixed in (one, two) or decode_note(mixed) is None
    assert decode_note(b"") is None and decode_note(bytes(128)) is None


def test_only_the_holder_writes_the_note(tmp_path: Path) -> None:
    lock = WriterLock(tmp_path / "LOCK")
    with pytest.raises(InterfaceError) as caught:
        lock.note("clean", 1, 120)
    assert caught.value.code == "lock.not_held"
    lock.acquire(0)
    with pytest.raises(InterfaceError) as caught:
        lock.acquire(0)
    assert caught.value.code == "lock.held"


def test_a_lock_is_refused_after_fork_and_the_parent_keeps_it(tmp_path: Path) -> None:
    lock = WriterLock(tmp_path / "LOCK")
    lock.acquire(0)
    child = os.fork()
    if child == 0:
        code = "none"
        try:
            lock.release()
        except InterfaceError as error:
            code = error.code
        del lock
        os._exit(0 if code == "lock.forked" else 1)
    _, status = os.waitpid(child, 0)
    assert status == 0
    assert WriterLock(tmp_path / "LOCK").probe()


def test_the_lock_file_stays_for_ever(tmp_path: Path) -> None:
    """Were it removed, one could hold the old file and another the new one."""
    path = tmp_path / "LOCK"
    lock = WriterLock(path)
    lock.acquire(0)
    first = path.stat().st_ino
    lock.release()
    lock.acquire(0)
    lock.close()
    assert path.stat().st_ino == first


def test_a_replaced_lock_file_is_followed(tmp_path: Path) -> None:
    one, two = WriterLock(tmp_path / "LOCK"), WriterLock(tmp_path / "LOCK")
    one.acquire(0)
    one.release()
    (tmp_path / "LOCK").unlink()
    two.acquire(0)
    with pytest.raises(OperationalError):
        one.acquire(0.05)


def test_a_lock_in_a_read_only_place_has_a_code(tmp_path: Path) -> None:
    lock = WriterLock(tmp_path / "none" / "LOCK")
    assert lock.read_note() is None and not lock.probe()
    with pytest.raises(OperationalError) as caught:
        lock.acquire(0)
    assert caught.value.code == "files.missing"
