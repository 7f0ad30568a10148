"""PEP 249: connections and cursors, and what EPQL adds to them.

The one module that sees parse, plan, verbs and engine. A statement goes

    text → parse → (a query) plan → scopes → SQL over the virtual tables → rows
                 → (a verb)  transaction → records → RETURNING's rows

and leaves `messages` (notices), `basis` (what the answer stands on) and rows at its cursor.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from epql.agent import Speaking
from epql.cursor import Cursor
from epql.engine import errors
from epql.engine.clock import Clock, system_clock
from epql.engine.content import check_name
from epql.engine.database import Database
from epql.engine.errors import InterfaceError, ProgrammingError
from epql.engine.opening import Options
from epql.runner import Runner

DEFAULT_AGENT = "anonymous"

apilevel = "2.0"
threadsafety = 1
paramstyle = "qmark"


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
) -> Connection:
    """Open the database at `path`, a folder that is made if it is not there.

    Shape: ':memory:' is a database of this connection alone. `agent` is who speaks (else
        'anonymous'); `clock` returns an aware datetime, for tests and replays.
        `durability`: 'full' acknowledges after the sync, 'os' after the write; 'group' is for
        now the same as 'full'. `audit`: when reads are written to the audit: 'lazy' within
        100 ms, 'sync' before the answer, 'off' never. With `autocommit` each statement commits.
        `gardener`: do what follows from corrections, those of this connection and any left
        undone; False leaves it to others, or to `garden`.
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
    speaker = DEFAULT_AGENT if agent is None else check_name("agent", agent)
    options = Options(clock or system_clock, read_only, durability, float(timeout), audit, gardener)
    database = Database(_text_of(path), options)
    runner = Runner(database, speaker, autocommit=autocommit)
    runner.gardening.at_opening()
    database.notices += runner.gardening.take_notices()
    return Connection(runner)


def _text_of(path: object) -> str:
    try:
        return os.fsdecode(path)  # type: ignore[arg-type]
    except TypeError:
        raise ProgrammingError(
            f"a path is text, not {type(path).__name__}",
            code="database.path",
            hint="give the path of a folder, or ':memory:'",
        ) from None


class Connection(Speaking):
    """A session with a database (PEP 249). Not to be shared between threads."""

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

    def __init__(self, runner: Runner) -> None:
        self._runner: Runner | None = runner

    @property
    def runner(self) -> Runner:
        """What carries statements out. Raises InterfaceError `connection.closed`."""
        if self._runner is None:
            raise InterfaceError("the connection is closed", code="connection.closed")
        return self._runner

    # ------------------------------------------------------------ PEP 249

    def cursor(self) -> Cursor:
        """A new cursor."""
        return Cursor(self, self.runner)

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
        self.runner.restart()

    def close(self) -> None:
        """Roll back what is open and close. Closing twice is no error."""
        runner = self._runner
        if runner is None:
            return
        with runner.turns:
            self._runner = None
            runner.close()

    def __enter__(self) -> Connection:
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

    def execute(self, text: str, params: Sequence[Any] | Mapping[str, Any] = ()) -> Cursor:
        """A new cursor that has executed the statement."""
        return self.cursor().execute(text, params)

    def executemany(self, text: str, rows: Iterable[Sequence[Any] | Mapping[str, Any]]) -> Cursor:
        """A new cursor that has executed the statement for each row of parameters."""
        return self.cursor().executemany(text, rows)

    def script(self, text: str) -> Iterator[Cursor]:
        """Execute the statements of a script one by one; a cursor for each."""
        from epql.parse import split

        for statement in split(text):
            yield self.execute(statement)

    def import_history(self, path: str | os.PathLike[str], **options: Any) -> Any:
        """Load history that happened elsewhere, with its own belief times.

        Shape: a file of JSON Lines (docs/formats/history.md), '.gz' allowed; what is in the
            database already is skipped. Returns a `history.Report`.
        Raises: DataError naming the line; commits before it stay.
        """
        from epql.history import import_history

        runner = self.runner
        with runner.turns:
            return import_history(runner, os.fspath(path), **options)

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
        with suppress(Exception):  # nobody is left to tell
            self.close()
