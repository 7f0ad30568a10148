"""Which column of a file says what of an assertion.

    tall    a row is an assertion: columns subject, predicate, object, confidence, …
    wide    a row is a subject: each other column is a predicate, its cells are the objects

Pure: rows by column names in, parts of assertions in the order of assert_rows.PARTS out. Not
here: whether the parts can be asserted.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from epql.engine.content import TYPES
from epql.engine.errors import DataError, ProgrammingError
from epql.engine.index.declarations import Predicate
from epql.engine.vtab.register import RELATIONS
from epql.exchange.formats import Row
from epql.nodes import Renamed
from epql.plan.catalog import nearest
from epql.verbs.assert_rows import PARTS, TRIPLE

Parts = tuple[Any, ...]
"""What a row says, in the order of PARTS; None for what it does not say."""

IGNORE = "ignore"
_SHOWN = {column.name for name in ("beliefs", "assertions") for column in RELATIONS[name].columns}
_TOLD = frozenset(_SHOWN - set(PARTS))
"""What the relations show besides. It is computed: what an exported file has of it says nothing."""

_HISTORY = "a file of commits is history: IMPORT HISTORY FROM 'file', or --history"
_OTHER_FILES = {
    "at": _HISTORY,
    "facts": _HISTORY,
    "format": "an export of every commit is brought back by RESTORE FROM 'file'",
}
"""Columns by which other files of ours are known."""


class Mapping:
    """COLUMNS (…) and WIDE BY of an import.

    Raises: ProgrammingError `import.columns` for a part that there is not, or that stands twice.
    """

    def __init__(self, columns: Sequence[Renamed] = (), wide: str | None = None) -> None:
        self._wide = None if wide is None else wide.lower()
        self._parts: dict[str, str] = {}
        self._predicates: dict[str, str] = {}
        self._ignored: set[str] = set()
        self._seen: dict[str, str | None] = {}
        for one in columns:
            self._take(one)
        self.left_out: set[str] = set()
        """Columns that a row had and that say nothing."""

    def _take(self, one: Renamed) -> None:
        column = one.column.lower()
        if column in {*self._parts, *self._predicates, *self._ignored, self._wide}:
            raise self._wrong(one, f"the column {one.column!r} is told twice")
        if one.is_predicate:
            if self._wide is None:
                raise self._wrong(
                    one,
                    f"the column {one.column!r} cannot be a predicate: each row has its own",
                    "WIDE BY column says that a row is a subject and its columns are predicates",
                )
            self._predicates[column] = one.part
        elif one.part == IGNORE:
            self._ignored.add(column)
        else:
            self._check_part(one)
            self._parts[column] = one.part

    def _check_part(self, one: Renamed) -> None:
        if one.part not in PARTS:
            hint = nearest(one.part, (*PARTS, IGNORE), "a predicate stands in quotes; parts are ")
            raise self._wrong(one, f"an assertion has no part {one.part!r}", hint)
        if one.part in self._parts.values():
            raise self._wrong(one, f"two columns are the {one.part}")
        if self._wide is not None and one.part in TRIPLE:
            raise self._wrong(
                one,
                f"with WIDE BY no column is the {one.part}",
                "its columns are predicates, its cells are objects",
            )

    @staticmethod
    def _wrong(one: Renamed, message: str, hint: str | None = None) -> ProgrammingError:
        return ProgrammingError(message, code="import.columns", span=one.span, hint=hint)

    # ------------------------------------------------------------ the columns of a file

    def check(self, columns: Collection[str]) -> None:
        """Hold the columns of a file that has one set of them against what was told of them.

        Raises: DataError `import.columns`.
        """
        there = {column.lower() for column in columns}
        named = [*self._parts, *self._predicates, *self._ignored]
        for column in [*named, *([] if self._wide is None else [self._wide])]:
            if column not in there:
                hint = nearest(column, columns, "it has ")
                raise _columns(f"the file has no column {column!r}", hint)
        if self._wide is None:
            self._check_tall(columns)

    def _check_tall(self, columns: Collection[str]) -> None:
        names = [column.lower() for column in columns]
        said = {self._parts.get(name, name) for name in names if name not in self._ignored}
        for part in TRIPLE:
            if part not in said:
                raise _columns(
                    f"no column is the {part}",
                    f"the columns are {', '.join(columns)};"
                    f" say COLUMNS (x AS {part}), or WIDE BY x if each column is a predicate",
                )
        for column in columns:
            self._part_of(column)

    def _part_of(self, column: str) -> str | None:
        """The part that a column says in a tall file; None if it says nothing."""
        if column in self._seen:
            return self._seen[column]
        name = column.lower()
        part = self._parts.get(name)
        if part is None and name in PARTS and name not in self._parts.values():
            part = name
        if part is not None or name in self._ignored or name in _TOLD:
            if part is None and name not in self._ignored:
                self.left_out.add(column)
            self._seen[column] = part
            return part
        raise _columns(
            f"the column {column!r} is nothing that can be asserted",
            _OTHER_FILES.get(name)
            or f"say COLUMNS ({_quoted(column)} AS ignore) to leave it out, or AS one of"
            f" {', '.join(PARTS)}",
        )

    # ------------------------------------------------------------ rows

    def assertions(self, row: Row) -> Iterator[Parts]:
        """What a row says. Raises: DataError `import.columns`, `import.row`."""
        if self._wide is None:
            said = {}
            for column, value in row.items():
                part = self._part_of(column)
                if part is not None:
                    said[part] = value
            yield _parts(said)
        else:
            yield from self._wide_assertions(row)

    def _wide_assertions(self, row: Row) -> Iterator[Parts]:
        said: dict[str, Any] = {}
        facts = []
        for column, value in row.items():
            name = column.lower()
            if name == self._wide:
                said["subject"] = value
            elif name in self._parts:
                said[self._parts[name]] = value
            elif name not in self._ignored and value is not None:
                facts.append((self._predicates.get(name, column), value))
        for predicate, value in facts:
            for one in value if isinstance(value, list) else [value]:
                yield _parts({**said, "predicate": predicate, "object": one})


def _columns(message: str, hint: str | None) -> DataError:
    return DataError(message, code="import.columns", hint=hint)


def _quoted(name: str) -> str:
    return name if name.isidentifier() else '"' + name.replace('"', '""') + '"'


def _parts(said: dict[str, Any]) -> Parts:
    for name in _CHANGED:
        if said.get(name) is not None:
            said[name] = _plain(name, said[name])
    return tuple(map(said.get, PARTS))


_CHANGED = ("confidence", "valid_from", "valid_to", "parents", "qualifiers")


def _plain(name: str, value: Any) -> Any:
    """A value as ASSERT takes it: JSON's own lists and objects, numbers that are still text."""
    if name in ("parents", "qualifiers"):
        return value if isinstance(value, str) else json.dumps(value)
    if name == "confidence":
        return _number(value) if isinstance(value, str) else value
    if isinstance(value, (int, float)):
        raise DataError(
            f"{name} is {value}, which is no instant",
            code="import.row",
            hint="write it as text: '2026-01-12' or '2026-01-12T21:00:00Z'",
        )
    return value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise DataError(f"the confidence {text!r} is no number", code="import.row") from None


# ---------------------------------------------------------------- texts that mean numbers


def typed(text: str, declared: Predicate | None, *, detect: bool) -> str | int | float:
    """A cell of a file without types, as its predicate is declared to have it.

    `detect`: where nothing is declared, a text that a number would be written as is that number.

    >>> typed("42", None, detect=False), typed("42", None, detect=True)
    ('42', 42)
    >>> typed("3.10", None, detect=True), typed("007", None, detect=True)
    ('3.10', '007')
    """
    kind = None if declared is None else declared.type
    if kind == "boolean" and text.lower() in _BOOLEANS:
        return _BOOLEANS[text.lower()]
    if (kind is None and not detect) or kind in ("text", "json"):
        return text
    for number in (int, float):
        try:
            found = number(text)
        except ValueError:
            continue
        if kind is None:
            return found if str(found) == text else text
        return found if TYPES[kind](found) else text
    return text


_BOOLEANS = {"true": 1, "false": 0, "yes": 1, "no": 0, "1": 1, "0": 0}
