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
    params = {
        "t": snapshot.tx, "clock": snapshot.clock,
        "rule_half_life": declared.value("rule_half_life"),
    }  # fmt: skip
    return [
        Finding(contents[place], rule, *only(db, _STATE, {**params, "rule": rule.seq}))
        for place, rule in hits
    ]


USES = "FROM used u WHERE u.what='rule' AND u.target=r.id AND u.id<((:t+1)<<20)"
"""SQL for the uses of rule r up to :t."""

LAST_USE = f"(SELECT max(u.id) {USES})"
"""SQL for the position of the last of them; NULL without one."""

FRESHNESS = "pow(0.5, max(0, :clock-ifnull(uc.recorded_at, c.recorded_at))*1.0/:rule_half_life)"
"""SQL for what is left of a rule's freshness since the commit of its last use uc, or its own c."""

_STATE = (
    f"SELECT {FRESHNESS}, uc.recorded_at FROM rule r JOIN txn c ON c.tx=(r.id >> 20)"
    f" LEFT JOIN txn uc ON uc.tx=({LAST_USE} >> 20) WHERE r.id=:rule"
)
