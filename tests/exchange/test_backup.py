"""Backups: made beside writers that are killed, checked, restored whole or not at all."""

from __future__ import annotations

import errno
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import epql
from epql.cli.main import main
from epql.engine import backup as engine
from epql.engine.files import Files, OsFiles
from epql.engine.head import head_of
from epql.engine.journal.writer import JournalWriter, Pending
from epql.engine.leftovers import hold, leftovers
from epql.engine.opening import Options
from epql.engine.records import CommitInfo, encode
from epql.exchange.copies import restore_new
from tests.clock import TestClock
from tests.exchange.moving import commits
from tests.samples.sample import unpack

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def con(tmp_path: Path) -> Iterator[epql.Connection]:
    made = epql.connect(tmp_path / "kb", agent="ann", autocommit=True)
    for number in range(30):
        made.execute("ASSERT (?, 'p', ?)", (f"s{number}", "x" * number * 50))
    yield made
    made.close()


def hidden(folder: Path) -> list[str]:
    """What an interrupted step left."""
    return [path.name for path in folder.iterdir() if path.name.endswith(".tmp")]


def test_a_backup_is_a_database_that_can_be_read(con: epql.Connection, tmp_path: Path) -> None:
    con.execute("BACKUP TO ?", (str(tmp_path / "b"),))
    con.execute("ASSERT ('later', 'p', 'q')")
    names = sorted(str(p.relative_to(tmp_path / "b")) for p in (tmp_path / "b").rglob("*"))
    assert names == ["BACKUP", "FORMAT", "journal", "journal/00000000000000000001.log"]
    before = sorted((tmp_path / "b").rglob("*"))
    with epql.connect(tmp_path / "b", read_only=True, audit="off") as reader:
        assert reader.execute("SELECT count(*) FROM beliefs").fetchone() == (30,)
        reader.close()
    assert sorted((tmp_path / "b").rglob("*")) == before
    assert main(["restore", str(tmp_path / "b"), str(tmp_path / "new")]) == 0
    with epql.connect(tmp_path / "new", autocommit=True) as new:
        assert commits(new) == commits(con)[:-1]
        assert new.verify() == []
        new.execute("ASSERT ('goes', 'on', 'here')")
        new.close()
    assert main(["verify", str(tmp_path / "new")]) == 0


def test_an_open_transaction_is_not_in_it(con: epql.Connection, tmp_path: Path) -> None:
    con.execute("BEGIN")
    con.execute("ASSERT ('not', 'yet', 'there')")
    con.execute("BACKUP TO ?", (str(tmp_path / "b"),))
    con.execute("COMMIT")
    with epql.connect(tmp_path / "b", read_only=True) as reader:
        assert reader.execute("SELECT count(*) FROM beliefs").fetchone() == (30,)
        reader.close()


def test_what_is_not_durable_yet_is_not_in_it(con: epql.Connection, tmp_path: Path) -> None:
    """A commit whose sync failed, or has not ended, stands in the file behind the mark in LOCK."""
    database = con.runner.database
    database.lock.acquire(1)
    writer = database._ready_writer()
    before = writer.tail
    at = writer.last_recorded_at + 1
    writer.append([Pending(at, [("M", 0, encode(CommitInfo(writer.last_tx + 1, "ann")))])])
    database.lock.note("writing", before.segment, before.offset, at)
    con.backup(tmp_path / "b")
    assert engine.check_backup(tmp_path / "b") == before
    database.lock.note("clean", writer.tail.segment, writer.tail.offset)
    database.lock.release()


def test_the_record_of_reads_comes_along_if_asked(con: epql.Connection, tmp_path: Path) -> None:
    con.execute("SELECT * FROM beliefs PURPOSE 'a look'").fetchall()
    con.execute("BACKUP TO ? WITH QUERIES", (str(tmp_path / "b"),))
    assert main(["restore", str(tmp_path / "b"), str(tmp_path / "new")]) == 0
    with epql.connect(tmp_path / "new") as new:
        sql = "SELECT purpose FROM queries WHERE purpose = 'a look'"
        assert new.execute(sql).fetchall() == [("a look",)]
        new.close()


@pytest.mark.parametrize("of", ["kb", ":memory:"])
@pytest.mark.parametrize("to", ["new", "again", ":memory:"])
def test_what_was_answered_before_a_backup_stays_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, of: str, to: str
) -> None:
    """Whoever restores it, on a machine whose clock is behind, stamps commits after the answer."""
    monkeypatch.chdir(tmp_path)
    clock = TestClock("2024-01-01T10:00:00Z")
    count = "SELECT count(*) FROM commits AS OF '2024-01-01T12:00:00Z'"
    with epql.connect(of, clock=clock, autocommit=True, audit="off") as first:
        first.execute("ASSERT ('s', 'p', 1)")
        clock.set("2024-01-01T13:00:00Z")
        assert first.execute(count).fetchall() == [(1,)]
        first.backup("b")
        first.close()
    clock.set("2024-01-01T11:00:00Z")
    if to == "new":
        restore_new("b", to, Options(clock))
    with epql.connect(to, clock=clock, autocommit=True, audit="off") as second:
        if to != "new":
            second.execute("RESTORE FROM 'b'")
        second.execute("ASSERT ('s', 'p', 2)")
        assert second.execute(count).fetchall() == [(1,)]
        second.close()


@pytest.mark.parametrize("what", ["file", "full", "itself", "link", "nowhere"])
def test_nothing_is_overwritten(con: epql.Connection, tmp_path: Path, what: str) -> None:
    to = {"itself": tmp_path / "kb", "nowhere": tmp_path / "no" / "b"}.get(what, tmp_path / "b")
    if what == "file":
        to.write_text("mine")
    elif what == "full":
        to.mkdir()
        (to / "mine").write_text("mine")
    elif what == "link":
        to.symlink_to(tmp_path / "elsewhere")
    con.backup(tmp_path / "good")
    for act in (
        lambda: con.backup(to),
        lambda: engine.restore(tmp_path / "good", to, con.runner.database.options),
    ):
        with pytest.raises(epql.OperationalError) as caught:
            act()
        wanted = "database.parent_missing" if what == "nowhere" else "backup.exists"
        assert caught.value.code == wanted
    assert hidden(tmp_path) == []
    assert what != "file" or to.read_text() == "mine"
    (tmp_path / "empty").mkdir()
    con.backup(tmp_path / "empty")


def test_beside_writers_that_are_killed(tmp_path: Path) -> None:
    """Each backup is a whole prefix; the writers notice nothing."""
    rnd = random.Random(11)
    kb = tmp_path / "kb"
    epql.connect(kb).close()
    before: list[object] = []
    for number in range(3):
        with (tmp_path / "out").open("wb") as out:
            writer = subprocess.Popen(
                [sys.executable, "-m", "tests.crash.work", str(kb), "batch"], cwd=ROOT, stdout=out
            )
        give_up = time.monotonic() + 30
        while b"ACK" not in (tmp_path / "out").read_bytes() and time.monotonic() < give_up:
            time.sleep(0.005)
        with epql.connect(kb, read_only=True, audit="off") as reader:
            made = reader.backup(tmp_path / f"b{number}")
            reader.close()
        if number % 2:
            time.sleep(rnd.uniform(0, 0.1))
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        to = tmp_path / f"new{number}"
        assert main(["restore", str(tmp_path / f"b{number}"), str(to)]) == 0
        with epql.connect(to, audit="off") as new, epql.connect(kb, audit="off") as old:
            found = commits(new)
            assert len(found) == made.tx > len(before)
            assert found == commits(old)[: made.tx] and found[: len(before)] == before
            new.close(), old.close()
        before = list(found)


def test_every_flipped_byte_is_noticed(
    con: epql.Connection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    con.backup(tmp_path / "b")
    files = [path for path in (tmp_path / "b").rglob("*") if path.is_file()]
    rnd = random.Random(7)
    for number in range(60):
        file = files[number % len(files)]
        data = file.read_bytes()
        place = rnd.randrange(len(data))
        os.chmod(file, 0o600)
        file.write_bytes(
            data[:place] + bytes([data[place] ^ (1 << rnd.randrange(8))]) + data[place + 1 :]
        )
        other = epql.connect(":memory:", autocommit=True)
        with pytest.raises((epql.InternalError, epql.OperationalError)) as caught:
            other.restore(tmp_path / "b")
        assert caught.value.code in (
            "backup.damaged", "backup.version", "database.format", "database.version",
        ), (file.name, place, caught.value)  # fmt: skip
        if file.suffix == ".log":
            assert "byte " in caught.value.message
        assert commits(other) == []
        if number < 6:
            assert main(["restore", str(tmp_path / "b"), str(tmp_path / "new")]) == 1
            assert not (tmp_path / "new").exists() and hidden(tmp_path) == []
        file.write_bytes(data)
    assert epql.connect(":memory:").restore(tmp_path / "b") == 30
    capsys.readouterr()


def test_a_backup_that_lost_its_end_is_noticed(con: epql.Connection, tmp_path: Path) -> None:
    con.backup(tmp_path / "b")
    (log,) = (tmp_path / "b" / "journal").iterdir()
    whole = log.read_bytes()
    last = commits(con)[-1]
    size = len(last.records[-1][2])
    for cut in (1, size, size + 400, len(whole) - 120, len(whole)):
        log.write_bytes(whole[: len(whole) - cut])
        with pytest.raises(epql.InternalError) as caught:
            epql.connect(":memory:").restore(tmp_path / "b")
        assert caught.value.code == "backup.damaged"
    log.unlink()
    with pytest.raises(epql.InternalError):
        epql.connect(":memory:").restore(tmp_path / "b")


def test_a_copied_folder_serves_too(con: epql.Connection, tmp_path: Path) -> None:
    shutil.copytree(tmp_path / "kb", tmp_path / "copy")
    assert main(["restore", str(tmp_path / "copy"), str(tmp_path / "new")]) == 0
    with epql.connect(tmp_path / "new") as new:
        assert commits(new) == commits(con)
        new.close()


def test_damage_of_the_source_is_not_copied_unnoticed(con: epql.Connection, tmp_path: Path) -> None:
    (log,) = (tmp_path / "kb" / "journal").iterdir()
    data = bytearray(log.read_bytes())
    data[1000] ^= 4
    log.write_bytes(data)
    with pytest.raises(epql.InternalError) as caught:
        con.backup(tmp_path / "b")
    assert caught.value.code == "journal.damaged" and "byte " in caught.value.message
    assert not (tmp_path / "b").exists() and hidden(tmp_path) == []


def test_damage_in_a_sealed_segment_is_found_by_reading_the_copy(tmp_path: Path) -> None:
    path = unpack("v1/segments", tmp_path)
    epql.connect(path).close()  # an index of this version, which needs no look at that segment
    log = sorted((path / "journal").iterdir())[0]
    data = bytearray(log.read_bytes())
    data[500] ^= 4
    log.chmod(0o600)
    log.write_bytes(data)
    damaged = epql.connect(path, read_only=True)
    with closing(damaged), pytest.raises(epql.InternalError) as caught:
        damaged.backup(tmp_path / "b")
    assert caught.value.code == "journal.damaged"
    assert "the database is damaged, and no backup of it was made" in caught.value.message
    assert not (tmp_path / "b").exists() and hidden(tmp_path) == []


def test_a_restored_database_has_the_head_of_its_backup(
    con: epql.Connection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = con.backup(tmp_path / "b")
    assert con.verify(head=made.head) == [] and con.verify(head=tmp_path / "b") == []
    assert main(["restore", str(tmp_path / "b"), str(tmp_path / "new")]) == 0
    assert f"its head is the backup's: {made.head}\n" in capsys.readouterr().out
    assert str(head_of(tmp_path / "new")) == made.head
    con.export_all(tmp_path / "all.jsonl")
    assert main(["restore", str(tmp_path / "all.jsonl"), str(tmp_path / "other")]) == 0
    assert f"its head is now {head_of(tmp_path / 'other')}\n" in capsys.readouterr().out


_KILLED = """
import os, signal, sys
from epql.engine import files
def kill(*_): os.kill(os.getpid(), signal.SIGKILL)
os.fsync = kill
files.OsHandle.sync = kill
from epql.cli.main import main
main(sys.argv[1:])
"""


@pytest.mark.parametrize(
    "words", [["backup", "kb", "x"], ["restore", "good", "x"], ["export", "kb", "x.jsonl", "--all"]]
)
def test_what_a_killed_one_left_is_removed_by_the_next(
    con: epql.Connection, tmp_path: Path, words: list[str]
) -> None:
    con.backup(tmp_path / "good")
    paths = [words[0], *(str(tmp_path / word) for word in words[1:3]), *words[3:]]
    killed = subprocess.run([sys.executable, "-c", _KILLED, *paths], cwd=ROOT)
    assert killed.returncode == -signal.SIGKILL
    (left,) = hidden(tmp_path)
    other = tmp_path / left.replace(f".{words[2]}.", ".another.")
    other.mkdir()
    filled = tmp_path / f".{words[2]}.1.tmp"  # somebody is filling this one
    filled.mkdir()
    held = hold(filled)
    assert main(paths) == 0
    assert sorted(hidden(tmp_path)) == sorted([other.name, filled.name])
    os.close(held)
    assert [path.name for path in leftovers(tmp_path / words[2])] == [filled.name]


def test_a_disk_that_alters_what_is_copied_is_noticed(
    con: epql.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = engine._copy

    def flip(files: Files, name: str, size: int, to: OsFiles) -> Iterator[int]:
        yield from copy(files, name, size, to)
        data = bytearray((to.root / name).read_bytes())
        data[1000] ^= 4
        (to.root / name).write_bytes(data)

    monkeypatch.setattr(engine, "_copy", flip)
    with pytest.raises(epql.InternalError) as caught:
        con.backup(tmp_path / "b")
    assert caught.value.code == "backup.damaged"
    assert not (tmp_path / "b").exists() and hidden(tmp_path) == []


def test_what_is_no_backup(con: epql.Connection, tmp_path: Path) -> None:
    (tmp_path / "some").mkdir()
    for path, code in (("some", "backup.missing"), ("none", "files.missing")):
        with pytest.raises(epql.OperationalError) as caught:
            epql.connect(":memory:").restore(tmp_path / path)
        assert caught.value.code == code
    with pytest.raises(epql.InterfaceError) as refused:
        epql.connect(":memory:", autocommit=True).execute("RESTORE FROM '-'")
    assert refused.value.code == "restore.pipe"


_FULL = """
import os, sys
from epql.engine.files import OsHandle
left = int(sys.argv[1])
write = OsHandle.write
def short(self, data):
    global left
    left -= len(data)
    if left < 0:
        import errno
        from epql.engine.files import translate
        raise translate(OSError(errno.ENOSPC, ""), "write", "it")
    write(self, data)
OsHandle.write = short
from epql.cli.main import main
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.parametrize("room", [0, 9000])
def test_a_full_disk_leaves_nothing(con: epql.Connection, tmp_path: Path, room: int) -> None:
    con.backup(tmp_path / "good")
    for words in (["backup", tmp_path / "kb", tmp_path / "b"],
                  ["restore", tmp_path / "good", tmp_path / "b"]):  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-c", _FULL, str(room), *map(str, words)],
            cwd=ROOT, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 1 and "the disk is full" in done.stderr, done.stderr
        assert "Traceback" not in done.stderr
        assert not (tmp_path / "b").exists() and hidden(tmp_path) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
@pytest.mark.slow
def test_a_file_system_that_is_really_full(con: epql.Connection, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(small)])
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    try:
        con.backup(tmp_path / "good")
        for words in (["backup", tmp_path / "kb", small / "b"],
                      ["restore", tmp_path / "good", small / "b"],
                      ["export", tmp_path / "kb", small / "b.jsonl", "--all"]):  # fmt: skip
            assert main(list(map(str, words))) == 1
            assert list(small.iterdir()) == []
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_an_interrupted_backup_leaves_nothing(con: epql.Connection, tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        con.interrupt()

    with pytest.raises(epql.OperationalError) as caught:
        con.backup(tmp_path / "b", progress=interrupt)
    assert caught.value.code == "statement.interrupted"

    def strike(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        con.backup(tmp_path / "b", progress=strike)
    assert not (tmp_path / "b").exists() and hidden(tmp_path) == []


def test_a_killed_restore_can_go_on(con: epql.Connection, tmp_path: Path) -> None:
    """The statement's way: what is there is the beginning, and the rest comes the next time."""
    con.export_all(tmp_path / "all.jsonl")
    child = (
        "import os, signal, sys, epql\n"
        "from epql.engine import replay\n"
        "from epql.engine.appending import Appending\n"
        "replay._GROUP_COMMITS = 4\n"
        "old, count = Appending.append, 0\n"
        "def append(*given):\n"
        "    global count\n"
        "    old(*given)\n"
        "    count += 1\n"
        "    if count == 3: os.kill(os.getpid(), signal.SIGKILL)\n"
        "Appending.append = append\n"
        "epql.connect(sys.argv[1], autocommit=True).restore(sys.argv[2])\n"
    )
    new, dump = tmp_path / "new", tmp_path / "all.jsonl"
    done = subprocess.run([sys.executable, "-c", child, str(new), str(dump)], cwd=ROOT)
    assert done.returncode == -signal.SIGKILL
    with epql.connect(new, autocommit=True) as other:
        assert commits(other) == commits(con)[:12]
        other.restore(dump)
        assert commits(other) == commits(con) and other.verify() == []
        other.close()


def test_segments_of_a_long_life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from epql.engine.journal import writer

    monkeypatch.setattr(writer.JournalWriter.__init__, "__kwdefaults__",
                        {**(writer.JournalWriter.__init__.__kwdefaults__ or {}),
                         "segment_bytes_max": 2000})  # fmt: skip
    con = epql.connect(tmp_path / "kb", autocommit=True)
    for number in range(40):
        con.execute("ASSERT (?, 'p', ?)", (f"s{number}", "x" * 100))
    assert len(list((tmp_path / "kb" / "journal").iterdir())) > 3
    con.backup(tmp_path / "b")
    assert main(["restore", str(tmp_path / "b"), str(tmp_path / "new")]) == 0
    with epql.connect(tmp_path / "new", autocommit=True) as new:
        assert commits(new) == commits(con)
        new.execute("ASSERT ('goes', 'on', 'here')")
        assert new.verify() == []
        new.close()
    middle = sorted((tmp_path / "b" / "journal").iterdir())[1]
    middle.unlink()
    with pytest.raises(epql.InternalError) as caught:
        epql.connect(":memory:").restore(tmp_path / "b")
    assert "missing" in caught.value.message
    con.close()


# ---------------------------------------------------------------- VERIFY


def test_verify_says_what_and_where(con: epql.Connection, tmp_path: Path) -> None:
    cursor = con.execute("VERIFY")
    assert cursor.fetchall() == []
    assert cursor.notices[0].startswith("sound: 30 commits, 60 records, ")
    (log,) = (tmp_path / "kb" / "journal").iterdir()
    data = bytearray(log.read_bytes())
    data[3000] ^= 1
    log.write_bytes(data)
    cursor = con.execute("VERIFY")
    assert [item[0] for item in cursor.description or ()] == [
        "part", "code", "severity", "place", "finding",
    ]  # fmt: skip
    rows = cursor.fetchall()
    assert rows[0][:3] == ("journal", "journal.damaged", "wrong")
    assert str(rows[0][3]).startswith("journal/00000000000000000001.log:")
    assert any(notice.startswith("not sound") for notice in cursor.notices)
    assert con.verify()[0].code == "journal.damaged"


def test_verify_of_memory_and_of_transactions(con: epql.Connection) -> None:
    memory = epql.connect(":memory:", autocommit=True)
    memory.execute("ASSERT ('a', 'b', 'c')")
    assert memory.verify() == []
    memory.runner.database.db.execute("UPDATE assertion SET confidence = 0.5")
    assert [found.code for found in memory.verify()] == ["index.differs"]
    con.execute("BEGIN")
    con.execute("ASSERT ('a', 'b', 'c')")
    with pytest.raises(epql.InterfaceError) as caught:
        con.execute("VERIFY")
    assert caught.value.code == "transaction.open"
    con.execute("ROLLBACK")


def test_reads_that_cannot_be_copied_leave_no_backup(
    con: epql.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise shutil.Error([("a", "b", "it vanished")])

    con.execute("SELECT * FROM beliefs").fetchall()
    monkeypatch.setattr(shutil, "copytree", fail)
    with pytest.raises(epql.OperationalError) as caught:
        con.execute("BACKUP TO ? WITH QUERIES", (str(tmp_path / "b"),))
    assert caught.value.code == "files.copy" and "it vanished" in caught.value.message
    assert not (tmp_path / "b").exists() and hidden(tmp_path) == []


def test_what_was_acknowledged_without_a_note_is_in_it(
    con: epql.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(JournalWriter, "_note_clean", lambda _: None)  # LOCK cannot be written
    con.execute("ASSERT ('acknowledged', 'p', 'q')")
    con.execute("BACKUP TO ?", (str(tmp_path / "b"),))
    with epql.connect(tmp_path / "b", read_only=True, audit="off") as reader:
        found = reader.execute("SELECT object FROM beliefs WHERE subject = 'acknowledged'")
        assert found.fetchall() == [("q",)]
        reader.close()


@pytest.mark.parametrize(("module", "call"), [(engine, "hold"), (os, "rename")])
def test_a_disk_that_fails_is_told(
    con: epql.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: Any, call: str
) -> None:
    def fails(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(module, call, fails)
    with pytest.raises(epql.OperationalError) as caught:
        con.execute("BACKUP TO ?", (str(tmp_path / "b"),))
    assert caught.value.code == "journal.io"
    monkeypatch.undo()
    assert sorted(os.listdir(tmp_path)) == ["kb"]
