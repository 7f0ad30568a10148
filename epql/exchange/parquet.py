"""Parquet: columns with types, through pyarrow.

A column whose values have one type is written as that type. One that mixes texts and numbers, as
`object` often does, is written as JSON texts, and its field says so ('epql' = 'json'), so that
reading gives the same values. Rows are kept in a temporary file until all types are known.
"""

from __future__ import annotations

import json
import marshal
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import islice
from typing import IO, Any

from epql.engine.errors import DataError, Error
from epql.exchange.files import Source
from epql.exchange.formats import Reading, Row, Table, missing

try:
    import pyarrow as arrow
    from pyarrow import parquet
except ImportError as absent:
    raise missing("pyarrow", "parquet", absent) from absent

_GROUP = 50_000
_KIND = b"epql"
_JSON = b"json"
_TYPES = {str: arrow.string(), int: arrow.int64(), float: arrow.float64(), bytes: arrow.binary()}


# ---------------------------------------------------------------- writing


def write(file: IO[bytes], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Write rows; how many."""
    count = 0
    with tempfile.TemporaryFile() as spool:
        kinds: list[set[type]] = [set() for _ in columns]
        source = iter(rows)
        while group := [tuple(row) for row in islice(source, _GROUP)]:
            count += len(group)
            for row in group:
                for kind, value in zip(kinds, row, strict=True):
                    kind.add(type(value))
            marshal.dump(group, spool)
        spool.seek(0)
        fields = [_field(name, kind) for name, kind in zip(_named(columns), kinds, strict=True)]
        _write_groups(file, arrow.schema(fields), spool)
    return count


def _named(columns: Sequence[str]) -> list[str]:
    """Names that differ: one that comes again gets a number."""
    names: list[str] = []
    for name in columns:
        unique, number = name, 2
        while unique in names:
            unique, number = f"{name}_{number}", number + 1
        names.append(unique)
    return names


def _field(name: str, kinds: set[type]) -> Any:
    kinds = kinds - {type(None)}
    if len(kinds) > 1:
        return arrow.field(name, arrow.string(), metadata={_KIND: _JSON})
    return arrow.field(name, _TYPES[next(iter(kinds))] if kinds else arrow.string())


def _write_groups(file: IO[bytes], schema: Any, spool: IO[bytes]) -> None:
    with parquet.ParquetWriter(file, schema) as writer:
        while True:
            try:
                group = marshal.load(spool)
            except EOFError:
                return
            values = [
                [_shown(value) for value in column] if _is_json(field) else list(column)
                for field, column in zip(schema, zip(*group, strict=True), strict=True)
            ]
            arrays = [arrow.array(v, f.type) for v, f in zip(values, schema, strict=True)]
            writer.write_table(arrow.Table.from_arrays(arrays, schema=schema))


def _is_json(field: Any) -> bool:
    return (field.metadata or {}).get(_KIND) == _JSON


def _shown(value: Any) -> str | None:
    if isinstance(value, bytes):
        value = f"x'{value.hex()}'"
    return None if value is None else json.dumps(value, ensure_ascii=False)


# ---------------------------------------------------------------- reading


def read(source: Source, reading: Reading) -> Table:
    """The rows of a Parquet file. Raises: DataError `import.row` if it is none."""
    try:
        file = parquet.ParquetFile(_whole(source))
    except (arrow.ArrowException, OSError) as error:
        raise _unreadable(error) from error
    return Table(tuple(file.schema_arrow.names), _rows(file))


def _whole(source: Source) -> Any:
    """What can be read at any place: the file itself, or what came through a pipe or gzip."""
    if source.size and source.file.seekable() and not source.path.endswith(".gz"):
        return source.file
    kept = tempfile.TemporaryFile()  # noqa: SIM115  closed with the reader
    for piece in iter(lambda: source.file.read(2**20), b""):
        kept.write(piece)
    kept.seek(0)
    return kept


def _rows(file: Any) -> Iterator[tuple[int, Row | Error]]:
    """Each row, counted from 1."""
    is_json = [_is_json(field) for field in file.schema_arrow]
    names = file.schema_arrow.names
    number = 0
    try:
        for batch in file.iter_batches(10_000):
            columns = [column.to_pylist() for column in batch.columns]
            for row in zip(*columns, strict=True):
                number += 1
                yield number, _row(names, row, is_json)
    except (arrow.ArrowException, OSError) as error:
        raise _unreadable(error) from error


def _row(names: Sequence[str], row: Sequence[Any], is_json: Sequence[bool]) -> Row | Error:
    try:
        return {
            name: json.loads(value) if known and value is not None else _plain(value)
            for name, value, known in zip(names, row, is_json, strict=True)
        }
    except ValueError as error:
        return DataError(f"a value is not JSON ({error})", code="import.row")


def _plain(value: Any) -> Any:
    """A value of Arrow's as an assertion may have it."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            return value.isoformat()
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


def _unreadable(error: Exception) -> DataError:
    return DataError(f"this is no Parquet file that can be read ({error})", code="import.row")
