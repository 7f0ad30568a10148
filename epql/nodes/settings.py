"""Transactions and settings."""

from __future__ import annotations

from msgspec import Struct

from epql.engine.errors import Span
from epql.nodes.clauses import NO_CLAUSES, Clauses
from epql.nodes.expressions import Expression


class Begin(Struct, frozen=True):
    """BEGIN [READ ONLY] [clauses]."""

    read_only: bool
    clauses: Clauses
    span: Span


class Commit(Struct, frozen=True):
    span: Span


class Rollback(Struct, frozen=True):
    span: Span


class Set(Struct, frozen=True):
    """SET AS OF …, VALID …, LIFECYCLE …, RESOLVE BY …: `clauses`. The rest: `name` and `value`.

    name: 'agent', 'purpose', 'time zone', 'notices', 'fuse'; value an expression
    (on and off come as the string literals 'on' and 'off').
    `SET AS OF NOW` ends a standing AS OF.
    """

    span: Span
    clauses: Clauses = NO_CLAUSES
    name: str | None = None
    value: Expression | None = None
