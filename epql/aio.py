"""The connector for asyncio: the same statements, errors and typed methods, awaited.

    async with epql.aio.connect("kb.epql", agent="implementer") as con:
        await con.assert_("auth/jwt", "algorithm", "RS256")
        async for subject, value in await con.execute("SELECT subject, object FROM beliefs"):
            ...

A connection has one thread, in which its calls run one after the other, and the event loop goes
on. A task that is cancelled interrupts its statement, and no other's; it has ended when the
CancelledError arrives. A commit whose writing has begun stands. Why a thread: docs/decisions/0024.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from functools import partial, wraps
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    Generic,
    ParamSpec,
    Self,
    TypeVar,
    Unpack,
    overload,
)

from epql import connection as sync
from epql.agent import Time
from epql.connection import Arguments
from epql.cursor import Cursor as SyncCursor
from epql.cursor import Description, Params
from epql.limits import Limits
from epql.result import Basis
from epql.rows import Row, RowFactory, tuple_row

if TYPE_CHECKING:
    from typing_extensions import TypeVar as DefaultTypeVar

    R = DefaultTypeVar("R", default=Row)
else:
    R = TypeVar("R")

T = TypeVar("T")
P = ParamSpec("P")

_AHEAD_MAX = 256
"""Rows fetched at once while iterating: beginning with one, twice as many each time."""
_AGAIN_S = 0.005
"""Between two interrupts of a statement that is to end."""


# ---------------------------------------------------------------- the thread


class _Call:
    """One call in the thread. `interrupt` reaches it while it runs, and never the next one."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function
        self._mutex = threading.Lock()
        self._is_running = False

    def __call__(self) -> Any:
        with self._mutex:
            self._is_running = True
        try:
            return self._function()
        finally:
            with self._mutex:
                self._is_running = False

    def interrupt(self, interrupt: Callable[[], None]) -> None:
        with self._mutex:
            if self._is_running:
                interrupt()


class _Thread:
    """The thread of one connection."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="epql-aio")

    async def run(self, function: Callable[[], T], interrupt: Callable[[], None]) -> T:
        """Call a function in the thread; if the task is cancelled, the call ends first."""
        call = _Call(function)
        work = self._pool.submit(call)
        done: asyncio.Future[T] = asyncio.wrap_future(work)
        try:
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            while not work.cancel() and not work.done():
                call.interrupt(interrupt)
                await asyncio.wait([done], timeout=_AGAIN_S)
            with suppress(BaseException):
                done.exception()  # nobody else asks for it
            raise

    def end(self) -> None:
        """Let the thread end when it has done what waits."""
        self._pool.shutdown(wait=False)


# ---------------------------------------------------------------- connections


def _later(
    method: Callable[Concatenate[sync.Connection[Any], P], T],
) -> Callable[Concatenate[Connection[Any], P], Awaitable[T]]:
    """A method of the connection, awaited."""

    @wraps(method)
    async def call(self: Connection[Any], /, *given: P.args, **named: P.kwargs) -> T:
        return await self.run(method, *given, **named)

    return call


class Connection(Generic[R]):
    """A session with a database; see epql.Connection, whose methods these are.

    `async with` commits at the end, or rolls back after an error, and closes.
    """

    def __init__(self, thread: _Thread, connection: sync.Connection[R]) -> None:
        self._thread = thread
        self.sync = connection
        """The connection itself, for what takes one: `await con.run(function, …)` calls
        function(connection, …) in the connection's thread."""

    async def run(
        self,
        function: Callable[Concatenate[sync.Connection[Any], P], T],
        *given: P.args,
        **named: P.kwargs,
    ) -> T:
        """Call function(connection, …) in the connection's thread, such as pandas.read_sql."""
        return await self._run(partial(function, self.sync, *given, **named))

    async def _run(self, function: Callable[[], T]) -> T:
        try:
            return await self._thread.run(function, self.sync.interrupt)
        except RuntimeError:
            self.sync.runner  # noqa: B018  raises connection.closed, which is what happened
            raise

    @overload
    def cursor(self) -> Cursor[R]: ...

    @overload
    def cursor(self, *, row_factory: RowFactory[T]) -> Cursor[T]: ...

    def cursor(self, *, row_factory: RowFactory[Any] | None = None) -> Cursor[Any]:
        """A new cursor."""
        return Cursor(self, self.sync.cursor(row_factory=row_factory or self.sync.row_factory))

    async def execute(self, text: str, params: Params = ()) -> Cursor[R]:
        """A new cursor that has executed the statement."""
        return await self.cursor().execute(text, params)

    async def executemany(self, text: str, rows: Iterable[Params]) -> Cursor[R]:
        """A new cursor that has executed the statement for each row of parameters."""
        return await self.cursor().executemany(text, rows)

    async def script(self, text: str) -> AsyncIterator[Cursor[R]]:
        """Execute the statements of a script one by one; a cursor for each."""
        from epql.parse import split

        for statement in split(text):
            yield await self.execute(statement)

    commit = _later(sync.Connection.commit)
    rollback = _later(sync.Connection.rollback)
    reset = _later(sync.Connection.reset)
    garden = _later(sync.Connection.garden)
    assert_ = _later(sync.Connection.assert_)
    check = _later(sync.Connection.check)
    why = _later(sync.Connection.why)
    correct = _later(sync.Connection.correct)
    import_file = _later(sync.Connection.import_file)
    import_history = _later(sync.Connection.import_history)
    export = _later(sync.Connection.export)
    export_all = _later(sync.Connection.export_all)
    backup = _later(sync.Connection.backup)
    restore = _later(sync.Connection.restore)
    verify = _later(sync.Connection.verify)

    @asynccontextmanager
    async def as_of(self, instant: Time) -> AsyncIterator[Self]:
        """Within the block every read of this connection stands at an instant, as in epql."""
        past = self.sync.as_of(instant)
        await self._run(past.__enter__)
        try:
            yield self
        finally:
            await self._run(partial(past.__exit__, None, None, None))

    def interrupt(self) -> None:
        """End the statement that is running. Cancelling its task does so, too."""
        self.sync.interrupt()

    async def close(self) -> None:
        """Roll back what is open, close, and end the thread. Closing twice is no error."""
        with suppress(RuntimeError):  # the thread has ended: it is closed
            await self._thread.run(self.sync.close, self.sync.interrupt)
        self._thread.end()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: object, error: object, trace: object) -> None:
        try:
            await self._run(partial(self.sync.__exit__, kind, error, trace))
        finally:
            await self.close()

    # ------------------------------------------------------------ what costs no waiting

    @property
    def autocommit(self) -> bool:
        """Whether each statement commits by itself."""
        return self.sync.autocommit

    async def set_autocommit(self, value: bool) -> None:
        """Change it, while no transaction is open."""
        await self._run(partial(setattr, self.sync, "autocommit", value))

    @property
    def limits(self) -> Limits:
        """What one statement may take."""
        return self.sync.limits

    async def set_limits(self, limits: Limits) -> None:
        """Change them, from the next statement on."""
        await self._run(partial(setattr, self.sync, "limits", limits))

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self.sync.in_transaction

    @property
    def agent(self) -> str:
        """Who speaks."""
        return self.sync.agent

    @property
    def notices(self) -> list[str]:
        """What opening and committing had to tell."""
        return self.sync.notices


class Cursor(Generic[R]):
    """Executes statements and gives their rows; see epql.Cursor."""

    description: Description | None = None

    def __init__(self, connection: Connection[Any], cursor: SyncCursor[R]) -> None:
        self.connection = connection
        self._cursor = cursor
        self._run = connection._run
        self._ready: deque[R] = deque()
        self._ahead = 1

    async def execute(self, text: str, params: Params = ()) -> Self:
        """Execute one statement; gives the cursor itself."""
        return await self._started(partial(self._cursor.execute, text, params))

    async def executemany(self, text: str, rows: Iterable[Params]) -> Self:
        """Execute one statement that writes for each row of parameters, all or none of them."""
        return await self._started(partial(self._cursor.executemany, text, rows))

    async def _started(self, begin: Callable[[], object]) -> Self:
        self._ready.clear()
        self._ahead, self.description = 1, None

        def started() -> Description | None:
            begin()
            return self._cursor.description

        self.description = await self._run(started)
        return self

    async def fetchone(self) -> R | None:
        """The next row, or None."""
        return await anext(self, None)

    async def fetchmany(self, size: int | None = None) -> list[R]:
        """The next rows, `arraysize` of them unless a size is given."""
        wanted = max(self.arraysize if size is None else size, 0)
        found = [self._ready.popleft() for _ in range(min(wanted, len(self._ready)))]
        if len(found) < wanted:
            found += await self._run(partial(self._cursor.fetchmany, wanted - len(found)))
        return found

    async def fetchall(self) -> list[R]:
        """All rows that are left."""
        found = await self._run(self._cursor.fetchall)
        found = [*self._ready, *found]
        self._ready.clear()
        return found

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> R:
        if not self._ready:
            self._ready.extend(await self._run(partial(self._cursor.fetchmany, self._ahead)))
            self._ahead = min(2 * self._ahead, _AHEAD_MAX)
        if not self._ready:
            raise StopAsyncIteration
        return self._ready.popleft()

    async def notices(self) -> list[str]:
        """What the last statement has to tell besides its rows."""
        return await self._run(lambda: self._cursor.notices)

    async def basis(self) -> Basis | None:
        """What the last answer stands on."""
        return await self._run(lambda: self._cursor.basis)

    @property
    def rowcount(self) -> int:
        """Assertions written or moved by the last statement; -1 for a query."""
        return self._cursor.rowcount

    @property
    def query_id(self) -> str | None:
        """How the audit calls the last query."""
        return self._cursor.query_id

    @property
    def arraysize(self) -> int:
        """How many rows fetchmany gives."""
        return self._cursor.arraysize

    @arraysize.setter
    def arraysize(self, size: int) -> None:
        self._cursor.arraysize = size

    async def close(self) -> None:
        """Let go of the rows. The cursor cannot be used any more."""
        self._ready.clear()
        await self._run(self._cursor.close)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


# ---------------------------------------------------------------- connecting


class _Opening(Generic[R]):
    """A connection that is being made: `await` it, or enter it with `async with`."""

    def __init__(self, connect: Callable[[], sync.Connection[R]]) -> None:
        self._connect = connect
        self._is_given_up = False
        self._connection: Connection[R] | None = None

    def __await__(self) -> Generator[Any, None, Connection[R]]:
        return self._opened().__await__()

    async def __aenter__(self) -> Connection[R]:
        self._connection = await self._opened()
        return self._connection

    async def __aexit__(self, kind: object, error: object, trace: object) -> None:
        assert self._connection is not None
        await self._connection.__aexit__(kind, error, trace)

    async def _opened(self) -> Connection[R]:
        thread = _Thread()
        try:
            connection = await thread.run(self._open, self._give_up)
        except BaseException:
            thread.end()
            raise
        return Connection(thread, connection)

    def _open(self) -> sync.Connection[R]:
        connection = self._connect()
        if self._is_given_up:
            connection.close()
        return connection

    def _give_up(self) -> None:
        self._is_given_up = True


@overload
def connect(path: str | os.PathLike[str], **arguments: Unpack[Arguments]) -> _Opening[Row]: ...


@overload
def connect(
    path: str | os.PathLike[str], *, row_factory: RowFactory[T], **arguments: Unpack[Arguments]
) -> _Opening[T]: ...


def connect(
    path: str | os.PathLike[str],
    *,
    row_factory: RowFactory[Any] = tuple_row,
    **arguments: Unpack[Arguments],
) -> _Opening[Any]:
    """Open the database at `path`, as `epql.connect` does, to whose arguments these go.

    Shape: `con = await connect(…)`, or `async with connect(…) as con`.
    """
    return _Opening(partial(sync.connect, path, row_factory=row_factory, **arguments))
