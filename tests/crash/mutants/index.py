"""Planted bugs between journal and reader: the index, transactions, the audit, the gardener."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from epql.engine import ingest, replay
from epql.engine.audit.log import AuditLog
from epql.engine.database import Database
from epql.engine.governance import gardener
from epql.engine.index.fold import Fold
from epql.engine.transaction import Transaction
from epql.engine.turns import Turns
from tests.crash.mutants.planting import Planting, mutant

DATABASE = "unit_engine/test_database.py"
INGEST = "unit_engine/test_ingest.py"
RECORDS = "unit_engine/test_records.py"
TRANSACTION = "unit_engine/test_transaction.py"


@mutant("I2", "the checkpoint is written in a transaction of its own, before the rows", INGEST)
def checkpoint_apart(plant: Planting) -> None:
    def apply_frame(fold: Fold, frame: Any) -> None:
        info, entries = ingest._entries(fold, frame)
        fold.begin(frame.tx, frame.recorded_at, info)
        fold.finish(
            frame.tx, frame.recorded_at, frame.record_count, frame.digest, frame.segment,
            frame.offset,
        )  # fmt: skip
        if fold.db.in_transaction:
            fold.db.execute("COMMIT")
            fold.db.execute("BEGIN IMMEDIATE")
        fold.apply(frame.tx, frame.recorded_at, entries)

    plant.put_everywhere(ingest.apply_frame, apply_frame)


@mutant("I3", "the ingestor takes more than was announced as durable", INGEST)
def ingested_beyond_the_mark(plant: Planting) -> None:
    catch_up = ingest.catch_up

    def all_there_is(fold: Any, files: Any, **given: Any) -> int:
        return catch_up(fold, files, progress=given.get("progress"))

    plant.put_everywhere(catch_up, all_there_is)


@mutant("I2", "an index of another journal is believed", DATABASE)
def other_journal_believed(plant: Planting) -> None:
    def checkpoint(db: Any, files: Any) -> tuple[int, Any]:
        last, _, segment, offset = ingest.applied(db)
        if not last:
            return 0, None
        try:
            return last, ingest.tail_at(ingest.read_frame_at(files, segment, offset))
        except ingest.InternalError as error:
            raise ingest.diverged(last) from error

    plant.put_everywhere(ingest.checkpoint, checkpoint)


@mutant("I2", "an index ahead of its journal is believed", DATABASE)
def index_ahead_believed(plant: Planting) -> None:
    def checkpoint(db: Any, files: Any) -> tuple[int, Any]:
        return ingest.applied(db).tx, None

    plant.put_everywhere(ingest.checkpoint, checkpoint)


@mutant("I5", "a record that cannot be understood ends the ingest", RECORDS)
def unknown_record_stops(plant: Planting) -> None:
    def set_aside(self: Fold, seq: int, kind: str, reason: str) -> None:
        raise ingest.InternalError(reason, code="index.record")

    plant.put(Fold, "set_aside", set_aside)


@mutant("I5", "a record that cannot be understood is dropped in silence", RECORDS)
def unknown_record_dropped(plant: Planting) -> None:
    plant.put(Fold, "set_aside", lambda self, seq, kind, reason: None)


# ---------------------------------------------------------------- transactions


@mutant("J7", "a commit is visible before it is durable", DATABASE)
def visible_before_durable(plant: Planting) -> None:
    finish = Database._finish

    def commit_first(self: Database, group: Sequence[Transaction]) -> int:
        if group[0].fixed_at is None:
            self.db.execute("COMMIT")
            self.db.execute("BEGIN IMMEDIATE")
        return finish(self, group)

    plant.put(Database, "_finish", commit_first)


@mutant("J7", "a commit that the index refuses is forgotten", DATABASE)
def refused_by_the_index(plant: Planting) -> None:
    plant.put(Database, "refresh", lambda self: None)


@mutant("J7", "a commit that only the journal has is not looked for at open", DATABASE)
def not_caught_up_at_open(plant: Planting) -> None:
    plant.put(Database, "_catch_up_at_open", lambda self: None)


@mutant("J10", "system time goes back with the clock", TRANSACTION)
def clock_goes_back(plant: Planting) -> None:
    plant.put(Database, "_stamp", lambda self, group: self.clock())


@mutant("R12", "an answer as of now does not wait for the commit in flight", DATABASE)
def nobody_waits(plant: Planting) -> None:
    plant.put(Database, "wait_for_writer", lambda self, instant: None)


@mutant("J7", "a statement that fails leaves its first rows", TRANSACTION)
def statement_kept(plant: Planting) -> None:
    @contextmanager
    def statement(self: Transaction, *, dry_run: bool = False) -> Iterator[None]:
        yield

    plant.put(Transaction, "statement", statement)


@mutant(
    "J7",
    "an interrupt can end a commit between journal and index",
    "unit_epql/test_interrupt.py::test_a_commit_is_not_ended",
)
def unshielded(plant: Planting) -> None:
    @contextmanager
    def shielded(self: Turns) -> Iterator[None]:
        yield

    plant.put(Turns, "shielded", shielded)


# ---------------------------------------------------------------- around it


@mutant(
    "J7", "audit='sync' answers before the question is durable", "unit_engine/test_audit_log.py"
)
def audit_not_synced(plant: Planting) -> None:
    def see_to_it(self: AuditLog) -> None:
        self._wake()

    plant.put(AuditLog, "_see_to_it", see_to_it)


@mutant(
    "J7", "a commit does not bring the reads before it with it", "unit_engine/test_audit_log.py"
)
def reads_after_commit(plant: Planting) -> None:
    finish = Database._finish

    def without_flush(self: Database, group: Sequence[Transaction]) -> int:
        flush, self.audit.flush = self.audit.flush, lambda: None  # type: ignore[method-assign]
        try:
            return finish(self, group)
        finally:
            self.audit.flush = flush  # type: ignore[method-assign]

    plant.put(Database, "_finish", without_flush)


@mutant(
    "R10",
    "a correction is tended once for each gardener that comes",
    "unit_engine/test_gardener.py::test_what_another_gardener_does_meanwhile_is_not_done_again",
)
def tended_twice(plant: Planting) -> None:
    def tend(database: Database, case: Any, readers: Any, timeout_s: float | None) -> Any:
        transaction = database.begin(gardener.GARDENER, timeout_s=timeout_s)
        with transaction.statement():
            done = gardener._carry_out(database, transaction, case, readers)
        transaction.commit()
        return done

    plant.put(gardener, "_tend", tend)


@mutant("R14", "a restore takes the place of commits that are there", "exchange/test_dump.py")
def replayed_over(plant: Planting) -> None:
    def missing(database: Any, writer: Any, commits: Any) -> Iterator[Any]:
        last = writer.last_tx
        return (commit for commit in commits if commit.tx > last)

    plant.put(replay, "_missing", missing)
