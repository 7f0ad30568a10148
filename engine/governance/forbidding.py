"""What rules do to a transaction: FORBID and REPEAL in it, the check of what it asserts, uses."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from epql.engine.clock import EVER, FOREVER, moment
from epql.engine.errors import IntegrityError
from epql.engine.governance.rules import Rule, refusal, triple_in_words, warning
from epql.engine.index import rules
from epql.engine.index.ask import first, only
from epql.engine.index.fold import Head
from epql.engine.records import Assertion, Constraint, Repeal, Use
from epql.engine.store.objects import seq_of

if TYPE_CHECKING:
    from epql.engine.transaction import Transaction

Warned = tuple[Rule, Assertion]
"""A SOFT rule, and an assertion that met it."""


def forbid(transaction: Transaction, rule: Constraint) -> tuple[bytes, bool]:
    """Write a rule; its digest, and whether it is new: one in force that says the same stays.

    Shape: the patterns have been checked (index/rules.py); `tx` and `order` are set here.
    """
    db = transaction.database.db
    known = rules.same(db, rule, seq_of(transaction.tx + 1, 0))
    if known is not None:
        return rules.digests(db, [known])[0], False
    numbered = Constraint(
        transaction.tx, transaction.order, rule.subject, rule.predicate, rule.object, rule.agent,
        rule.when, rule.severity, rule.prefer, rule.reason, rule.correction,
    )  # fmt: skip
    return transaction.append(numbered), True


def repeal(transaction: Transaction, digest: bytes, agent: str, reason: str | None = None) -> None:
    """End a rule that exists. Raises: IntegrityError `rule.repealed` if it has ended already."""
    database = transaction.database
    seq = database.objects.find(b"C:" + digest)
    assert seq is not None, "ids are resolved before"
    sql = (
        "SELECT g.name, c.recorded_at FROM repeal e JOIN agent g ON g.id=e.agent"
        " JOIN txn c ON c.tx=(e.id >> 20) WHERE e.rule=?"
    )
    ended = first(database.db, sql, (seq,))
    if ended is not None:
        raise IntegrityError(
            f"rule {database.rulebook.rule(seq).short_id} is not in force: {ended[0]} repealed it"
            f" at {moment(ended[1]):%Y-%m-%d %H:%M}",
            code="rule.repealed",
            hint="SELECT id FROM constraints WHERE in_force lists those that are",
        )
    transaction.append(Repeal(transaction.tx, transaction.order, digest, agent, reason))


def enforce(
    transaction: Transaction, contents: Sequence[Assertion], states: Sequence[str]
) -> list[Warned]:
    """Hold assertions against the rules; the SOFT ones they meet, whose uses are written.

    Raises: IntegrityError `rule.forbidden` where a HARD one is met, DataError
    `rule.condition_failed`.
    """
    hits = transaction.database.rulebook.hits(contents, states, transaction.tx, transaction.at)
    for hit in hits:
        if hit.rule.severity == "hard":
            raise refusal(contents[hit.place], hit.rule)
    warned = [(hit.rule, contents[hit.place]) for hit in hits]
    for rule, content in warned:
        use(transaction, rule, content, content.agent, "ASSERT")
    return warned


def enforce_again(transaction: Transaction, head: Head) -> None:
    """Hold what is brought back to proposed against the rules. Raises: as `enforce`."""
    sql = (
        "SELECT s.subject, s.predicate, a.object, a.confidence, g.name, a.source, a.extra"
        " FROM assertion a JOIN slot s ON s.id=a.slot JOIN agent g ON g.id=a.agent WHERE a.id=?"
    )
    subject, predicate, obj, confidence, agent, source, extra = only(
        transaction.database.db, sql, (head.id,)
    )
    more = json.loads(extra or "{}")
    content = Assertion(
        subject, predicate, obj, confidence, agent, source,
        valid_from=None if head.valid_from == EVER else head.valid_from,
        valid_to=None if head.valid_to == FOREVER else head.valid_to,
        parents=tuple(bytes.fromhex(parent[2:]) for parent in more.get("parents", ())),
        qualifiers=tuple(more.get("qualifiers", {}).items()),
    )  # fmt: skip
    transaction.enforce([content], ["proposed"])


def notices(warned: Sequence[Warned]) -> list[str]:
    """What SOFT rules say to who asserted all the same; one sentence for each rule."""
    by_rule: dict[Rule, list[Assertion]] = {}
    for rule, content in warned:
        by_rule.setdefault(rule, []).append(content)
    return [warning(contents, rule) for rule, contents in by_rule.items()]


def use(transaction: Transaction, rule: Rule, content: Assertion, agent: str, verb: str) -> None:
    """Note that a rule was used: `verb` is its source, the triple that met it its reason."""
    reason = triple_in_words(content)
    order = transaction.order
    transaction.append(Use(transaction.tx, order, "rule", rule.digest, agent, verb, reason))
