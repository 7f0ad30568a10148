"""Transactions, settings, files in and out."""

from __future__ import annotations

from dataclasses import dataclass

from epql.engine.errors import Span
from epql.nodes.clauses import NO_CLAUSES, Clauses
from epql.nodes.expressions import Expression, QueryExpression


@dataclass(frozen=True, slots=True)
class Begin:
    """BEGIN [READ ONLY] [clauses]."""

    read_only: bool
    clauses: Clauses
    span: Span


@dataclass(frozen=True, slots=True)
class Commit:
    span: Span


@dataclass(frozen=True, slots=True)
class Rollback:
    span: Span


@dataclass(frozen=True, slots=True)
class Set:
    """SET AS OF …, VALID …, LIFECYCLE …, RESOLVE BY …: `clauses`. The rest: `name` and `value`.

    name: 'agent', 'purpose', 'time zone', 'notices', 'fuse'; value an expression
    (on and off come as the string literals 'on' and 'off').
    `SET AS OF NOW` ends a standing AS OF.
    """

    span: Span
    clauses: Clauses = NO_CLAUSES
    name: str | None = None
    value: Expression | None = None


@dataclass(frozen=True, slots=True)
class Import:
    """IMPORT [HISTORY] FROM 'path' [FORMAT jsonl | csv]."""

    path: Expression
    history: bool
    span: Span
    format: str | None = None


@dataclass(frozen=True, slots=True)
class Export:
    """EXPORT (query) TO 'path' [FORMAT …], or EXPORT HISTORY TO 'path' (`query` None)."""

    query: QueryExpression | None
    path: Expression
    span: Span
    format: str | None = None


@dataclass(frozen=True, slots=True)
class Backup:
    """BACKUP TO 'path'."""

    path: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Restore:
    """RESTORE FROM 'path'."""

    path: Expression
    span: Span
