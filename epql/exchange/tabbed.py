"""TSV: as CSV, with tabs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import IO, Any

from epql.exchange.delimited import table
from epql.exchange.files import Source
from epql.exchange.formats import Reading, Table
from epql.exchange.rendered import write_as


def read(source: Source, reading: Reading) -> Table:
    """The rows of a TSV file."""
    return table(source, reading, "\t")


def write(file: IO[bytes], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Write rows as TSV."""
    return write_as("tsv", file, columns, rows)
