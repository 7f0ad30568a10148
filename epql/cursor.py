"""The cursor of PEP 249, with `messages`, `basis` and iteration."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from epql.engine import errors
from epql.engine.errors import InterfaceError
from epql.result import Basis, Result
from epql.runner import Runner

if TYPE_CHECKING:
    from epql.connection import Connection

Row = tuple[Any, ...]
Description = tuple[tuple[str, None, None, None, None, None, None], ...]


class Cursor:
    """Executes statements and gives their rows, one statement at a time."""

    arraysize: int = 1

    def __init__(self, connection: Connection, runner: Runner) -> None:
        self.connection = connection
        self._runner = runner
        self._turns = runner.turns
        self._result: Result | None = None
        self._used_s = 0.0
        """How long the statement has run so far, where its time is limited."""
        self._is_closed = False

    # ------------------------------------------------------------ what the last statement gave

    @property
    def description(self) -> Description | None:
        """PEP 249: a tuple of seven for each column, the name first; None without rows."""
        if self._result is None or self._result.columns is None:
            return None
        return tuple((name, None, None, None, None, None, None) for name in self._result.columns)

    @property
    def rowcount(self) -> int:
        """Assertions written or moved by the last statement; -1 for a query."""
        return -1 if self._result is None else self._result.count

    @property
    def basis(self) -> Basis | None:
        """What the last answer stands on: transaction, clock, zone, lifecycle, resolution."""
        if self._result is None or self._result.basis is None:
            return None
        with self._turns:
            return self._result.basis()

    @property
    def query_id(self) -> str | None:
        """How the audit calls the last query ('q:…'); None if it was not audited."""
        return None if self._result is None else self._result.query_id

    @property
    def notices(self) -> list[str]:
        """What the last statement has to tell besides its rows; looked up when first read."""
        if self._result is None:
            return []
        with self._turns:
            return list(self._result.all_notices())

    @property
    def messages(self) -> list[tuple[type[Exception], Exception]]:
        """The notices as PEP 249 has messages: (Warning, its instance)."""
        return [(errors.Warning, errors.Warning(text)) for text in self.notices]

    # ------------------------------------------------------------ executing

    def execute(self, text: str, params: Sequence[Any] | Mapping[str, Any] = ()) -> Cursor:
        """Execute one statement; returns the cursor itself.

        Raises: the errors of `epql`, with `span` and `text` where the statement is at fault.
        """
        self._start()
        try:
            self._result = self._runner.execute(text, params)
        finally:
            self._used_s = self._turns.end()
        return self

    def executemany(self, text: str, rows: Iterable[Sequence[Any] | Mapping[str, Any]]) -> Cursor:
        """Execute one statement that writes for each row of parameters, all or none of them."""
        self._start()
        try:
            self._result = self._runner.execute_many(text, rows)
        finally:
            self._used_s = self._turns.end()
        return self

    def _start(self) -> None:
        """Begin the turn of a new statement."""
        self._turns.begin()
        try:
            self._check_open()
            self._drop()
        except BaseException:
            self._turns.end()
            raise

    # ------------------------------------------------------------ fetching

    def fetchone(self) -> Row | None:
        """The next row, or None."""
        self._turns.begin(self._used_s)
        try:
            return next(self._rows(), None)
        finally:
            self._used_s = self._turns.end()

    def fetchmany(self, size: int | None = None) -> list[Row]:
        """The next rows, `arraysize` of them unless a size is given."""
        wanted = self.arraysize if size is None else size
        self._turns.begin(self._used_s)
        try:
            return list(islice(self._rows(), max(wanted, 0)))
        finally:
            self._used_s = self._turns.end()

    def fetchall(self) -> list[Row]:
        """All rows that are left."""
        self._turns.begin(self._used_s)
        try:
            self._rows()
            assert self._result is not None
            return self._result.rest()
        finally:
            self._used_s = self._turns.end()

    def __iter__(self) -> Cursor:
        self._rows()
        return self

    def __next__(self) -> Row:
        self._turns.begin(self._used_s)
        try:
            return next(self._rows())
        finally:
            self._used_s = self._turns.end()

    def _rows(self) -> Iterator[Row]:
        self._check_open()
        if self._result is None or self._result.columns is None:
            raise InterfaceError(
                "there are no rows to fetch",
                code="cursor.no_rows",
                hint="execute a query first, or ask a verb for rows with RETURNING",
            )
        return self._result.rows

    # ------------------------------------------------------------ the rest of PEP 249

    def close(self) -> None:
        """Let go of the rows. What was told of them (`notices`, `basis`) can still be read."""
        with self._turns:
            if self._result is not None:
                self._result.close()
            self._is_closed = True

    def setinputsizes(self, sizes: Sequence[Any]) -> None:
        """Does nothing, as PEP 249 allows."""

    def setoutputsize(self, size: int, column: int | None = None) -> None:
        """Does nothing, as PEP 249 allows."""

    def __enter__(self) -> Cursor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _drop(self) -> None:
        if self._result is not None:
            self._result.close()
            self._result = None

    def _check_open(self) -> None:
        if self._is_closed:
            raise InterfaceError("the cursor is closed", code="cursor.closed")
        self.connection.runner  # noqa: B018  raises when the connection is closed
