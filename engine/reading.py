"""Running SQL for a query: rows that end with their scopes, SQLite's errors as ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

import apsw

from epql.engine import described, scratch
from epql.engine.errors import DataError, Error, InternalError, OperationalError, ProgrammingError
from epql.engine.shortage import no_memory
from epql.engine.turns import ENDED_EARLY
from epql.engine.vtab.base import NOT_GIVEN
from epql.engine.vtab.register import RELATIONS

if TYPE_CHECKING:
    from epql.engine.fused import Fused
    from epql.engine.session import Opened, Session

Row = tuple[Any, ...]


class Rows:
    """The rows of a running query. Its scopes end with it; it can be buffered at any time."""

    def __init__(self, session: Session, numbers: Sequence[int], rows: Iterator[Row]) -> None:
        self._session = session
        self._numbers = numbers
        self._rows: Iterator[Row] = rows
        self._is_open = True

    def __iter__(self) -> Iterator[Row]:
        return self

    def __next__(self) -> Row:
        try:
            return next(self._rows)
        except StopIteration:
            self.close()
            raise
        except BaseException as error:
            self.close()
            tell(self._session, error)

    def rest(self) -> list[Row]:
        """All rows that are left; cheaper than one by one. Raises: as the next row would."""
        try:
            found = list(self._rows)
        except BaseException as error:
            self.close()
            tell(self._session, error)
        self.close()
        return found

    def buffer(self) -> None:
        """Fetch what is left, because something is about to be written.

        An error on the way is told to whoever fetches so far, not to the one who writes, unless
        it was the writing that was to end.
        """
        if not self._is_open:
            return
        rows: list[Row] = []
        try:
            rows += self
        except Error as error:
            self._rows = _rows_before(rows, error)
            if error.code in ENDED_EARLY:
                raise
        else:
            self._rows = iter(rows)

    def close(self) -> None:
        """Let go of rows and scopes."""
        if self._is_open:
            self._is_open = False
            self._session.close_scopes(self._numbers)
            close = getattr(self._rows, "close", None)
            if close is not None:
                close()
            self._rows = iter(())

    def __del__(self) -> None:
        self._session.close_scopes(self._numbers)


def tell(session: Session, error: BaseException) -> NoReturn:
    """Raise what a person is told of an error while rows are fetched."""
    told = _of_limit(session, error) or session.told(error)
    if told is not None:
        raise told from error
    if isinstance(error, UnicodeDecodeError):
        raise DataError(
            "a text in the answer is not valid UTF-8",
            code="value.text",
            hint="CAST(… AS BLOB) gives its bytes",
        ) from error
    if isinstance(error, FOREIGN):
        raise ours(error) from error
    raise error


FOREIGN = (
    apsw.Error, TypeError, ValueError, ArithmeticError, AttributeError, LookupError, AssertionError,
    RecursionError,
)  # fmt: skip
"""What our own code raises where the index holds what no journal makes of it."""


def ours(error: Exception) -> Error:
    """An error that is none of ours, as one: SQLite's, or what a forged row led to."""
    if isinstance(error, Error):
        return error
    if isinstance(error, apsw.Error):
        return translated(error)
    return InternalError(
        f"what cannot happen has happened ({type(error).__name__}: {error})",
        code="internal.unexpected",
        hint="epql verify tells whether the index is at fault, and epql rebuild makes it anew;"
        " if it is not, report this",
    )


def _rows_before(rows: list[Row], error: Error) -> Iterator[Row]:
    yield from rows
    raise error


def run(
    session: Session,
    sql: str,
    bindings: Mapping[str, Any],
    scopes: Mapping[str, Opened],
) -> Rows:
    """Run SQL; `scopes` are the parameters that take a scope's number.

    Raises: the errors of `translated`; DataError `value.range` for a number over 64 bits.
    """
    session.turns.check()
    numbers = session.open_scopes(scopes.values())
    bound = {**bindings, **dict(zip(scopes, numbers, strict=True))}
    try:
        with _translating(session):
            rows: Iterator[Row] = session.sql.execute(sql, bound)
        if session.turns.memory_bytes is not None:
            rows = session.turns.weighed(rows)
    except BaseException:
        session.close_scopes(numbers)
        raise
    return Rows(session, numbers, rows)


def run_fused(
    session: Session, fused: Fused, given: Iterable[Any], sink: Callable[[int], None]
) -> Rows:
    """Run a query straight over the index; `sink` is told which assertions it sums up.

    `given`: the values of the scopes, then the person's. Raises: as `run`.
    """
    session.turns.check()
    number = session.open_sink(sink)
    try:
        with _translating(session):
            values = fused.ordered((*fused.fixed, *given, number))
            rows: Iterator[Row] = session.db.execute(fused.sql, values)
    except BaseException:
        session.close_scopes((number,))
        raise
    return Rows(session, (number,), rows)


def run_relation(session: Session, relation: str, scope: Opened, arguments: Sequence[Any]) -> Rows:
    """The rows of a relation for arguments, all its columns; None leaves an argument out."""
    names = [f"a{number}" for number in range(len(arguments))]
    given = {name: NOT_GIVEN if v is None else v for name, v in zip(names, arguments, strict=True)}
    sql = f"SELECT * FROM {relation}({', '.join(':' + name for name in ('scope', *names))})"
    return run(session, sql, given, {"scope": scope})


def run_many(session: Session, sql: str, rows: Iterable[Sequence[Any]]) -> int:
    """Run SQL that reads no relation once for each row of values, which stand in the order of
    `parameters_of`; how many rows were changed. Raises: as `run`.
    """
    before = session.sql.total_changes()
    with _translating(session):
        session.sql.executemany(sql, rows)
    return session.sql.total_changes() - before


def parameters_of(session: Session, sql: str) -> tuple[str, ...]:
    """The names of the parameters of SQL in SQLite's order."""
    return tuple(str(name) for name in described.described(session.sql, sql).parameters)


@contextmanager
def _translating(session: Session) -> Iterator[None]:
    try:
        yield
    except apsw.Error as error:
        raise (_of_limit(session, error) or session.told(error) or error) from error
    except (OverflowError, UnicodeEncodeError) as error:
        raise unfit(error) from error


def unfit(error: OverflowError | UnicodeEncodeError) -> DataError:
    """What a person is told of a value that SQLite or an encoder cannot take."""
    if isinstance(error, OverflowError):
        return DataError("a number does not fit in 64 bits", code="value.range")
    return DataError(
        "a text holds half a character (a lone surrogate)",
        code="value.text",
        hint="decode the text with the right encoding first",
    )


def columns_of(session: Session, sql: str) -> list[str]:
    """The names of the columns SQL gives; also the check that SQLite takes it."""
    return [name for name, _ in typed_columns_of(session, sql)]


def typed_columns_of(session: Session, sql: str) -> list[tuple[str, str | None]]:
    """The columns SQL gives with their declared types; None for what is computed."""
    try:
        return list(described.described(session.sql, sql).columns)
    except apsw.Error as error:
        raise (session.told(error) or error) from error


def declared_types(session: Session, sql: str) -> list[str | None]:
    """What the columns SQL gives are declared as, None for what is computed; TIMESTAMP for the
    columns of relations that show instants.
    """
    with _translating(session):
        found = described.described(session.sql, sql).origins
    return [_declared(*one) for one in found]


def _declared(
    name: str, declared: str | None, database: str | None, table: str | None, column: str | None
) -> str | None:
    relation = RELATIONS.get(table or "") if database == "main" else None
    if relation is None:
        return declared
    return next((one.kind for one in relation.columns if one.name == column), declared)


def scratch_columns(session: Session, table: str) -> list[tuple[str, str | None]]:
    """The columns of a scratch table with their declared types."""
    with _translating(session):
        return session.scratch.columns(table)


class UnknownName(ProgrammingError):
    """SQLite knows no such name, or more than one. `name` is as SQLite spells it."""

    name = ""


_NAMES = (
    (
        re.compile(
            r"no such column: (.+?)(?: - should this be a string literal in single-quotes\?)?\Z",
            re.DOTALL,
        ),
        "name.unknown_column",
        "there is no column {}",
    ),
    (
        re.compile(r"table .+ has no column named (.+)", re.DOTALL),
        "name.unknown_column",
        "there is no column {}",
    ),
    (re.compile(r"no such index: (.+)"), "name.unknown_index", "there is no index called {}"),
    (re.compile(r"no such function: (.+)"), "name.unknown_function", "there is no function {}"),
    (
        re.compile(r"ambiguous column name: (.+)"),
        "name.ambiguous_column",
        "the column {} is in more than one table",
    ),
)
_REFUSED = (apsw.SQLError, apsw.MismatchError, apsw.RangeError, apsw.AuthError)
_DENIED = re.compile(r"not authorized to use function: (.+)")


def _of_limit(session: Session, error: BaseException) -> Error | None:
    """The error of a limit of memory: on a statement, or on scratch tables, the only tables that
    a person's SQL can fill.
    """
    if isinstance(error, apsw.NoMemError) and session.turns.memory_bytes is not None:
        return session.turns.too_much_memory()
    if not isinstance(error, apsw.FullError):
        return None
    return OperationalError(
        "the scratch tables need more memory than the connection may have",
        code="limit.memory",
        hint="DROP TABLE makes room; limits.memory of the connection can be raised",
    )


def translated(error: apsw.Error) -> Error:
    """SQLite's error as one of ours; the planner adds the place in the text."""
    text = str(error).removeprefix("SQLError: ").replace("table temp.", "table ")
    if isinstance(error, apsw.NoMemError):
        return no_memory()
    if isinstance(error, apsw.TooBigError):
        return OperationalError(
            "a value or a row is longer than the connection allows",
            code="limit.length",
            hint="ask for less, or raise limits.length of the connection",
        )
    if isinstance(error, apsw.InterruptError):
        return OperationalError("the statement was interrupted", code="statement.interrupted")
    if isinstance(error, apsw.ConstraintError):
        return scratch.refused(error)
    if isinstance(error, apsw.BusyError):
        return OperationalError("the index is busy", code="index.busy", retryable=True)
    if isinstance(error, (apsw.CorruptError, apsw.NotADBError)):
        return InternalError(
            f"the index is damaged: {text}",
            code="index.corrupt",
            hint="open the database again: it is checked, and made anew from the journal",
        )
    if not isinstance(error, _REFUSED):
        return OperationalError(f"the index failed: {text}", code="index.failed")
    for pattern, code, sentence in _NAMES:
        match = pattern.match(text)
        if match is not None:
            is_quoted = match[1][:1] == match[1][-1:] == '"'
            last = match[1].strip('"') if is_quoted else match[1].rpartition(".")[2].strip("`")
            unknown = UnknownName(sentence.format(repr(last)), code=code)
            unknown.name = match[1]
            return unknown
    denied = _DENIED.match(text)
    if denied is not None:
        return ProgrammingError(f"there is no function {denied[1]!r}", code="name.unknown_function")
    if isinstance(error, apsw.AuthError) or text.startswith("not authorized"):
        return ProgrammingError("this is not for statements of a person", code="sql.refused")
    if text == "no query solution":  # engine/vtab/base.py, BestIndexObject
        return ProgrammingError(
            "a parameter of a relation (as_of, lifecycle_in, …) is not given with =",
            code="hidden.comparison",
            hint="as_of = '-24h' joined by AND, with a value or a column of an earlier table",
        )
    return ProgrammingError(text, code="sql.refused")
