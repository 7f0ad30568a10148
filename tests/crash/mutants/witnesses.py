"""Planted bugs of recovery, verify and backup: what tells a torn tail from damage, and a whole
journal from one that was cut."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from epql.engine import backup
from epql.engine.journal import recovery, scan
from epql.engine.journal.recovery import Recovery
from epql.engine.journal.tail import Tail
from epql.engine.journal.verify import _Walk
from tests.crash.mutants.planting import Planting, mutant

JOURNAL = "unit_engine/test_journal.py"
WHOLE = "unit_engine/test_journal_witnesses.py"
FAULTS = "unit_engine/test_journal_faults.py"
BACKUP = "exchange/test_backup.py"


@mutant(
    "J5",
    "a torn tail is left in place",
    f"{FAULTS}::test_each_cut_of_the_last_frame_recovers_the_frames_before",
)
def torn_tail_left(plant: Planting) -> None:
    def repair(files: Any, note: Any, known_tx: int, now: Any) -> Recovery:
        found = recovery._look(files, None, None, note, known_tx)
        return replace(found, tail=replace(found.tail, synced=found.tail.offset), rewritten=True)

    plant.put(recovery, "_repair", repair)


@mutant("J5", "a torn tail is thrown away", FAULTS, JOURNAL)
def torn_tail_thrown_away(plant: Planting) -> None:
    plant.put(recovery, "_keep_aside", lambda files, rest, now: None)


@mutant("J5", "a reader repairs what it finds", FAULTS)
def reader_repairs(plant: Planting) -> None:
    look = recovery._look

    def repair(files: Any, after: Any, lock: Any, note: Any, known_tx: int) -> Recovery:
        recovery.remove_temporaries(files)
        return look(files, after, lock, note, known_tx)

    plant.put(recovery, "_look", repair)


@mutant("J4", "every bad frame is a torn tail", FAULTS)
def damage_is_torn(plant: Planting) -> None:
    plant.put_everywhere(scan.proves_damage, lambda rest, tail: False)


@mutant("J4", "a bad frame before a whole one is damage, synced or not", FAULTS)
def torn_is_damage(plant: Planting) -> None:
    is_witness = scan._is_witness

    def witness(view: memoryview, at: Tail, offset: int) -> bool:
        low = replace(at, offset=-1)
        return is_witness(view, low, offset)

    plant.put(scan, "_is_witness", witness)


@mutant("J4", "nobody asks LOCK and the index what was synced", FAULTS)
def witnesses_ignored(plant: Planting) -> None:
    plant.put(recovery, "_check_witnesses", lambda *given: None)


@mutant("J7", "a note that says clean is believed without a look at the end", WHOLE)
def clean_believed(plant: Planting) -> None:
    plant.put(recovery, "_is_left_clean", lambda found, note: True)


@mutant("I3", "readers read beyond the durable mark", WHOLE)
def beyond_the_mark(plant: Planting) -> None:
    plant.put(recovery, "_at_mark", lambda files, place, tail, note: tail)


@mutant("J9", "a missing segment in the middle is not missed", FAULTS)
def missing_segment(plant: Planting) -> None:
    following = recovery.next_place

    def next_place(files: Any, before: Tail, segment: int) -> Tail:
        header = recovery.read_header(files, segment)
        before = replace(before, last_tx=segment - 1, last_digest=header.previous)
        return following(files, before, segment)

    plant.put_everywhere(following, next_place)


# ---------------------------------------------------------------- verify and backup


@mutant("R8", "verify ignores what an interrupted step left", FAULTS)
def leftovers_ignored(plant: Planting) -> None:
    plant.put(_Walk, "_check_leftovers", lambda self: None)


@mutant("R8", "verify ends at the first damage", FAULTS)
def verify_ends_early(plant: Planting) -> None:
    walk = _Walk._walk_segment

    def walk_while_sound(self: Any, segment: int, *, is_last: bool) -> None:
        if not self._findings:
            walk(self, segment, is_last=is_last)

    plant.put(_Walk, "_walk_segment", walk_while_sound)


@mutant("I2", "verify does not compare with what is known from elsewhere", JOURNAL)
def expectations_ignored(plant: Planting) -> None:
    plant.put(_Walk, "_check_expectations", lambda self: None)


@mutant("I2", "verify compares numbers with what is known, and no digests", JOURNAL)
def digests_ignored(plant: Planting) -> None:
    walk = _Walk.__init__

    def without(self: Any, files: Any, expect: Any) -> None:
        walk(self, files, expect)
        self._wanted = {}

    plant.put(_Walk, "__init__", without)


@mutant(
    "R14",
    "a backup is not read back",
    f"{BACKUP}::test_a_disk_that_alters_what_is_copied_is_noticed",
)
def backup_unchecked(plant: Planting) -> None:
    plant.put(backup, "_check_copy", lambda files, expected, what: None)


@mutant(
    "R14",
    "a backup does not say where it ends",
    f"{BACKUP}::test_a_backup_that_lost_its_end_is_noticed",
)
def backup_end_unknown(plant: Planting) -> None:
    plant.put(backup, "_read_manifest", lambda files: None)


@mutant(
    "R14",
    "a backup takes what is not durable yet",
    f"{BACKUP}::test_what_is_not_durable_yet_is_not_in_it",
)
def backup_beyond_the_mark(plant: Planting) -> None:
    open_tail = backup.open_tail

    def without_lock(files: Any, *, repair: bool, lock: Any = None) -> Recovery:
        return open_tail(files, repair=repair)

    plant.put(backup, "open_tail", without_lock)
