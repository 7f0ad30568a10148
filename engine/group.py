"""Group commit: statements of several threads, each a commit of its own, under one sync.

The connections of a process that are opened with durability='group' share a `SharedWriter` for
each database: a database of its own beside theirs. A statement that commits by itself stands in
line there (line.py), and in its turn, in its own thread, does its work in the open transaction of
the index, inside a savepoint:

    turn of A   LOCK, BEGIN IMMEDIATE, SAVEPOINT … RELEASE, tx 7   then A waits for its answer
    turn of B   SAVEPOINT … RELEASE, tx 8                          B waits
    turn of C   SAVEPOINT … ROLLBACK TO: an error                  C waits: it may stand on 7 and 8
                nobody stands in line: one append and one sync of frames 7 and 8, COMMIT, LOCK free
                A, B and C are answered

So whoever is alone does what durability='full' does. docs/decisions/0047.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from copy import copy
from typing import Any, Generic, NamedTuple, TypeVar

import apsw

from epql.engine.database import Database
from epql.engine.errors import Error, InternalError, OperationalError
from epql.engine.files import Files, OsFiles
from epql.engine.line import Line, Place
from epql.engine.opening import Options
from epql.engine.session import Session
from epql.engine.transaction import Transaction
from epql.engine.turns import Turns

COMMITS_MAX = 128
BYTES_MAX = 2**20
"""A group that has reached one of them gets no further commit."""

RUN_S = 0.05
"""How long groups follow each other before somebody else may have LOCK in between."""

T = TypeVar("T")


class Done(NamedTuple, Generic[T]):
    """What became of a statement: its answer, and its tx (None: nothing was to be committed).

    `behind_by`: as of `Database`, where the index could not take what is durable.
    """

    answer: T
    tx: int | None
    behind_by: int


class _Group:
    """Commits on their way into the journal. `failure`: why they did not come there.

    `is_dirty`: something stands in the index's transaction that belongs to none of them;
    `is_closed`: they are being written.
    """

    def __init__(self) -> None:
        self.commits: list[Transaction] = []
        self.size = 0
        self.is_dirty = False
        self.failure: Exception | None = None
        self.behind_by = 0
        self.is_closed = False
        self.is_settled = threading.Event()

    def add(self, transaction: Transaction) -> None:
        self.size += transaction.size
        self.commits.append(transaction)
        self.is_dirty = False

    @property
    def is_over(self) -> bool:
        """Whether it gets no further commit."""
        is_full = len(self.commits) >= COMMITS_MAX or self.size >= BYTES_MAX
        return is_full or self.is_closed or self.failure is not None


class _Turns(Turns):
    """Looks for whoever has the turn. SQLite does not look while it runs a statement: ending one
    that writes would undo what others wrote in the same transaction."""

    def __init__(self) -> None:
        super().__init__()
        self.whose: Turns | None = None

    def check(self) -> None:
        if self.whose is not None and not self._shields:
            self.whose.check()

    def watch(self, db: apsw.Connection) -> None:
        self._watched.add(db)

    def lend(self, whose: Turns | None) -> None:
        """It is the turn of that connection; None: of none. A fork looks whether it is any's."""
        self.whose = whose
        self._running = int(whose is not None)


class SharedWriter:
    """What the connections of this process to one database write through; see the module."""

    def __init__(self, path: str, options: Options) -> None:
        self._path = path
        self._options = options._replace(audit="off", gardener=False)
        self._turns = _Turns()
        self._line = Line()
        self._group: _Group | None = None
        self._opened: tuple[Database, Session] | None = None
        self._began_s = 0.0
        """When it had let others have LOCK."""
        self.users = 0

    @property
    def database(self) -> Database:
        """Its database, in one's turn."""
        return self._open()[0]

    @property
    def session(self) -> Session:
        """What RETURNING reads through, in one's turn."""
        return self._open()[1]

    @property
    def has_failed(self) -> bool:
        """Whether nothing can be written through it any more."""
        return self._opened is not None and self._opened[0].has_failed

    def carry_out(
        self, agent: str, turns: Turns, timeout_s: float, act: Callable[[Transaction], T]
    ) -> Done[T]:
        """Do something in a commit of its own; returns when that is durable and visible.

        `turns`: of the connection that asks for it.
        Raises: what `act` raises; as Database.begin, Transaction.commit and Place.wait do.
        """
        place = Place()
        try:
            self._line.join(place)
            left_s = place.wait(turns.check, timeout_s)
            self._turns.lend(turns)
            answer = self._act(agent, left_s, act)
        finally:
            _to_its_end(lambda: self._leave(place))
        return answer()

    def close(self) -> None:
        """Let go of its database."""
        opened, self._opened = self._opened, None
        if opened is not None:
            database, session = opened
            session.close()
            database.close()

    # ------------------------------------------------------------ a turn

    def _open(self) -> tuple[Database, Session]:
        if self._opened is None:
            database = Database(self._path, self._options, self._turns)
            self._opened = database, Session(database, _refuse, _refuse)
        return self._opened

    def _act(
        self, agent: str, left_s: float, act: Callable[[Transaction], T]
    ) -> Callable[[], Done[T]]:
        """Do it; what waits for the group, and then tells what became of it."""
        group = self._group = self._group or _Group()
        answer: T | None = None
        tx: int | None = None
        failed: Exception | None = None
        try:
            transaction = self._begin(group, agent, left_s)
            answer = act(transaction)
            if not transaction.is_empty:
                self._keep(group, transaction)
                tx = transaction.tx
        except Exception as error:
            if not group.commits:
                raise
            if not self.database.db.in_transaction:  # a full disk: SQLite takes back all of it
                group.failure = error
            failed = error
        if not group.commits:
            return lambda: Done(answer, None, 0)  # type: ignore[arg-type]

        def told() -> Done[T]:
            # who failed waits, too: his error may stand on commits that come to nothing
            if not group.is_settled.is_set():
                _to_its_end(group.is_settled.wait)
            if group.failure is not None:
                raise self._failure(group.failure) from group.failure
            if failed is not None:
                raise failed
            return Done(answer, tx, group.behind_by)  # type: ignore[arg-type]

        return told

    def _begin(self, group: _Group, agent: str, left_s: float) -> Transaction:
        database, group.is_dirty = self.database, True
        if group.commits:
            database.db.execute("SAVEPOINT epql_commit")
            return database.begin_behind(group.commits[-1], agent)
        if time.monotonic() - self._began_s > RUN_S:
            database.lock.make_way()
            self._began_s = time.monotonic()
        return database.begin(agent, timeout_s=left_s)

    def _keep(self, group: _Group, transaction: Transaction) -> None:
        if group.commits:
            self.database.db.execute("RELEASE epql_commit")
        group.add(transaction)

    # ------------------------------------------------------------ its end

    def _leave(self, place: Place) -> None:
        """Leave the line. Who has the turn hands it on; whoever finds nobody to hand it to, or the
        group full, settles the group before."""
        if self._line.step_out(place):
            return
        group = self._group
        if group is not None and (group.is_dirty or not group.commits):
            self._undo(group)
            group = self._group
        if (group is None or not group.is_over) and self._line.hand_over():
            return
        if group is not None:
            self._settle(group)
        self._turns.lend(None)
        self._line.leave()

    def _undo(self, group: _Group) -> None:
        """Take back what the turn has done, and nothing of what others did before."""
        database = self.database
        try:
            if group.commits:
                database.db.execute("ROLLBACK TO epql_commit; RELEASE epql_commit")
                database.forget()
                database.transaction = group.commits[-1]
            elif database.transaction is not None:
                database.abandon(database.transaction)
        except apsw.SQLError:  # interrupted when the savepoint was not yet there, or no more
            group.failure = group.failure or self._interrupted()
        except Exception as error:
            group.failure = group.failure or error
        group.is_dirty = False
        if not group.commits:
            self._group = None

    def _settle(self, group: _Group) -> None:
        """Make the group's commits durable, then visible, and let everybody know."""
        database, group.is_closed = self.database, True
        try:
            if database.transaction is None:
                pass  # whoever was interrupted here is here again
            elif group.failure is None:
                database.finish(*group.commits)
            else:
                database.abandon(database.transaction)
        except Exception as error:
            group.failure = error
        if database.written >= group.commits[-1].tx:
            group.failure = None  # durable, whatever came after that
        elif group.failure is None:
            group.failure = self._interrupted()
        group.behind_by = database.behind_by
        group.is_settled.set()
        self._group = None

    def _interrupted(self) -> OperationalError:
        has_failed = self.has_failed
        return OperationalError(
            "the thread that wrote this commit with its own was interrupted",
            code="journal.failed" if has_failed else "statement.interrupted",
            hint="close the database and open it again" if has_failed else "run it again",
        )

    def _failure(self, error: Exception) -> Exception:
        """What one of those is told whose group came to nothing; each has an error of his own."""
        return copy(error) if isinstance(error, Error) else self.database.told(error) or error


def _to_its_end(step: Callable[[], object]) -> None:
    """Do something for which others wait, from its beginning again if it is interrupted (Ctrl-C);
    that is raised when it is done."""
    interrupt: BaseException | None = None
    while True:
        try:
            step()
            break
        except Exception:
            raise
        except BaseException as error:
            interrupt = error
    if interrupt is not None:
        raise interrupt


def _refuse(*_: Any) -> Any:
    raise InternalError(
        "a statement that shares its sync reads through its session", code="internal.unexpected"
    )


# ---------------------------------------------------------------- which one

_mutex = threading.RLock()
_shared: dict[tuple[int, int, int, float], SharedWriter] = {}
"""By the folder (device, inode), the clock (its identity) and the timeout."""


def join(files: Files, options: Options) -> SharedWriter:
    """What a connection to a database writes through; to be left when it is closed."""
    assert isinstance(files, OsFiles)
    folder = os.stat(files.root)
    key = folder.st_dev, folder.st_ino, id(options.clock), options.timeout_s
    with _mutex:
        found = _shared.get(key)
        if found is None or found.has_failed:  # those who have that one are told by it
            found = _shared[key] = SharedWriter(str(files.root), options)
        found.users += 1
        return found


def leave(writer: SharedWriter) -> None:
    """Write through it no more; the last one closes it."""
    with _mutex:
        writer.users -= 1
        if writer.users:
            return
        for key in [key for key, one in _shared.items() if one is writer]:
            del _shared[key]
    writer.close()


def _after_fork() -> None:
    """The child has none of them; it does not close them, either (forked.py does)."""
    global _mutex
    _mutex = threading.RLock()
    _inherited.extend(_shared.values())
    _shared.clear()


_inherited: list[SharedWriter] = []

os.register_at_fork(after_in_child=_after_fork)
