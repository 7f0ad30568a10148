"""Markdown: written only, as the output of queries is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import IO, Any

from epql.exchange.rendered import write_as


def write(file: IO[bytes], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Write rows as Markdown."""
    return write_as("markdown", file, columns, rows)
