"""Files in and out: import, export, backup."""

from __future__ import annotations

from msgspec import Struct

from epql.engine.errors import Span
from epql.nodes.expressions import Expression
from epql.nodes.questions import Verify


class Renamed(Struct, frozen=True):
    """`column AS part`, or `column AS 'predicate'` (`is_predicate`)."""

    column: str
    part: str
    is_predicate: bool
    span: Span


class Import(Struct, frozen=True):
    """IMPORT FROM 'path' with its options.

    `columns`: COLUMNS (…); `wide`: the column of WIDE BY, the others are predicates.
    """

    path: Expression
    span: Span
    format: str | None = None
    columns: tuple[Renamed, ...] = ()
    wide: str | None = None
    no_header: bool = False
    detect_types: bool = False
    agent: Expression | None = None
    confidence: Expression | None = None
    lifecycle: Expression | None = None
    source: Expression | None = None
    skip_bad: bool = False
    dry_run: bool = False


class ImportHistory(Struct, frozen=True):
    """IMPORT HISTORY FROM 'path' [FORMAT jsonl] [SKIP BAD]."""

    path: Expression
    span: Span
    format: str | None = None
    skip_bad: bool = False


class Export(Struct, frozen=True):
    """EXPORT (query) TO 'path' [FORMAT …] [OVERWRITE].

    `query`: the text between the parentheses; None is EXPORT TO, the whole database.
    """

    query: str | None
    path: Expression
    span: Span
    format: str | None = None
    overwrite: bool = False


class Backup(Struct, frozen=True):
    """BACKUP TO 'path' [WITH QUERIES]."""

    path: Expression
    with_queries: bool
    span: Span


class Restore(Struct, frozen=True):
    """RESTORE FROM 'path'."""

    path: Expression
    span: Span


Exchange = Import | ImportHistory | Export | Backup | Restore | Verify
"""Statements about files: other people's, or the database's own."""
