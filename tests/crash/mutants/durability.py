"""Planted bugs of the writer: when it promises, and what it does after a failure."""

from __future__ import annotations

import weakref
from contextlib import suppress
from dataclasses import replace
from typing import Any

from epql.engine.errors import OperationalError
from epql.engine.group import SharedWriter
from epql.engine.journal import recovery, writer
from epql.engine.journal.format import TRAILER_SIZE, encode_frame, encode_trailer
from epql.engine.journal.segments import segment_name
from epql.engine.journal.writer import JournalWriter
from tests.crash.mutants.planting import Planting, mutant

GROUP = "unit_epql/test_group.py"
JOURNAL = "unit_engine/test_journal.py"
WHOLE = "unit_engine/test_journal_witnesses.py"
FAULTS = "unit_engine/test_journal_faults.py"
POWER = "unit_engine/test_journal_power.py"
FAILED_SYNC = f"{FAULTS}::test_a_failed_sync_makes_the_journal_read_only_until_it_is_reopened"


@mutant("J7", "a commit is acknowledged before it is synced", POWER)
def acknowledged_before_sync(plant: Planting) -> None:
    def write(self: JournalWriter, data: bytes) -> None:
        handle = self._open()
        if self._syncs:
            handle.sync()  # of the group before
        handle.write(data)

    plant.put(JournalWriter, "_write", write)


@mutant("J7", "a commit is acknowledged before it is written", f"{FAULTS}", POWER)
def acknowledged_before_written(plant: Planting) -> None:
    waiting: weakref.WeakKeyDictionary[JournalWriter, bytes] = weakref.WeakKeyDictionary()

    def write(self: JournalWriter, data: bytes) -> None:
        handle = self._open()
        handle.write(waiting.pop(self, b""))
        handle.sync()
        waiting[self] = data

    plant.put(JournalWriter, "_write", write)


@mutant("J7", "commits that share a sync are answered before it", GROUP)
def group_answered_before_sync(plant: Planting) -> None:
    settle = SharedWriter._settle

    def answer_and_settle(self: SharedWriter, group: Any) -> None:
        group.is_settled.set()
        settle(self, group)

    plant.put(SharedWriter, "_settle", answer_and_settle)


@mutant("J7", "a sync that failed is tried again", FAILED_SYNC)
def sync_retried(plant: Planting) -> None:
    def write(self: JournalWriter, data: bytes) -> None:
        handle = self._open()
        handle.write(data)
        try:
            handle.sync()
        except OperationalError:
            handle.sync()

    plant.put(JournalWriter, "_write", write)


@mutant("J7", "after a failed write the journal goes on", FAILED_SYNC)
def failure_forgotten(plant: Planting) -> None:
    plant.put(JournalWriter, "check_usable", lambda self: None)


@mutant("J7", "a failure is not noted in LOCK", FAILED_SYNC)
def failure_not_noted(plant: Planting) -> None:
    def fail(self: JournalWriter, error: BaseException, tail: Any) -> None:
        self._failure = str(error)
        with suppress(OperationalError):
            self._note_clean()

    plant.put(JournalWriter, "_fail", fail)


@mutant("J7", "after a failure the page cache is believed: appended to the file found", FAILED_SYNC)
def page_cache_believed(plant: Planting) -> None:
    def write_in_place(files: Any, name: str, chunks: list[bytes]) -> None:
        handle = files.open(name)
        handle.truncate(sum(map(len, chunks)))
        handle.sync()
        handle.close()

    original = recovery.write_atomically

    def write(files: Any, name: str, chunks: list[bytes]) -> None:
        (write_in_place if name.endswith(".log") else original)(files, name, chunks)

    plant.put(recovery, "write_atomically", write)


@mutant("J7", "after a failure what cannot be synced is cut off in place", FAULTS)
def cut_back_after_failure(plant: Planting) -> None:
    fail = JournalWriter._fail

    def cut_and_fail(self: JournalWriter, error: BaseException, tail: Any) -> None:
        with suppress(OperationalError):
            self._open().truncate(tail.offset)
            self._open().sync()
        fail(self, error, tail)

    plant.put(JournalWriter, "_fail", cut_and_fail)


@mutant("J4", "a frame says that it is synced up to itself, within a group", FAULTS, POWER)
def mark_too_high(plant: Planting) -> None:
    def encode(**fields: Any) -> Any:
        return encode_frame(**fields | {"synced_up_to": fields["offset"]})

    plant.put(writer, "encode_frame", encode)


@mutant("J4", "no frame says how far the journal is synced", FAULTS)
def mark_missing(plant: Planting) -> None:
    def encode(**fields: Any) -> Any:
        return encode_frame(**fields | {"synced_up_to": 0})

    plant.put(writer, "encode_frame", encode)


@mutant("J8", "the end of the file comes from memory", JOURNAL)
def stale_end(plant: Planting) -> None:
    plant.put(JournalWriter, "_is_current", lambda self, note: True)


@mutant("J8", "nobody looks whether the file ends where it should", WHOLE)
def end_not_compared(plant: Planting) -> None:
    def write(self: JournalWriter, data: bytes) -> None:
        handle = self._open()
        handle.write(data)
        if self._syncs:
            handle.sync()

    plant.put(JournalWriter, "_write", write)


@mutant("J3", "all segments have the same salt", WHOLE)
def salt_constant(plant: Planting) -> None:
    plant.put(recovery.create, "__kwdefaults__", {"random": bytes})
    defaults = dict(JournalWriter.__init__.__kwdefaults__, random=bytes)
    plant.put(JournalWriter.__init__, "__kwdefaults__", defaults)


@mutant("J9", "a segment is sealed before its frames are durable", POWER)
def sealed_before_sync(plant: Planting) -> None:
    def seal(self: JournalWriter) -> None:
        handle, tail = self._open(), self._tail
        handle.write(encode_trailer(tail.trailer(), tail.salt))
        end = tail.offset + TRAILER_SIZE
        self._tail = replace(tail, offset=end, synced=end, sealed=True)
        self._files.seal(segment_name(tail.segment))

    plant.put(JournalWriter, "_seal", seal)


@mutant("J9", "a segment is never sealed when the next one begins", JOURNAL)
def never_sealed(plant: Planting) -> None:
    plant.put(JournalWriter, "_seal", lambda self: None)


@mutant("J10", "instants are not compared with the one before", JOURNAL)
def instants_unchecked(plant: Planting) -> None:
    plant.put(JournalWriter, "_check_instants", lambda self, frames: None)


@mutant("J11", "a forked child may write", JOURNAL)
def fork_writes(plant: Planting) -> None:
    check = JournalWriter.check_usable

    def check_usable(self: JournalWriter) -> None:
        self._pid = writer.os.getpid()
        check(self)

    plant.put(JournalWriter, "check_usable", check_usable)
