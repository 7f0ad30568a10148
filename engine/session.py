"""What a connection reads through: the scopes of its running statements, and the relations.

The planner registers the scope of each table reference before a statement runs and takes it
back when the statement's rows are used up; the virtual tables ask for it by number.

A person's SQL runs in a SQLite connection of its own, `sql`, in which there are the relations and
the scratch tables and nothing else; only the relations read the index, `db`
(docs/decisions/0017).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, cast

import apsw

from epql.engine import lengthy, regexp
from epql.engine.allowed import Allowed, set_limits
from epql.engine.database import Database
from epql.engine.errors import InterfaceError
from epql.engine.fused import SAW
from epql.engine.guard import Guard, IndexGuard
from epql.engine.heap import HEAP
from epql.engine.index.schema import keep_in_memory
from epql.engine.index.snapshot import Snapshot
from epql.engine.scratch import Scratch
from epql.engine.vtab import show
from epql.engine.vtab.context import Noted, Scope, Watcher
from epql.engine.vtab.register import register

_GLIMPSE_BYTES_MAX = 200_000
"""A thousand reads, a few milliseconds."""


class Present(NamedTuple):
    """What a statement sees without AS OF; `bound`: the last commit that it may see at all."""

    tx: int
    clock: int
    bound: int | None = None


Overrider = Callable[[Scope, Mapping[str, object], Present | None], Scope]
"""Changes a scope as hidden columns say; the language's part, handed in by the connector."""


class Opened(NamedTuple):
    """A scope while a statement runs: its statement's present, and what sees its rows."""

    scope: Scope
    present: Present | None = None
    watcher: Watcher | None = None


class Session:
    """The Context of a connection's virtual tables."""

    def __init__(
        self, database: Database, overrider: Overrider, speaker: Callable[[], str]
    ) -> None:
        self._database = database
        self._overrider = overrider
        self._speaker = speaker
        self._scopes: dict[int, Opened] = {}
        self._sinks: dict[int, Callable[[int], None]] = {}
        self._next = 0
        self._is_audit_current = False
        self.turns = database.turns
        self.told = database.told
        self.db = database.db
        self.sql = _open()
        self.turns.watch(self.sql)
        self.objects = database.objects
        self.declarations = database.declarations
        self.rulebook = database.rulebook
        self.noted: Noted | None = None
        """Told of each read while somebody asks what a query depends on (explain/reach.py)."""
        register(self.sql, self)
        for db in (self.sql, self.db):
            regexp.register(db, self.turns.check)
        show.register(self.db)
        self.db.create_scalar_function(SAW, cast(Any, self._saw), 2)
        self.db.limit(apsw.SQLITE_LIMIT_LENGTH, Allowed().length)  # of fused plans
        self._has_lengthy = False
        self._is_limited = False
        self.guard = Guard(self.sql)
        self.index_guard = IndexGuard(self.db)
        self.scratch = Scratch(self.sql, self.turns, self.guard)

    @property
    def may_fuse(self) -> bool:
        """Whether a plan may run straight over the index now: limits hold for `sql` alone, and who
        asks what a query depends on (`noted`) is told by the virtual tables."""
        return not self._is_limited and self.noted is None

    def speaker(self) -> str:
        """The agent who asks."""
        return self._speaker()

    @contextmanager
    def speaking(self, agent: str) -> Iterator[None]:
        """What is read meanwhile is asked by that agent: a replay by whoever asked first."""
        usual, self._speaker = self._speaker, lambda: agent
        try:
            yield
        finally:
            self._speaker = usual

    def limit(self, allowed: Allowed) -> None:
        """Nothing of a person's SQL goes beyond what is allowed, from the next statement on."""
        self.turns.time_s, self.turns.memory_bytes = allowed.time_s, allowed.memory_bytes
        HEAP.is_used |= allowed.memory_bytes is not None
        for db in (self.sql, self.db):
            self.turns.watch(db)
        if allowed.time_s is not None and not self._has_lengthy:
            self._has_lengthy = True
            lengthy.register(self.sql)
        set_limits(self.sql, allowed)
        self._is_limited = allowed != Allowed()
        keep_in_memory(self.db, allowed.memory_bytes)
        with self.guard.ours():
            self.scratch.limit(allowed.memory_bytes)

    def close(self) -> None:
        """Let go of the scratch tables."""
        self.sql.close()

    def open_scopes(self, scopes: Iterable[Opened]) -> list[int]:
        """Register scopes; their numbers go into the statement's bindings."""
        self._is_audit_current = False
        numbers = []
        for number, opened in enumerate(scopes, start=self._next):
            self._scopes[number] = opened
            numbers.append(number)
        self._next += len(numbers)
        return numbers

    def open_sink(self, sink: Callable[[int], None]) -> int:
        """Register what a fused plan tells of the rows it sums up; closed as a scope is."""
        number, self._next = self._next, self._next + 1
        self._sinks[number] = sink
        return number

    def _saw(self, number: int, mark: int) -> int:
        self._sinks[number](mark)
        return 1

    def close_scopes(self, numbers: Sequence[int]) -> None:
        """Forget scopes; their statement has ended."""
        for number in numbers:
            self._scopes.pop(number, None)
            self._sinks.pop(number, None)

    def scope(self, number: int | None) -> Scope:
        """The scope of that number; None: now."""
        if number is None:
            return self.present()
        try:
            return self._scopes[number].scope
        except KeyError:
            raise InterfaceError("the scope of this read has ended", code="scope.unknown") from None

    def present(self) -> Snapshot:
        """The snapshot of a plain read."""
        return Snapshot.at(self._database.last()[0], self._database.now())

    def overridden(self, number: int | None, scope: Scope, hidden: Mapping[str, object]) -> Scope:
        """The scope of that number as the hidden columns a person wrote change it."""
        present = None if number is None else self._scopes[number].present
        return self._overrider(scope, hidden, present)

    def watcher(self, number: int | None) -> Watcher | None:
        """What is to see the rows read at the scope of that number, if anything is."""
        return None if number is None else self._scopes[number].watcher

    def journal_records(self, first: int, last: int) -> Iterator[tuple[int, str, str, bytes]]:
        """(tx, position, kind, payload) of the records of commits first to last."""
        return self._database.journal_records(first, last)

    def audited(self) -> apsw.Connection:
        """audit.db, holding all that was read before the statement began."""
        index = self._database.audited()
        if not self._is_audit_current:
            index.catch_up()
            self._is_audit_current = True
        return index.db

    def glimpsed(self) -> apsw.Connection:
        """audit.db at once: with what was read of late if that is little and no statement runs."""
        index = self._database.audited()
        if not self._scopes and index.behind() <= _GLIMPSE_BYTES_MAX:
            index.catch_up()
        return index.db


def _open() -> apsw.Connection:
    """A SQLite connection with nothing in it."""
    db = apsw.Connection(":memory:", statementcachesize=500)
    for setting in (apsw.SQLITE_DBCONFIG_ENABLE_QPSG, apsw.SQLITE_DBCONFIG_DEFENSIVE):
        db.config(setting, 1)
    for setting in (
        apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA,
        apsw.SQLITE_DBCONFIG_DQS_DML,
        apsw.SQLITE_DBCONFIG_DQS_DDL,
    ):
        db.config(setting, 0)
    for count in (1, 2):
        db.create_scalar_function("fts3_tokenizer", None, count)  # it shows addresses in memory
    db.pragma("temp_store", 2)  # in memory: no file is written, not even a passing one
    return db
