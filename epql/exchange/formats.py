"""The formats of files, by name and by the ending of a path.

A format's module has `read(source, reading) -> Table` or `write(file, columns, rows) -> int`, or
both, and is imported when it is used. JSON, Markdown and the like are written as the output of
queries is (epql/output/render.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import IO, Any, NamedTuple, Protocol, cast

from epql.engine.errors import Error, InterfaceError, ProgrammingError, Span
from epql.exchange.files import GZIP, Source, ending_of
from epql.plan.catalog import nearest

Row = dict[str, Any]
"""A row of a file by the names of its columns."""


class Table(NamedTuple):
    """What a reader gives. `columns`: None where each row has its own. `rows`: the line's number,
    and the row or what is wrong with it. `notices`: what is to be told of the file."""

    columns: tuple[str, ...] | None
    rows: Iterator[tuple[int, Row | Error]]
    notices: Sequence[str] = ()


class Reading(NamedTuple):
    """How a file is read: `has_header` where a first line of names may be missing."""

    has_header: bool = True


class Reader(Protocol):
    """The module of a format that can be imported."""

    def read(self, source: Source, reading: Reading) -> Table: ...


class Writer(Protocol):
    """The module of a format that can be exported."""

    def write(
        self, file: IO[bytes], columns: Sequence[str], rows: Iterable[Sequence[Any]]
    ) -> int: ...


@dataclass(frozen=True)
class Format:
    """A format. `has_text`: whether its values are texts only, without types."""

    name: str
    endings: tuple[str, ...]
    module: str
    reads: bool = True
    has_text: bool = False

    def reader(self) -> Reader:
        """What reads it. Raises: InterfaceError `format.missing` without what it needs."""
        return cast(Reader, self._module())

    def writer(self) -> Writer:
        """What writes it."""
        return cast(Writer, self._module())

    def _module(self) -> Any:
        return import_module(f"epql.exchange.{self.module}")


FORMATS = {
    one.name: one
    for one in (
        Format("csv", (".csv",), "delimited", has_text=True),
        Format("tsv", (".tsv", ".tab"), "tabbed", has_text=True),
        Format("jsonl", (".jsonl", ".ndjson"), "jsonlines"),
        Format("nquads", (".nq", ".nquads", ".nt"), "nquads"),
        Format("parquet", (".parquet", ".pq"), "parquet"),
        Format("json", (".json",), "documents", reads=False),
        Format("markdown", (".md",), "markdown", reads=False),
    )
}


def format_of(name: str | None, path: str, span: Span | None, *, reads: bool) -> Format:
    """The format that is named, or else that a path's ending says.

    Raises: ProgrammingError `format.unknown`, `format.unsaid`.
    """
    known = {one.name: one for one in FORMATS.values() if one.reads or not reads}
    if name is not None:
        if name in known:
            return known[name]
        doing = "read" if reads else "written"
        raise ProgrammingError(
            f"no format {name!r} can be {doing}",
            code="format.unknown",
            span=span,
            hint=nearest(name, tuple(known), "choose one of "),
        )
    ending = ending_of(path)
    for one in known.values():
        if ending in one.endings:
            return one
    what = f"the ending {ending!r}" if ending else "no ending"
    raise ProgrammingError(
        f"the path has {what}, which names no format",
        code="format.unsaid",
        span=span,
        hint="say FORMAT and one of " + ", ".join(known),
    )


def missing(package: str, extra: str, error: ImportError) -> InterfaceError:
    """The error for a library that is not installed."""
    return InterfaceError(
        f"this format needs the package {package}, which is not installed",
        code="format.missing",
        hint=f"pip install 'epql[{extra}]'",
    )


__all__ = ["FORMATS", "GZIP", "Format", "Reading", "Row", "Table", "format_of", "missing"]
