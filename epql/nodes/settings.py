"""Transactions and settings."""

from __future__ import annotations

from dataclasses import dataclass

from epql.engine.errors import Span
from epql.nodes.clauses import NO_CLAUSES, Clauses
from epql.nodes.expressions import Expression


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
