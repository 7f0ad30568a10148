"""Module, table and cursor of every relation, in SQLite's own words.

A relation says which columns it has and gives rows for a scope and conditions; what is common
stands here: the schema SQLite sees, hidden columns, pushdown (BestIndex), streaming cursors.

`idxStr` is readable, because EXPLAIN QUERY PLAN shows it: `beliefs;epql_scope=;tx>=;cols=1f` means
that beliefs is read, the scope is given, tx has a lower bound, and columns 0 to 4 are read;
access.py says it in words.
SQLite checks every visible constraint again (omit is false): it hands values over without the
affinity of the comparison, so a pushed condition may only ever let more rows through. That is
why a number is never pushed onto a text: `agent = t.tx` compares '1' with 1 as numbers.

A rowid tells rows of one table apart, whatever Filter gave them: SQLite answers OR by several
Filters and takes rows with the same rowid for one row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import apsw

from epql.engine.errors import ProgrammingError
from epql.engine.index.snapshot import Snapshot
from epql.engine.store.objects import NAMED
from epql.engine.vtab.again import Again, asked
from epql.engine.vtab.context import Context, Scope

SqlValue = Any
Show = Callable[[Any], Any]

_OPS = {
    apsw.SQLITE_INDEX_CONSTRAINT_EQ: "=",
    apsw.SQLITE_INDEX_CONSTRAINT_GT: ">",
    apsw.SQLITE_INDEX_CONSTRAINT_GE: ">=",
    apsw.SQLITE_INDEX_CONSTRAINT_LT: "<",
    apsw.SQLITE_INDEX_CONSTRAINT_LE: "<=",
    apsw.SQLITE_INDEX_CONSTRAINT_GLOB: " GLOB ",
}
_EQUAL = ("=",)
_ORDER = ("=", ">", ">=", "<", "<=")
_TEXT = (*_ORDER, " GLOB ")

PUSHES: dict[str, tuple[str, ...]] = {
    "": (),
    "slot": _TEXT,  # text, a column of slot: goes in before resolution
    "text": _ORDER,  # text, compared after resolution
    "real": _ORDER,  # a number: REAL here and in the index
    "any": _EQUAL,  # text or number, as an object is
    "integer": _ORDER,  # only when the value is an int
    "state": _EQUAL,
    "id": _EQUAL,
    "instant": _ORDER,  # the text of an instant, microseconds in the index
}

_NUMBERS = ("integer", "real")

SCOPE = "epql_scope"
"""The first hidden column: the number under which the planner registered the scope. It is the
planner's own; catalog.py refuses it in a person's text."""

SEEN = "epql_seen"
"""The last hidden column: which assertion a row shows, and in which state. The planner's own too;
the audit carries it beside the rows of an answer (`seen_in` reads it)."""

NOT_GIVEN = b""
"""What stands for a NULL argument, as in `beliefs(NULL, 'approved')`: SQLite compares arguments
with the hidden columns once more where it answers OR, and NULL is not equal to NULL."""


HIDDEN = {
    "as_of": "says AS OF",
    "lifecycle_in": "says LIFECYCLE IN: states, with commas between them",
    "valid_at": "says VALID AT; 'anytime' says VALID ANYTIME",
    "resolve_by": "says RESOLVE BY",
    "since": "says DIFF SINCE",
    "until": "says UNTIL of a DIFF",
    "target": "what is asked about: an id, or a subject with of_predicate",
    "of_subject": "the subject of what is asked about",
    "of_predicate": "the predicate of what is asked about",
    "of_object": "the object of what is asked about",
}
"""What the hidden columns a person may write mean."""


_INSTANTS = frozenset((
    "at", "clock", "last_used", "valid_from", "valid_to", "believed_from", "believed_to",
    "superseded_from", "before_valid_from", "after_valid_from", "before_valid_to", "after_valid_to",
))  # fmt: skip
"""Columns that show instants, in whichever relation, besides those that end with _at."""


class Column(NamedTuple):
    """A column: its SQLite type, how it is read, and what conditions it takes in.

    `sql` reads it (aliases of the relation's source); `joins` are the aliases that needs;
    `show` turns the raw value into what SQL sees; `push` is a key of PUSHES; `doc` is its meaning
    in one line, for DESCRIBE and docs/language/relations.md.
    """

    name: str
    type: str
    sql: str
    joins: tuple[str, ...] = ()
    show: Show | None = None
    push: str = ""
    doc: str = ""

    @property
    def kind(self) -> str:
        """Its type, TIMESTAMP if it shows instants: they are text to SQLite (decisions/0007)."""
        is_instant = self.name in _INSTANTS or self.name.endswith("_at")
        return "TIMESTAMP" if is_instant else self.type


class Condition(NamedTuple):
    """A condition SQLite hands down: column, operator as in SQL, value."""

    column: Column
    op: str
    value: SqlValue


class Relation:
    """A relation: columns, hidden columns, rows. Subclasses give `rows`."""

    name: str
    doc: str = ""
    columns: tuple[Column, ...]
    hidden: tuple[str, ...] = ("as_of",)
    """What a person may write after the scope, as arguments or in WHERE."""
    answers: bool = False
    """Whether it says what is believed: then the policy may require LIFECYCLE to choose states."""
    arguments: tuple[str, ...] = ()
    """Those hidden columns that say what is asked about; they come to `rows` as conditions."""
    seen: Column | None = None
    """How SEEN is read; None where a row shows no assertion."""

    @property
    def readable(self) -> tuple[Column, ...]:
        """The columns, and SEEN behind them."""
        return self.columns if self.seen is None else (*self.columns, self.seen)

    def rows(
        self,
        context: Context,
        scope: Scope,
        wanted: Sequence[Column],
        conditions: Sequence[Condition],
    ) -> Iterator[tuple[SqlValue, ...]]:
        """The rows of a scope; at least those that meet the conditions, raw values.

        Behind the wanted values stands whatever tells the rows of this scope apart.
        """
        raise NotImplementedError

    def cost(self, given: set[str]) -> tuple[float, int]:
        """(cost, rows) for SQLite's planner, from the columns that are compared with =."""
        return (1000.0, 1000) if given else (1e6, 1_000_000)

    @property
    def schema(self) -> str:
        """The CREATE TABLE that SQLite sees."""
        visible = [f'"{column.name}" {column.type}' for column in self.columns]
        hidden = [f'"{name}" HIDDEN' for name in (SCOPE, *self.hidden)]
        if self.seen is not None:
            hidden.append(f'"{SEEN}" INTEGER HIDDEN')
        return f"CREATE TABLE x({', '.join(visible + hidden)})"


def snapshot_of(scope: Scope, relation: str) -> Snapshot:
    """The one snapshot at which most relations are read.

    Raises: ProgrammingError `clause.meaningless` for the window of a DIFF.
    """
    if isinstance(scope, Snapshot):
        return scope
    raise ProgrammingError(f"DIFF has no meaning on {relation}", code="clause.meaningless")


class Use(NamedTuple):
    """A parsed idxStr: the relation, what the arguments of Filter are, which columns are read."""

    relation: str
    arguments: tuple[tuple[str, str], ...]
    wanted: tuple[int, ...]


@lru_cache(maxsize=2000)
def parse_use(text: str) -> Use:
    """Read an idxStr back."""
    relation, *terms, last = text.split(";")
    mask = int(last.removeprefix("cols="), 16)
    arguments = []
    for term in terms:
        name, op, _ = term.partition(next(op for op in _BY_LENGTH if op in term))
        arguments.append((name, op))
    return Use(relation, tuple(arguments), tuple(i for i in range(64) if mask >> i & 1))


_BY_LENGTH = sorted(set(_OPS.values()), key=len, reverse=True)


class Module:
    """The SQLite module of one relation on one connection."""

    def __init__(self, relation: Relation, context: Context) -> None:
        self.relation = relation
        self.context = context

    def Create(self, db: apsw.Connection, *_: str) -> tuple[str, Table]:
        return self.relation.schema, Table(self.relation, self.context)

    Connect = Create


class Table:
    """The virtual table: chooses how it is read."""

    def __init__(self, relation: Relation, context: Context) -> None:
        self.relation = relation
        self.context = context

    def BestIndexObject(self, info: apsw.IndexInfo) -> bool:
        columns = self.relation.columns
        terms: list[str] = []
        given: set[str] = set()
        for i in range(info.nConstraint):
            number, op = info.get_aConstraint_iColumn(i), _OPS.get(info.get_aConstraint_op(i))
            usable = info.get_aConstraint_usable(i)
            if number >= len(columns):
                if op != "=" or not usable:
                    return False  # a parameter from a table that is read later: not this order
                terms.append((SCOPE, *self.relation.hidden)[number - len(columns)] + op)
                info.set_aConstraintUsage_omit(i, True)
            elif number >= 0 and usable and self._takes(info, i, columns[number], op):
                terms.append(columns[number].name + str(op))
                if op == "=":
                    given.add(columns[number].name)
            else:
                continue
            info.set_aConstraintUsage_argvIndex(i, len(terms))
        mask = sum(1 << number for number in info.colUsed if number < len(columns))
        if self.relation.seen is not None and _seen_number(self.relation) in info.colUsed:
            mask |= 1 << len(columns)
        info.idxStr = ";".join([self.relation.name, *terms, f"cols={mask:x}"])
        info.estimatedCost, info.estimatedRows = self.relation.cost(given)
        return True

    @staticmethod
    def _takes(info: apsw.IndexInfo, i: int, column: Column, op: str | None) -> bool:
        if op not in PUSHES[column.push]:
            return False
        if column.push == "any" and info.get_aConstraintUsage_in(i):
            return False  # SQLite compares a listed value without the affinity of the list
        return op == " GLOB " or info.get_aConstraint_collation(i) == "BINARY"

    def Open(self) -> Cursor:
        return Cursor(self.relation, self.context)

    def Disconnect(self) -> None:
        """Nothing is held."""

    Destroy = Disconnect


class Cursor:
    """Streams the rows of one Filter; no work per row that can be done per query."""

    def __init__(self, relation: Relation, context: Context) -> None:
        self._relation = relation
        self._context = context
        self._rows: Iterator[tuple[SqlValue, ...]] = iter(())
        self._row: Any = None
        """The values of the row, None behind the last."""
        self._hidden: dict[str, SqlValue] = {}
        self._places: Places = {}
        self._behind = 0
        self._again = Again()

    def Filter(self, _number: int, text: str, values: tuple[SqlValue, ...]) -> None:
        self._context.turns.check()
        key = asked(text, values)
        rows = self._again.rows(key)
        if rows is None:
            rows = self._again.passing(key, self._read(text, values))
        self._rows = rows
        self._row = next(rows, None)

    def _read(self, text: str, values: tuple[SqlValue, ...]) -> Iterator[tuple[SqlValue, ...]]:
        """The rows of a Filter; notes how they are laid out."""
        relation, context = self._relation, self._context
        use, columns, self._places = _layout(relation, text)
        by_name = _columns_by_name(relation)
        hidden: dict[str, SqlValue] = {}
        conditions: list[Condition] = []
        for (name, op), value in zip(use.arguments, values, strict=True):
            column = by_name.get(name)
            if column is None:
                hidden[name] = value
            elif op == "=" and column.push in _NUMBERS and not _may_be_number(value):
                return iter(())
            else:
                conditions.append(Condition(column, op, value))
        self._hidden = dict(hidden)
        if None in hidden.values():
            return iter(())  # nothing is equal to NULL
        hidden = {name: value for name, value in hidden.items() if value != NOT_GIVEN}
        for name in relation.arguments:
            if name in hidden:
                conditions.append(Condition(Column(name, "", ""), "=", hidden.pop(name)))
        number = hidden.pop(SCOPE, None)
        scope = context.scope(number)
        if hidden:
            scope = context.overridden(number, scope, hidden)
        if context.noted is not None:
            context.noted(relation.name, scope, conditions)
        watcher = None if relation.seen is None else context.watcher(number)
        self._behind = len(columns)
        if watcher is None or relation.seen is None:
            return relation.rows(context, scope, columns, conditions)
        self._behind += 1
        rows = relation.rows(context, scope, (*columns, relation.seen), conditions)
        return watcher(rows, len(columns))

    def Eof(self) -> bool:
        return self._row is None

    def Next(self) -> None:
        self._row = next(self._rows, None)

    def Rowid(self) -> int:
        return hash((tuple(sorted(self._hidden.items())), self._row[self._behind :]))

    def Column(self, number: int) -> SqlValue:
        try:
            place, show = self._places[number]
        except KeyError:
            return self._hidden_value(number)
        if show is None:
            return self._row[place]
        return show(self._row[place])

    def Close(self) -> None:
        self._rows = iter(())

    def _hidden_value(self, number: int) -> SqlValue:
        if number < 0:
            return self.Rowid()
        place = number - len(self._relation.columns)
        assert place >= 0, "SQLite said which columns it reads"
        name = (SCOPE, *self._relation.hidden)[place]
        if name not in self._hidden:
            raise ProgrammingError(
                f"{name} is a parameter of {self._relation.name} and was not given",
                code="hidden.not_given",
                hint=f"give it with AND {name} = …, or use the clauses",
            )
        return self._hidden[name]


Places = dict[int, tuple[int, Show | None]]


@lru_cache(maxsize=2000)
def _layout(relation: Relation, text: str) -> tuple[Use, tuple[Column, ...], Places]:
    """An idxStr read back, the columns it reads, and where SQLite's numbers find them."""
    use = parse_use(text)
    columns = tuple(relation.readable[i] for i in use.wanted)
    numbers = [i if i < len(relation.columns) else _seen_number(relation) for i in use.wanted]
    shows = enumerate(column.show for column in columns)
    return use, columns, dict(zip(numbers, shows, strict=True))


def _seen_number(relation: Relation) -> int:
    """The number by which SQLite knows SEEN."""
    return len(relation.columns) + 1 + len(relation.hidden)


@lru_cache(maxsize=100)
def _columns_by_name(relation: Relation) -> dict[str, Column]:
    return {column.name: column for column in relation.columns}


# ---------------------------------------------------------------- building SQL


def is_textual(value: SqlValue) -> bool:
    """Whether a comparison of text with this value is one of bytes, whatever its affinity."""
    return isinstance(value, (str, bytes))


def _may_be_number(value: SqlValue) -> bool:
    """Whether a column of numbers can be equal to a value, which SQLite reads as a number where
    it can: so SELECT … WHERE tx IN (SELECT digest …) reads nothing for any digest."""
    if not isinstance(value, str):
        return not isinstance(value, bytes)
    try:
        float(value)
    except ValueError:
        return False
    return True


def number_of(context: Context, name: SqlValue, kind: str = "H") -> int | None:
    """The number of the assertion with that id, given whole; None if there is none.

    `kind`: of what else has ids, a key of store.objects.NAMED.
    """
    if not isinstance(name, str) or len(name) != 66 or not name.startswith(NAMED[kind].prefix):
        return None
    try:
        return context.objects.find(kind.encode() + b":" + bytes.fromhex(name[2:]))
    except ValueError:
        return None


class Where:
    """Conditions of one nested statement, split by where they go, with their bindings."""

    def __init__(self, params: dict[str, SqlValue]) -> None:
        self.params = params
        self.slot: list[str] = []
        self.row: list[str] = []
        self.aliases: set[str] = set()

    def bind(self, value: SqlValue) -> str:
        """A placeholder bound to the value."""
        name = f"c{len(self.params)}"
        self.params[name] = value
        return ":" + name

    def add_slot(self, condition: Condition) -> None:
        """A condition on a column of slot; a GLOB with a fixed start becomes a range too."""
        column, op, value = condition
        if not is_textual(value):
            return
        mark = self.bind(value)
        self.slot.append(f"{column.sql}{op}{mark}")
        if op == " GLOB " and isinstance(value, str):
            self._prefix(column.sql, value)

    def add_row(self, condition: Condition, value: SqlValue) -> None:
        """A condition on the resolved row."""
        column = condition.column
        if column.push == "text" and not is_textual(value):
            return
        if column.push == "integer" and not isinstance(value, int):
            return
        sql = f"{column.sql}{condition.op}{self.bind(value)}"
        if column.push == "any" and not is_textual(value):
            sql = f"({sql} OR typeof({column.sql})='text')"
        self.row.append(sql)
        self.aliases.update(column.joins)

    def _prefix(self, sql: str, pattern: str) -> None:
        start = pattern
        for mark in "*?[":
            start = start.partition(mark)[0]
        if start and ord(start[-1]) < 0xD7FF:
            after = start[:-1] + chr(ord(start[-1]) + 1)
            self.slot.append(f"{sql}>={self.bind(start)} AND {sql}<{self.bind(after)}")
