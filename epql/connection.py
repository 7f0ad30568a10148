"""PEP 249: connections and cursors, and what EPQL adds to them.

The one module that sees parse, plan, verbs and engine. A statement goes

    text → parse → (a query) plan → scopes → SQL over the virtual tables → rows
                 → (a verb)  transaction → records → RETURNING's rows

and leaves `messages` (notices), `basis` (what the answer stands on) and rows at its cursor.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, Self, TypedDict, Unpack, overload

from epql.agent import Speaking
from epql.cursor import Cursor, Params
from epql.engine import errors
from epql.engine.clock import Clock, system_clock
from epql.engine.content import check_name
from epql.engine.database import Database
from epql.engine.errors import InterfaceError, ProgrammingError
from epql.engine.opening import Options
from epql.engine.shortage import SHORT, tell
from epql.exchange.doors import Exchanging
from epql.limits import Limits
from epql.rows import Row, RowFactory, T, tuple_row
from epql.runner import Runner

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    R = TypeVar("R", default=Row)
else:
    from typing import TypeVar

    R = TypeVar("R")

DEFAULT_AGENT = "anonymous"
NO_LIMITS = Limits()


class Arguments(TypedDict, total=False):
    """What `connect` takes besides the path and `row_factory`; it says what they mean."""

    agent: str | None
    clock: Clock | None
    read_only: bool
    durability: str
    audit: str
    timeout: float
    autocommit: bool
    gardener: bool
    limits: Limits


@overload
def connect(path: str | os.PathLike[str], **arguments: Unpack[Arguments]) -> Connection[Row]: ...


@overload
def connect(
    path: str | os.PathLike[str], *, row_factory: RowFactory[T], **arguments: Unpack[Arguments]
) -> Connection[T]: ...


def connect(
    path: str | os.PathLike[str],
    *,
    agent: str | None = None,
    clock: Clock | None = None,
    read_only: bool = False,
    durability: str = "full",
    audit: str = "lazy",
    timeout: float = 5.0,
    autocommit: bool = False,
    gardener: bool = True,
    limits: Limits = NO_LIMITS,
    row_factory: RowFactory[Any] = tuple_row,
) -> Connection[Any]:
    """Open the database at `path`, a folder that is made if it is not there.

    Shape: ':memory:' is a database of this connection alone. `agent` is who speaks (else
        'anonymous'); `clock` returns an aware datetime, for tests and replays.
        `durability`: 'full' acknowledges after the sync, 'os' after the write; 'group' is 'full'
        with syncs that threads share, a connection each, `autocommit` on. `audit`: when reads are
        written to the audit: 'lazy' within 100 ms, 'sync' before the answer, 'off' never.
        With `autocommit` each statement commits.
        `gardener`: do what follows from corrections, those of this connection and any left
        undone; False leaves it to others, or to `garden`. `limits`: what one statement may take.
        `row_factory`: what a row is, a tuple unless it says otherwise (epql.rows has others).
    Units: `timeout` in seconds: how long to wait for another writer.
    Raises: ProgrammingError, OperationalError, InternalError; nothing is created by a failure.
    Source: docs/reference/connector.md.
    """
    if not (type(timeout) in (int, float) and timeout >= 0):
        raise InterfaceError(f"the timeout {timeout!r} is no time", code="connect.timeout")
    if clock is not None and not callable(clock):
        raise InterfaceError(
            f"the clock {clock!r} cannot be called",
            code="connect.clock",
            hint="give a callable that returns an aware datetime",
        )
    _check_limits(limits)
    speaker = DEFAULT_AGENT if agent is None else check_name("agent", agent)
    options = Options(clock or system_clock, read_only, durability, float(timeout), audit, gardener)
    try:
        database = Database(_text_of(path), options)
        runner = Runner(database, speaker, autocommit=autocommit, limits=limits)
        runner.gardening.at_opening()
        database.notices += runner.gardening.take_notices()
        return Connection(runner, row_factory)
    except SHORT as error:
        tell(error)


def _check_limits(limits: object) -> None:
    if not isinstance(limits, Limits):
        raise InterfaceError(
            f"limits are given as epql.Limits, not as {type(limits).__name__}",
            code="limit.value",
            hint="epql.Limits(time=2.0, rows=10_000)",
        )


def _text_of(path: object) -> str:
    try:
        return os.fsdecode(path)  # type: ignore[arg-type]
    except TypeError:
        raise ProgrammingError(
            f"a path is text, not {type(path).__name__}",
            code="database.path",
            hint="give the path of a folder, or ':memory:'",
        ) from None


class Connection(Speaking, Exchanging, Generic[R]):
    """A session with a database (PEP 249). Threads may share it: their calls take turns."""

    Warning = errors.Warning
    Error = errors.Error
    InterfaceError = errors.InterfaceError
    DatabaseError = errors.DatabaseError
    DataError = errors.DataError
    OperationalError = errors.OperationalError
    IntegrityError = errors.IntegrityError
    InternalError = errors.InternalError
    ProgrammingError = errors.ProgrammingError
    NotSupportedError = errors.NotSupportedError

    def __init__(self, runner: Runner, row_factory: RowFactory[R]) -> None:
        self._runner: Runner | None = runner
        self.row_factory = row_factory

    @property
    def runner(self) -> Runner:
        """What carries statements out. Raises InterfaceError `connection.closed`."""
        if self._runner is None:
            raise InterfaceError("the connection is closed", code="connection.closed")
        return self._runner

    # ------------------------------------------------------------ PEP 249

    @overload
    def cursor(self) -> Cursor[R]: ...

    @overload
    def cursor(self, *, row_factory: RowFactory[T]) -> Cursor[T]: ...

    def cursor(self, *, row_factory: RowFactory[Any] | None = None) -> Cursor[Any]:
        """A new cursor. `row_factory`: what its rows are; the connection's, unless it is given."""
        return Cursor(self, self.runner, row_factory or self.row_factory)

    def commit(self) -> None:
        """Make the open transaction durable and visible; nothing if there is none."""
        runner = self.runner
        with runner.turns:
            runner.commit()

    def rollback(self) -> None:
        """Undo the open transaction; nothing if there is none."""
        runner = self.runner
        with runner.turns:
            runner.rollback()

    def reset(self) -> None:
        """Roll back what is open, and undo every SET; scratch tables stay. For pools."""
        runner = self.runner
        with runner.turns:
            runner.restart()

    def close(self) -> None:
        """Roll back what is open and close. Closing twice is no error."""
        runner = self._runner
        if runner is None:
            return
        with runner.turns:
            self._runner = None
            runner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        """Commit, or roll back after an error. The connection stays open."""
        if self._runner is None:
            return
        if kind is None:
            self.commit()
        else:
            self.rollback()

    # ------------------------------------------------------------ extras

    def execute(self, text: str, params: Params = ()) -> Cursor[R]:
        """A new cursor that has executed the statement."""
        return self._new_cursor().execute(text, params)

    def executemany(self, text: str, rows: Iterable[Params]) -> Cursor[R]:
        """A new cursor that has executed the statement for each row of parameters."""
        return self._new_cursor().executemany(text, rows)

    def _new_cursor(self) -> Cursor[R]:
        try:
            return Cursor(self, self.runner, self.row_factory)
        except MemoryError as error:
            tell(error)

    def script(self, text: str) -> Iterator[Cursor[R]]:
        """Execute the statements of a script one by one; a cursor for each."""
        from epql.parse import split

        for statement in split(text):
            yield self.execute(statement)

    def garden(self) -> list[Any]:
        """Do what follows from corrections and is not done yet, whoever made them.

        Shape: a `gardener.Done` for each correction, in order: what moved, how many were flagged.
        Raises: OperationalError if it cannot be written now; what was done until then stays.
        Source: docs/language/trust.md.
        """
        runner = self.runner
        with runner.turns:
            return runner.garden()

    def interrupt(self) -> None:
        """End the statement that is running, if one is, with OperationalError
        `statement.interrupted`. From any thread, or from a signal handler; it does not wait.

        Shape: the statement is undone as after any error, and the session goes on. A commit whose
            writing has begun is not ended: it answers that it is committed.
        """
        if self._runner is not None:
            self._runner.turns.interrupt()

    @property
    def limits(self) -> Limits:
        """What one statement may take; others count from the next statement on."""
        return self.runner.limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        _check_limits(limits)
        runner = self.runner
        with runner.turns:
            runner.limits = limits

    @property
    def autocommit(self) -> bool:
        """Whether each statement commits by itself."""
        return self.runner.autocommit

    @autocommit.setter
    def autocommit(self, value: bool) -> None:
        if self.in_transaction:
            raise ProgrammingError(
                "a transaction is open", code="transaction.open", hint="commit or roll back first"
            )
        self.runner.autocommit = bool(value)

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self.runner.in_transaction

    @property
    def agent(self) -> str:
        """Who speaks; SET AGENT changes it."""
        return self.runner.state.agent

    @property
    def notices(self) -> list[str]:
        """What opening and committing had to tell, such as a torn tail that was cut off."""
        return list(self.runner.database.notices)

    def __del__(self) -> None:
        if getattr(self, "_runner", None) is None:
            return
        warnings.warn(f"{self!r} was not closed", ResourceWarning, source=self, stacklevel=2)
        with suppress(Exception):  # nobody is left to tell
            self.close()

    def __repr__(self) -> str:
        where = "closed" if self._runner is None else repr(self._runner.database.path)
        return f"<epql.Connection {where}>"
