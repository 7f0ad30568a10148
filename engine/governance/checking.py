"""CHECK: which rules something would meet if it were asserted, and how fresh they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import apsw

from epql.engine.governance.rules import Rule, Rulebook
from epql.engine.index.ask import only
from epql.engine.index.declarations import Declarations
from epql.engine.index.snapshot import Snapshot
from epql.engine.records import Assertion
from epql.engine.store.objects import seq_of, tx_of

VERDICTS = {"hard": "DENY", "soft": "WARN"}
"""What a rule of each severity says."""


class Finding(NamedTuple):
    """A rule that something would meet. `last_used` in microseconds, None: never before."""

    content: Assertion
    rule: Rule
    freshness: float
    last_used: int | None

    @property
    def verdict(self) -> str:
        """DENY or WARN."""
        return VERDICTS[self.rule.severity]

    @property
    def pattern(self) -> str:
        """The rule's patterns, as FORBID takes them."""
        parts = (self.rule.subject, self.rule.predicate, self.rule.object)
        return f"({', '.join(map(repr, parts))})"


def findings(
    db: apsw.Connection,
    declarations: Declarations,
    book: Rulebook,
    snapshot: Snapshot,
    contents: Sequence[Assertion],
) -> list[Finding]:
    """The rules in force at a snapshot that contents would meet, in order of the contents.

    Raises: DataError `rule.condition_failed`.
    """
    declared = declarations.at(snapshot.tx)
    states = [declared.value("default_state")] * len(contents)
    hits = book.hits(contents, states, snapshot.tx, snapshot.clock)
    half_life = declared.value("rule_half_life")
    found = []
    for place, rule in hits:
        used = _last_used(db, rule, snapshot.tx)
        age = max(0, snapshot.clock - max(rule.recorded_at, used or 0))
        found.append(Finding(contents[place], rule, 0.5 ** (age / half_life), used))
    return found


def _last_used(db: apsw.Connection, rule: Rule, tx: int) -> int | None:
    sql = "SELECT max(id) FROM used WHERE what='rule' AND target=? AND id<?"
    (seq,) = only(db, sql, (rule.seq, seq_of(tx + 1, 0)))
    if seq is None:
        return None
    return int(only(db, "SELECT recorded_at FROM txn WHERE tx=?", (tx_of(seq),))[0])
