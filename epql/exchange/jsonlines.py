"""JSON Lines: one object a line, its keys are the columns; or [subject, predicate, object]."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Any, NoReturn

from epql.engine.errors import DataError, Error
from epql.exchange.files import BOM, Source, check_encoding, decoded
from epql.exchange.formats import Reading, Row, Table
from epql.exchange.rendered import write_as

_LINE_MAX = 32 * 2**20
_TRIPLE = ("subject", "predicate", "object")


def read(source: Source, reading: Reading) -> Table:
    """The rows of a JSON Lines file; each has columns of its own."""
    return Table(None, _rows(source))


def write(file: IO[bytes], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Write rows as JSON Lines."""
    return write_as("jsonl", file, columns, rows)


def _rows(source: Source) -> Iterator[tuple[int, Row | Error]]:
    for number, line in enumerate(source.lines(), start=1):
        if number == 1:
            check_encoding(line)
            line = line.removeprefix(BOM)
        if line.isspace():
            continue
        try:
            yield number, _row(line)
        except DataError as error:
            yield number, error


def _row(line: bytes) -> Row:
    if len(line) > _LINE_MAX:
        raise _bad("the line is too long")
    try:
        found = _DECODER.decode(decoded(line))
    except (ValueError, RecursionError) as error:
        raise _bad(f"this is not JSON ({error})") from error
    if isinstance(found, list) and len(found) == len(_TRIPLE):
        found = dict(zip(_TRIPLE, found, strict=True))
    if not isinstance(found, dict):
        raise _bad("a line is one JSON object, or a list of subject, predicate and object")
    return found


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON's")


_DECODER = json.JSONDecoder(parse_constant=_no_number)


def _bad(message: str) -> DataError:
    return DataError(
        message,
        code="import.row",
        hint="""a line: {"subject": "s", "predicate": "p", "object": 1}""",
    )
