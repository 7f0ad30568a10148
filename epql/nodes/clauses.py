"""The clauses of time and belief, and the instants in them."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from epql.engine.errors import Span
from epql.nodes.expressions import Expression


class Instant(Struct, frozen=True):
    """A time position as written; resolved once per execution.

    base 'text':  `value` is a string literal or Bind ('2026-01-12', '-24h', 'a:1f3c9e', …)
    base 'tx':    TX n            base 'epoch': EPOCH 'x'        base 'query': QUERY 'q:…'
    base 'now':   NOW (value None)
    `shift` is the (sign, value) of `± '24h'`; several are added in order.
    """

    base: Literal["text", "tx", "epoch", "query", "now"]
    value: Expression | None
    span: Span
    shift: tuple[tuple[int, Expression], ...] = ()


class AsOf(Struct, frozen=True):
    """AS OF [BEFORE] instant."""

    instant: Instant
    before: bool
    span: Span


class Valid(Struct, frozen=True):
    """VALID AT v | FROM a TO b | DURING 'period' | ANYTIME; open ends are None."""

    form: Literal["at", "from_to", "during", "anytime"]
    span: Span
    start: Instant | None = None  # AT: the instant; FROM: a, or None for open
    end: Instant | None = None  # TO: b, or None for open
    period: Expression | None = None  # DURING


class Lifecycle(Struct, frozen=True):
    """LIFECYCLE s | IN (…) | NOT IN (…) | LIVE | ANY. LIVE and ANY are the words 'live', 'any'.

    `states` are string literals (lower case as written by a bare word or a string) or Binds.
    """

    states: tuple[Expression, ...]
    negated: bool
    span: Span


class Resolve(Struct, frozen=True):
    """RESOLVE BY latest | confidence | credence | consensus | none (lower case)."""

    strategy: str
    span: Span


class History(Struct, frozen=True):
    """HISTORY [FROM a TO b]: every version believed in the window [a, b)."""

    span: Span
    start: Instant | None = None
    end: Instant | None = None


class Diff(Struct, frozen=True):
    """DIFF SINCE a [UNTIL b] [KEY (cols)]."""

    since: Instant
    span: Span
    until: Instant | None = None
    key: tuple[str, ...] | None = None


class Clauses(Struct, frozen=True):
    """The clauses of one level (a table, a query, the statement); each at most once (R5)."""

    as_of: AsOf | None = None
    valid: Valid | None = None
    lifecycle: Lifecycle | None = None
    resolve: Resolve | None = None
    history: History | None = None
    diff: Diff | None = None
    purpose: Expression | None = None

    def __bool__(self) -> bool:
        return any(getattr(self, name) is not None for name in self.__struct_fields__)


NO_CLAUSES = Clauses()

LABELS = {
    "as_of": "AS OF",
    "valid": "VALID",
    "lifecycle": "LIFECYCLE",
    "resolve": "RESOLVE BY",
    "history": "HISTORY",
    "diff": "DIFF",
    "purpose": "PURPOSE",
}
"""How each clause is written, by its field."""
LEVELLED = ("as_of", "valid", "lifecycle", "resolve")
"""The clauses that an inner level takes from the one around it when it has none of its own (R4)."""
