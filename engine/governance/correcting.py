"""CORRECT: we were wrong about an assertion. One commit holds all of it: the move to `incorrect`,
what is believed instead, the rule against saying it again, and the correction that binds them.

What follows from a correction (trust, dependents) is the gardener's.
"""

from __future__ import annotations

from typing import NamedTuple

from epql.engine.clock import EVER, FOREVER
from epql.engine.errors import IntegrityError
from epql.engine.governance import four_eyes
from epql.engine.governance.patterns import literally
from epql.engine.index.fold import Head
from epql.engine.index.rules import check_object_pattern, check_pattern
from epql.engine.lifecycle import NAME, check_move
from epql.engine.records import Assertion, Constraint, Correction, Object
from epql.engine.transaction import Outcome, Transaction


class Remedy(NamedTuple):
    """What a CORRECT says should hold instead.

    `object`: what is right, None: nothing is. `valid`: [from, to) of the replacement, None: the
    old one's. `forbid`: whether the wrong triple is forbidden; `prefer`: what to use instead.
    """

    reason: str
    agent: str
    object: Object | None = None
    valid: tuple[int | None, int | None] | None = None
    confidence: float = 1.0
    source: str | None = None
    forbid: bool = False
    prefer: Object | None = None


class Corrected(NamedTuple):
    """What one correction did: its digest, and those of what came with it."""

    digest: bytes
    replacement: Outcome | None
    rule: bytes | None


def correct(
    transaction: Transaction,
    target: bytes,
    wrong: Assertion,
    remedy: Remedy,
    rules: dict[tuple[str, str, str], bytes],
) -> Corrected:
    """Correct one assertion, whose content is `wrong`. `rules`: those this statement made.

    Raises: IntegrityError `lifecycle.*`, `correct.*`, and what asserting raises.
    """
    head = transaction.head(target)
    was = NAME[head.state]
    check_move(was, "incorrect")
    right = _replacement(transaction, head, wrong, remedy)
    # a rule about a number means that number, whatever its type
    if remedy.forbid and right is not None and right.object == wrong.object:
        raise IntegrityError(
            "FORBID would forbid the replacement, too",
            code="correct.forbids_itself",
            hint="leave FORBID out: only the valid time was wrong",
        )
    outcome = None
    if right is not None:
        state = four_eyes.replacement_state(transaction, was)
        (outcome,) = transaction.assert_many([right], [state])
    # the move comes last, because DIFF tells the last event of a slot as the cause
    transaction.move(target, was, "incorrect", "CORRECT", remedy.agent, remedy.reason)
    rule = _forbid(transaction, target, wrong, remedy, rules) if remedy.forbid else None
    digest = transaction.append(
        Correction(
            transaction.tx, transaction.order, target, remedy.agent, remedy.reason,
            None if outcome is None else outcome.digest, rule,
        )
    )  # fmt: skip
    return Corrected(digest, outcome, rule)


def _replacement(
    transaction: Transaction, head: Head, wrong: Assertion, remedy: Remedy
) -> Assertion | None:
    """What is asserted instead, in the old one's slot; VALID alone corrects the time only."""
    if remedy.object is None and remedy.valid is None:
        return None
    obj = wrong.object if remedy.object is None else remedy.object
    old = _outer(head)
    start, end = old if remedy.valid is None else remedy.valid
    if _is_same(obj, wrong.object) and (start, end) == old:
        raise IntegrityError(
            "the replacement says what the corrected assertion says",
            code="correct.same",
            hint="CORRECT … TO what is right, or without TO if nothing is known to be",
        )
    from_tx = 0
    if remedy.valid is None and head.since_tx == transaction.tx:
        if head.valid_to == transaction.at:
            raise IntegrityError(
                "it was superseded in this very transaction, whose instant is not known yet",
                code="correct.cut_here",
                hint="COMMIT first, or say VALID",
            )
        if head.valid_from == transaction.at:  # it began with this transaction, and so does this
            start, from_tx = None, transaction.tx
            transaction.names_own_instant = True
    return Assertion(
        wrong.subject, wrong.predicate, obj, remedy.confidence, remedy.agent, remedy.source,
        start, end, from_tx,
    )  # fmt: skip


def _outer(head: Head) -> tuple[int | None, int | None]:
    """The valid time of an assertion's present state; None is an open end."""
    return (
        None if head.valid_from == EVER else head.valid_from,
        None if head.valid_to == FOREVER else head.valid_to,
    )


def _forbid(
    transaction: Transaction,
    target: bytes,
    wrong: Assertion,
    remedy: Remedy,
    rules: dict[tuple[str, str, str], bytes],
) -> bytes:
    """A rule against exactly the wrong triple; one for all assertions of it.

    Raises: DataError `value.*` for what no pattern can say.
    """
    triple = (
        check_pattern("subject", literally(wrong.subject)),
        check_pattern("predicate", literally(wrong.predicate)),
    )
    obj = check_object_pattern(literally(wrong.object))
    key = (triple[0], triple[1], repr(wrong.object))
    if key not in rules:
        prefer = remedy.object if remedy.prefer is None else remedy.prefer
        rules[key] = transaction.append(
            Constraint(
                transaction.tx, transaction.order, *triple, obj,
                remedy.agent, None, "hard", prefer, remedy.reason, target,
            )
        )  # fmt: skip
    return rules[key]


def _is_same(one: Object, other: Object) -> bool:
    return type(one) is type(other) and one == other
