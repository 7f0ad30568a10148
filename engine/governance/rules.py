"""Rules of FORBID at work: which of them an assertion meets, and what is said about it.

Found by their keys in the index (index/rules.py); a rule's WHEN is asked last. HARD rules refuse,
SOFT ones warn; who asks, and what follows, is the transaction's and CHECK's business.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import apsw

from epql.engine.clock import moment
from epql.engine.errors import DataError, Error, IntegrityError
from epql.engine.explain.words import literal
from epql.engine.governance.conditions import Conditions, row_of
from epql.engine.governance.words import shown_reason
from epql.engine.index import rules, topics
from epql.engine.index.ask import only
from epql.engine.index.declarations import Declarations
from epql.engine.records import Assertion, Object
from epql.engine.store.objects import seq_of

_SHOWN_MAX = 60


class Rule(NamedTuple):
    """A rule as the index has it; `recorded_at` in microseconds."""

    seq: int
    digest: bytes
    subject: str
    predicate: str
    object: Object
    condition: str | None
    severity: str
    prefer: Object | None
    reason: str | None
    agent: str
    recorded_at: int

    @property
    def id(self) -> str:
        """How it is named everywhere."""
        return "c:" + self.digest.hex()

    @property
    def short_id(self) -> str:
        """Its name in a sentence; long enough to be written down."""
        return self.id[:14] + "…"

    @property
    def why(self) -> str:
        """Who forbade it, when, and for what reason, in words."""
        reason = f": {shown_reason(self.reason)}" if self.reason else ""
        return f"{self.agent}, {moment(self.recorded_at):%Y-%m-%d %H:%M}{reason}"


class Hit(NamedTuple):
    """An assertion, by its place in the list, and a rule that it meets."""

    place: int
    rule: Rule


class Rulebook:
    """The rules of an index."""

    def __init__(self, db: apsw.Connection, declarations: Declarations) -> None:
        self._db = db
        self._declarations = declarations
        self.conditions = Conditions()

    def hits(
        self, contents: Sequence[Assertion], states: Sequence[str], tx: int, at: int
    ) -> list[Hit]:
        """The rules in force just after `tx` that assertions meet, in order of the assertions.

        `at`: the instant of the commit they would be in.

        Raises: DataError `rule.condition_failed`, which names the rule.
        """
        if not rules.exist(self._db):
            return []
        triples = [(content.subject, content.predicate, content.object) for content in contents]
        known: dict[int, Rule] = {}
        found = []
        for place, seq, condition in rules.matches(self._db, triples, seq_of(tx + 1, 0)):
            rule = known.get(seq) or self.rule(seq)
            known[seq] = rule
            if condition is not None:
                content = contents[place]
                topic = topics.of(self._db, content.subject, self._declarations.at(tx).topics)
                if not self._holds(rule, row_of(content, states[place], topic, at)):
                    continue
            found.append(Hit(place, rule))
        return found

    def rule(self, seq: int) -> Rule:
        """The rule at a position."""
        sql = (
            "SELECT r.id, r.digest, r.subject, r.predicate, r.object, r.condition, r.severity,"
            " r.prefer, r.reason, g.name, c.recorded_at FROM rule r JOIN agent g ON g.id=r.agent"
            " JOIN txn c ON c.tx=(r.id >> 20) WHERE r.id=?"
        )
        return Rule(*only(self._db, sql, (seq,)))

    def _holds(self, rule: Rule, row: Sequence[object]) -> bool:
        assert rule.condition is not None
        try:
            return self.conditions.holds(rule.condition, row)
        except DataError as error:
            error.message = f"rule {rule.short_id} ({rule.why}): {error.message}"
            raise


def refusal(content: Assertion, rule: Rule) -> Error:
    """What a HARD rule answers: the rule, its reason, who and when, and what to use instead."""
    return IntegrityError(
        f"{triple_in_words(content)} is forbidden by {rule.short_id} ({rule.why})",
        code="rule.forbidden",
        hint=f"use {_shown(rule.prefer)} instead"
        if rule.prefer is not None
        else f"assert something else, or talk to {rule.agent} about the rule",
    )


def warning(contents: Sequence[Assertion], rule: Rule) -> str:
    """What a SOFT rule says about the assertions that met it."""
    said = triple_in_words(contents[0])
    more = f" and {len(contents) - 1} more" if len(contents) > 1 else ""
    instead = "" if rule.prefer is None else f"; {_shown(rule.prefer)} is preferred"
    return f"{said}{more}: rule {rule.short_id} advises against it ({rule.why}){instead}"


def triple_in_words(content: Assertion) -> str:
    """The triple as it is written, long parts cut."""
    parts = (content.subject, content.predicate, content.object)
    return f"({', '.join(_shown(part) for part in parts)})"


def _shown(part: Object) -> str:
    if isinstance(part, str) and len(part) > _SHOWN_MAX:
        part = part[:_SHOWN_MAX] + "…"
    return literal(part)
