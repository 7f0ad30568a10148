"""An open database: its journal, its index, its lock; snapshots to read, transactions to write.

One object per connection. Writing, step by step (docs/architecture.md follows one commit):

    begin    LOCK, journal's end found anew, BEGIN IMMEDIATE, index caught up
    …        records are validated, built and applied (transaction.py)
    finish   stamp the instant, append one frame, sync, COMMIT the index, release LOCK

If the append fails nothing happened. If the index cannot commit after the sync, the commit is
acknowledged all the same, and the index is caught up before the next statement.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import NamedTuple

import apsw

from epql.engine.asked import Asked
from epql.engine.audit.index import AuditIndex
from epql.engine.audit.log import AuditLog, check_mode
from epql.engine.clock import micros, system_clock
from epql.engine.doubt import DOUBTFUL, put_in_doubt
from epql.engine.errors import Error, InterfaceError, InternalError, OperationalError
from epql.engine.files import Files
from epql.engine.governance.rules import Rulebook
from epql.engine.index.ask import only
from epql.engine.index.declarations import Declarations, Views
from epql.engine.index.fold import Fold
from epql.engine.ingest import applied, catch_up, checkpoint, diverged
from epql.engine.journal.reader import read_frame_at, read_frames, records_of
from epql.engine.journal.recovery import Recovery, open_tail
from epql.engine.journal.segments import list_segments, segment_name
from epql.engine.journal.tail import Tail, tail_at
from epql.engine.journal.writer import JournalWriter
from epql.engine.lock import Note
from epql.engine.opening import (
    DURABILITIES,
    Options,
    busy,
    chains_of,
    milliseconds,
    open_folder,
)
from epql.engine.reading import FOREIGN, ours, translated
from epql.engine.records import CommitInfo
from epql.engine.shortage import shortage
from epql.engine.transaction import Transaction, restamp
from epql.engine.turns import Turns
from epql.engine.usable import Opening, PrivateFolder, open_usable

_INSTANTS_MAX = 10_000
"""Instants of commits that are remembered."""


class Supposed(NamedTuple):
    """The last visible commit, and the state of the index's file in which it was that."""

    tx: int
    recorded_at: int
    version: int


class Database:
    """See the module. `turns`: one thread uses it at a time; not to be used after a fork."""

    def __init__(self, path: str, options: Options, turns: Turns | None = None) -> None:
        if options.durability not in DURABILITIES:
            raise InterfaceError(
                f"no durability is called {options.durability!r}",
                code="connect.durability",
                hint="choose one of " + ", ".join(DURABILITIES),
            )
        check_mode(options.audit)
        self.options = options
        self.turns = Turns() if turns is None else turns
        self.notices: list[str] = []
        self.transaction: Transaction | None = None
        self._writer: JournalWriter | None = None
        self._is_unsettled = False
        self._private: PrivateFolder | None = None
        self.behind_by = 0
        self._applied_mark: tuple[int, int, int] | None = None
        self.files, self.lock = open_folder(path, options)
        self.lock.wait = self.turns.wait
        self.asked = Asked.of(self.files, may_create=not options.read_only)
        self.path = path
        self._audited: AuditIndex | None = None
        self.audit = AuditLog(chains_of(self.files), options.audit, tell=self.notices.append)
        self.told = self.turns.told = partial(_told, self.files)
        try:
            usable = open_usable(Opening(path, self.files, self.lock, options, self.notices.append))
            self._private = usable.private
            self._attach(usable.db)
            self._catch_up_at_open()
        except BaseException as error:
            self.close()
            told = self.told(error)
            if told is None and isinstance(error, FOREIGN):
                told = ours(error)
            if told is None:
                raise
            raise told from error

    def _attach(self, db: apsw.Connection) -> None:
        self.turns.watch(db)
        self.db = db
        self.fold = Fold(db)
        self.objects = self.fold.objects
        self.digests: dict[int, bytes] = {}
        self._instants: dict[int, int] = {}
        self._supposed: Supposed | None = None
        self.declarations = Declarations(db)
        self.views = Views(db)
        self.rulebook = Rulebook(db, self.declarations)

    # ------------------------------------------------------------ reading

    @property
    def is_calm(self) -> bool:
        """Whether nothing is open, and nothing is to be settled or caught up before a read."""
        return self.transaction is None and not self._is_unsettled and not self.behind_by

    def now(self) -> int:
        """The instant of a plain read: the clock's, but never before the last commit."""
        return self.present()[1]

    def present(self) -> tuple[int, int]:
        """(transaction, clock) of a plain read: the last commit, and `now`."""
        tx, recorded_at = self.last()
        return tx, max(self.clock(), recorded_at)

    def last(self) -> tuple[int, int]:
        """(tx, recorded_at) of the last visible commit, or of the open transaction; (0, 0)."""
        sql = "SELECT tx, recorded_at FROM txn ORDER BY tx DESC LIMIT 1"
        row = self.db.execute(sql).fetchone()
        return (0, 0) if row is None else (row[0], row[1])

    def supposed(self) -> Supposed:
        """The present as it was when it was last looked up, the clock apart: whoever has read since
        must ask whether it `still_is`. Where nothing is open.
        """
        known = self._supposed
        if known is None:
            tx, recorded_at = self.last()
            known = self._supposed = Supposed(tx, recorded_at, self.db.data_version())
        return known

    def still_is(self, known: Supposed) -> bool:
        """Whether nobody had committed since, when this connection last began to read."""
        if known.version == self.db.data_version():
            return True
        self._supposed = None
        return False

    def tx_at(self, instant: int) -> int:
        """The last commit recorded at or before an instant; 0 before the first."""
        sql = "SELECT tx FROM txn WHERE recorded_at<=? ORDER BY recorded_at DESC LIMIT 1"
        row = self.db.execute(sql, (instant,)).fetchone()
        return 0 if row is None else int(row[0])

    def instant_of(self, tx: int) -> int:
        """The instant of a commit that can be read, where nothing is open: it never changes."""
        found = self._instants.get(tx)
        if found is None:
            if len(self._instants) >= _INSTANTS_MAX:
                self._instants.clear()
            (found,) = only(self.db, "SELECT recorded_at FROM txn WHERE tx=?", (tx,))
            self._instants[tx] = found
        return found

    def recorded_at(self, tx: int) -> int | None:
        """The instant of a commit; None if there is no such commit."""
        row = self.db.execute("SELECT recorded_at FROM txn WHERE tx=?", (tx,)).fetchone()
        return None if row is None else int(row[0])

    def wait_for_writer(self, instant: int) -> None:
        """Wait for a commit in flight that may be stamped at or before `instant`, so that an
        answer AS OF that instant never changes. Bounded by the connection's timeout.

        Later ones are stamped after it, whatever the clock says: that is noted first, because a
        commit says that it is in flight before it looks for it.
        Raises: OperationalError `read.in_flight`.
        """
        if instant <= self.last()[1]:
            return  # what comes later is stamped later
        self.asked.raise_to(instant, self.options.timeout_s)
        if self.transaction is not None:
            return
        if self._private is not None:
            self._follow_privately()
        deadline = time.monotonic() + self.options.timeout_s
        while instant > self.last()[1] and self._may_still_come(instant):
            if time.monotonic() > deadline:
                raise OperationalError(
                    "a commit in flight may still belong to that instant",
                    code="read.in_flight",
                    retryable=True,
                )
            self.turns.wait(0.0005)

    def _may_still_come(self, instant: int) -> bool:
        """Whether a commit that is not visible yet may be stamped at or before an instant."""
        note = self.lock.read_note()
        if note is None:  # none was ever written, or it is half overwritten at this moment
            return self.lock.probe()
        if note.state == "writing" and self.lock.probe():
            return note.instant_us <= instant
        if not self._is_unapplied(note, instant):
            return False
        if self.lock.probe():
            return True
        # its writer has applied it in the meantime, or died before it could; also what a dead one
        # did not sync becomes a commit, when the journal is recovered and has it whole
        if not self._is_unapplied(note, instant):
            return False
        if self._private is not None:
            self._follow_privately()
        elif not self.options.read_only:
            self._catch_up_if_free()
        return True

    def _follow_privately(self) -> None:
        """Bring a private index up to what is durable."""
        tail = open_tail(self.files, repair=False, lock=self.lock).tail
        catch_up(self.fold, self.files, upto=tail.last_tx)
        self.forget()

    def _is_unapplied(self, note: Note, instant: int) -> bool:
        """Whether the journal holds a commit of that time that the index has not.

        Between the sync and the index's COMMIT the note says 'clean' already. Backfilled commits
        do not count: they are older than the answers given before them (language.md §3).
        """
        segment = note.segment or 1  # 0: nobody has found the journal's end yet
        size = self.files.stat(segment_name(segment)).size
        mark = (segment, note.offset, size)
        if mark == self._applied_mark:
            return False
        last, place = checkpoint(self.db, self.files)
        frame = next(read_frames(self.files, after_tx=last, after=place), None)
        if frame is None:
            self._applied_mark = mark
            return False
        return not frame.is_backfilled and frame.recorded_at <= instant

    def journal_records(self, first: int, last: int) -> Iterator[tuple[int, str, str, bytes]]:
        """(tx, position, kind, payload) of the records of commits first to last."""
        for frame in read_frames(
            self.files, after_tx=first - 1, after=self._place_after(first - 1)
        ):
            if frame.tx > last:
                return
            name = segment_name(frame.segment)
            for kind, _, payload, offset in records_of(frame):
                yield frame.tx, f"{name}:{frame.offset + offset}", kind, bytes(payload)

    def _place_after(self, tx: int) -> Tail | None:
        """Where the journal goes on after a commit, so that nothing before it is read; None: the
        index does not say, or what it says is not so."""
        sql = "SELECT segment, offset FROM txn WHERE tx=? AND offset NOT NULL"
        row = self.db.execute(sql, (tx,)).fetchone()
        if row is None:
            return None
        with suppress(InternalError):
            frame = read_frame_at(self.files, *row)
            if frame.tx == tx:
                return tail_at(frame)
        return None

    def audited(self) -> AuditIndex:
        """What is known of reads; to be caught up before it is asked (`catch_up`)."""
        if self._audited is None:
            self._audited = AuditIndex(self.audit, busy_ms=self._busy_ms())
        self.turns.watch(self._audited.db)
        return self._audited

    # ------------------------------------------------------------ writing

    def begin(
        self,
        agent: str,
        *,
        at: int | None = None,
        origin: str = "local",
        key: str | None = None,
        timeout_s: float | None = None,
    ) -> Transaction:
        """Begin a transaction; `at` fixes the commit's instant (backfill).

        `timeout_s`: how long to wait for another writer; None: as the connection's options say.
        Raises: OperationalError `database.read_only`, `lock.timeout`, `journal.failed`;
        InternalError `journal.damaged`, `index.diverged`.
        """
        self.check_writable()
        if self.transaction is not None:
            raise InterfaceError("a transaction is open already", code="transaction.open")
        self.settle()
        self.lock.acquire(self.options.timeout_s if timeout_s is None else timeout_s)
        self._is_unsettled = True
        try:
            writer = self._ready_writer()
            self.db.execute("BEGIN IMMEDIATE")
            tx = applied(self.db).tx
            if tx < writer.last_tx:
                self.db.execute("ROLLBACK")
                self._catch_up()  # for good, whatever becomes of this transaction
                self.db.execute("BEGIN IMMEDIATE")
                tx = applied(self.db).tx
            if tx != writer.last_tx:
                raise diverged(tx)
            info = CommitInfo(writer.last_tx + 1, agent, origin, key)
            instant = max(self.clock(), writer.last_recorded_at + 1) if at is None else at
            transaction = Transaction(self, instant, info, fixed_at=at)
        except BaseException as error:
            self.settle()
            told = self.told(error)
            if told is None:
                raise
            raise told from error
        self._is_unsettled = False
        self.behind_by = 0
        self.transaction = transaction
        return transaction

    def begin_behind(self, before: Transaction, agent: str) -> Transaction:
        """Begin the next transaction of a group; the one before it is still open (group.py)."""
        info = CommitInfo(before.tx + 1, agent)
        self.transaction = Transaction(self, max(self.clock(), before.at + 1), info)
        return self.transaction

    @contextmanager
    def writing(self) -> Iterator[JournalWriter]:
        """The journal's writer, the lock held and the index caught up; for bulk loads."""
        self.lock.acquire(self.options.timeout_s)
        try:
            writer = self._ready_writer()
            self._catch_up()
            self.behind_by = 0
            yield writer
        finally:
            self.lock.release()

    def finish(self, *group: Transaction) -> int:
        """Make transactions durable, then visible; the tx of the last. Called by
        Transaction.commit, and by group.py with all that are open, in their order.

        It runs to its end: an interrupt that comes now comes too late.
        """
        with self.turns.shielded():
            return self._finish(group)

    def _finish(self, group: Sequence[Transaction]) -> int:
        writer = self._ready()
        try:
            self.audit.flush()  # what was read before is known wherever the commit is
            # readers of a later instant wait from here on, so the stamp comes after the note
            self.lock.note("writing", writer.tail.segment, writer.tail.synced, self.clock())
            restamp(group, self._stamp(group))
            appended = writer.append([one.pending() for one in group])
        except BaseException as error:
            self.abandon(group[-1])
            self.told(error)
            raise
        last = appended[-1].tx
        self._is_unsettled = True
        try:
            for one, its in zip(group, appended, strict=True):
                self.fold.finish(
                    its.tx, one.at, one.record_count, its.digest, its.segment, its.offset
                )
            self.db.execute("COMMIT")
        except BaseException as error:
            # durable all the same: the index is caught up before the next statement
            self.behind_by = last
            self._roll_back()
            if self.told(error) is None:
                raise
        finally:
            self.transaction = None
            self.lock.release()
        self._is_unsettled = False
        return last

    def abandon(self, transaction: Transaction) -> None:
        """Undo a transaction. Called by Transaction.rollback."""
        self.transaction = None
        self._is_unsettled = True
        with self.turns.shielded():
            try:
                self._roll_back()
            finally:
                try:
                    self._note_nothing_in_flight()
                finally:
                    self.lock.release()
        self._is_unsettled = False

    def settle(self) -> None:
        """Roll back and let go of the lock, where what should have done so failed itself: when
        memory runs out it can be missing there, too."""
        if self._is_unsettled:
            try:
                self._roll_back()
            finally:
                self.lock.release()
            self._is_unsettled = False

    def _note_nothing_in_flight(self) -> None:
        """Take 'writing' back, unless a write failed: then what the page cache shows may be gone,
        and only a new file is believed (rule J7)."""
        writer = self._writer
        if writer is None or writer.failed:
            return
        note = self.lock.read_note()
        if note is not None and note.state == "writing":
            self.lock.note("clean", writer.tail.segment, writer.tail.synced)

    def forget(self) -> None:
        """Drop what is remembered of the index; after a rollback."""
        self.fold.forget()
        self.digests.clear()
        self._instants.clear()
        self._supposed = None
        self.declarations.forget()
        self.views.forget()

    def check_writable(self) -> None:
        """Raise OperationalError `database.read_only` unless this connection may write."""
        if self.options.read_only:
            raise OperationalError(
                "this connection is read-only",
                code="database.read_only",
                hint="open the database without read_only=True",
            )

    def refresh(self) -> None:
        """Catch the index up if a commit could not be applied when it was made.

        Where that is not possible yet (the disk is full), `behind_by` stays the commit's number.
        """
        self.settle()
        if not self.behind_by or self.transaction is not None:
            return
        try:
            self.lock.acquire(self.options.timeout_s)
            try:
                # no further than what was acknowledged: more may stand in the file unsynced
                catch_up(self.fold, self.files, upto=self.behind_by)
            finally:
                self.lock.release()
        except (OperationalError, apsw.Error) as error:
            self.told(error)
            return  # reads go on at the last commit that is in the index, and say so
        self.behind_by = 0

    def close(self) -> None:
        """Roll back what is open and let go of everything."""
        with ExitStack() as ending:  # each of them, whatever becomes of the others; the last first
            if self._private is not None:
                ending.callback(self._private.remove)
            if hasattr(self, "db"):
                ending.callback(self.db.close)
            ending.callback(self.asked.close)
            ending.callback(self.lock.close)
            if self._writer is not None:
                ending.callback(self._writer.close)
            if self._audited is not None:
                ending.callback(self._audited.close)
            ending.callback(self.audit.close)
            if self.transaction is not None:
                self.abandon(self.transaction)

    # ------------------------------------------------------------ steps

    def clock(self) -> int:
        """The clock of this connection, in microseconds."""
        clock = self.options.clock
        return time.time_ns() // 1000 if clock is system_clock else micros(clock())

    def _stamp(self, group: Sequence[Transaction]) -> int:
        """The instant of the first. System time never goes back: the clock, or just after the last
        commit (rule J10), or just after what was asked about; of several also after what they bear
        so far, of which no two may be the same in the index at any time."""
        if group[0].fixed_at is not None:
            return group[0].fixed_at
        at = max(self.clock(), self._ready().last_recorded_at + 1, self.asked.last() + 1)
        return at if len(group) == 1 else max(at, group[-1].at + 1)

    @property
    def has_failed(self) -> bool:
        """Whether a write failed, so that nothing more is written until it is opened again."""
        return self._writer is not None and self._writer.failed

    @property
    def written(self) -> int:
        """The last commit that is in the journal as this connection knows it, durably."""
        return 0 if self._writer is None else self._writer.last_tx

    def _ready(self) -> JournalWriter:
        assert self._writer is not None
        return self._writer

    def _ready_writer(self) -> JournalWriter:
        """The journal's writer, at the journal's true end. Under the lock."""
        if self._writer is not None:
            self._note_recovery(self._writer.refresh())
            return self._writer
        known = applied(self.db).tx
        recovery = open_tail(self.files, repair=True, lock=self.lock, known_tx=known)
        self._note_recovery(recovery)
        durability = "os" if self.options.durability == "os" else "full"
        self._writer = JournalWriter(
            self.files, tail=recovery.tail, durability=durability, lock=self.lock
        )
        return self._writer

    def _note_recovery(self, recovery: Recovery) -> None:
        if recovery.notice is not None:
            self.notices.append(recovery.notice)

    def _catch_up(self) -> None:
        """Apply all that the journal has. Under the lock. Raises: OperationalError `index.busy`."""
        try:
            catch_up(self.fold, self.files, progress=lambda _: self.turns.check())
        except apsw.BusyError as error:
            raise busy() from error

    def _roll_back(self) -> None:
        try:
            if self.db.in_transaction:
                self.db.execute("ROLLBACK")
        except apsw.Error as error:
            self.told(error)  # what is in the journal is not changed by it
        finally:
            self.forget()

    # ------------------------------------------------------------ opening

    def _catch_up_at_open(self) -> None:
        if not self.options.read_only and not self.lock.probe():
            self._catch_up_if_free()

    def _catch_up_if_free(self) -> None:
        """Apply what a crash or another process left in the journal. Never waits."""
        try:
            self.lock.acquire(0)
        except OperationalError:
            return  # somebody writes, and keeps the index up
        try:
            note = self.lock.read_note()
            if note is None or not note.is_clean or self._is_torn(note):
                self._ready_writer()
            self._catch_up()
        finally:
            self.lock.release()

    def _is_torn(self, note: Note) -> bool:
        """Whether a journal that was left clean has an unfinished commit behind its end: a power
        cut takes the note back to an older one, which was never synced."""
        segments = list_segments(self.files)
        size = self.files.stat(segment_name(segments[-1])).size
        if (segments[-1], size) == (note.segment, note.offset):
            return False
        return open_tail(self.files, repair=False, mark=note).cut_bytes > 0

    def _busy_ms(self) -> int:
        return milliseconds(self.options.timeout_s)


def _told(files: Files, error: BaseException) -> Error | None:
    """SQLite's error, or a shortage, as one of ours; None for another's. One that casts doubt on
    the index has it checked at the next opening (rule I8)."""
    cause = error.__cause__ if isinstance(error, Error) else error
    is_of_disk = isinstance(error, Error) and error.code == "journal.io"
    if is_of_disk or isinstance(cause, DOUBTFUL):
        put_in_doubt(files)
    return translated(error) if isinstance(error, apsw.Error) else shortage(error)
