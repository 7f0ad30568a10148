"""The cursor of PEP 249, with `messages`, `basis`, row factories and iteration."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic, Self

from epql import rows
from epql.dbapi import TypeObject, kind_of
from epql.engine import errors
from epql.engine.errors import InterfaceError, OperationalError
from epql.engine.shortage import SHORT, tell
from epql.result import Basis, Result
from epql.rows import RowFactory, RowMaker
from epql.runner import Runner

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    from epql.connection import Connection

    R = TypeVar("R", default=rows.Row)
else:
    from typing import TypeVar

    R = TypeVar("R")

Params = Sequence[Any] | Mapping[str, Any]
Description = tuple[tuple[str, TypeObject | None, None, None, None, None, None], ...]


class Cursor(Generic[R]):
    """Executes statements and gives their rows, one statement at a time.

    `rownumber`: how many rows of the answer have been fetched. `row_factory`: what a row is, from
    the next statement on.
    """

    arraysize: int = 1
    lastrowid: None = None
    """PEP 249 has it; what is written has ids, which RETURNING id gives."""
    _result: Result | None = None
    _make: RowMaker[R] | None = None
    """What makes a row of a tuple; None: it is the tuple."""
    _rows_max: int | None = None
    _used_s = 0.0
    """How long the statement has run so far, where its time is limited."""
    _is_closed = False

    def __init__(
        self, connection: Connection[Any], runner: Runner, row_factory: RowFactory[R]
    ) -> None:
        self.connection = connection
        self.row_factory = row_factory
        self.rownumber = 0
        self._turns = runner.turns
        self._runner = runner

    # ------------------------------------------------------------ what the last statement gave

    @property
    def description(self) -> Description | None:
        """PEP 249: a tuple of seven for each column, the name and the kind first; None without
        rows. The kind is None where values of several kinds may come."""
        if self._result is None or self._result.columns is None:
            return None
        names = self._result.columns
        with self._turns:
            kinds = [kind_of(declared) for declared in self._result.types()]
        kinds += [None] * (len(names) - len(kinds))
        return tuple(
            (name, kind, None, None, None, None, None)
            for name, kind in zip(names, kinds, strict=True)
        )

    @property
    def rowcount(self) -> int:
        """Assertions written or moved by the last statement; -1 for a query."""
        return -1 if self._result is None else self._result.count

    @property
    def basis(self) -> Basis | None:
        """What the last answer stands on: transaction, clock, zone, lifecycle, resolution."""
        if self._result is None:
            return None
        with self._turns:
            return self._result.stands_on()

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

    def execute(self, text: str, params: Params = ()) -> Self:
        """Execute one statement; returns the cursor itself.

        Raises: the errors of `epql`, with `span` and `text` where the statement is at fault.
        """
        self._begin()
        try:
            self._take(self._runner.execute(text, params))
        except SHORT as error:
            tell(error)
        finally:
            self._used_s = self._turns.end()
        return self

    def executemany(self, text: str, rows: Iterable[Params]) -> Self:
        """Execute one statement that writes for each row of parameters, all or none of them."""
        self._begin()
        try:
            self._take(self._runner.execute_many(text, rows))
        except SHORT as error:
            tell(error)
        finally:
            self._used_s = self._turns.end()
        return self

    def _begin(self) -> None:
        """Begin the turn of a new statement."""
        self._turns.begin()
        try:
            self._check_open()
            self._drop()
        except BaseException:
            self._turns.end()
            raise

    def _take(self, result: Result) -> None:
        self._result = result
        self._rows_max = self._runner.limits.rows
        if self.row_factory is not rows.tuple_row and result.columns is not None:
            self._make = self.row_factory(self)

    # ------------------------------------------------------------ fetching

    def fetchone(self) -> R | None:
        """The next row, or None."""
        return next(self, None)

    def fetchmany(self, size: int | None = None) -> list[R]:
        """The next rows, `arraysize` of them unless a size is given."""
        wanted = max(self.arraysize if size is None else size, 0)
        if self._rows_max is not None:
            wanted = min(wanted, self._rows_max - self.rownumber + 1)
        self._turns.begin(self._used_s)
        try:
            return self._made(list(islice(self._rows(), wanted)))
        except SHORT as error:
            tell(error)
        finally:
            self._used_s = self._turns.end()

    def fetchall(self) -> list[R]:
        """All rows that are left."""
        if self._rows_max is not None:
            return self.fetchmany(self._rows_max + 1)
        self._turns.begin(self._used_s)
        try:
            self._rows()
            assert self._result is not None
            return self._made(self._result.rest())
        except SHORT as error:
            tell(error)
        finally:
            self._used_s = self._turns.end()

    def __iter__(self) -> Self:
        self._rows()
        return self

    def __next__(self) -> R:
        self._turns.begin(self._used_s)
        try:
            row = next(self._rows())
            self.rownumber += 1
            if self._rows_max is not None:
                self._check_number()
            return row if self._make is None else self._make(row)  # type: ignore[return-value]
        except SHORT as error:
            tell(error)
        finally:
            self._used_s = self._turns.end()

    def _rows(self) -> Iterator[rows.Row]:
        self._check_open()
        if self._result is None or self._result.columns is None:
            raise InterfaceError(
                "there are no rows to fetch",
                code="cursor.no_rows",
                hint="execute a query first, or ask a verb for rows with RETURNING",
            )
        return self._result.rows

    def _made(self, found: list[rows.Row]) -> list[R]:
        self.rownumber += len(found)
        self._check_number()
        return found if self._make is None else list(map(self._make, found))  # type: ignore[return-value]

    def _check_number(self) -> None:
        if self._rows_max is None or self.rownumber <= self._rows_max:
            return
        assert self._result is not None
        self._result.close()
        raise OperationalError(
            f"the answer has more than {self._rows_max:,} rows",
            code="limit.rows",
            hint="ask for less, such as with LIMIT, or raise limits.rows of the connection",
        )

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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _drop(self) -> None:
        if self._result is not None:
            self.rownumber = 0
            self._make = None
            self._result.close()
            self._result = None

    def _check_open(self) -> None:
        if self._is_closed:
            raise InterfaceError("the cursor is closed", code="cursor.closed")
        self.connection.runner  # noqa: B018  raises when the connection is closed
