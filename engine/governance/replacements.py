"""SUPERSEDE: one assertion takes another's place because the world changed."""

from __future__ import annotations

from epql.engine.clock import EVER, FOREVER
from epql.engine.errors import DataError, IntegrityError
from epql.engine.governance import four_eyes
from epql.engine.lifecycle import LIVE, NAME
from epql.engine.records import Assertion, encode, key_of
from epql.engine.transaction import Outcome, Transaction


def supersede(
    transaction: Transaction,
    target: bytes,
    successor: Assertion,
    since: int | None,
    reason: str | None = None,
) -> Outcome:
    """End an assertion's valid time at `since` (None: the commit's instant); `successor` takes
    over from there, in the same state. `successor`'s valid time is set here.

    Raises: IntegrityError if the target is not live or the successor is the target;
    DataError if the target's valid time ended before.
    """
    head = transaction.head(target)
    was = NAME[head.state]
    if was not in LIVE:
        raise IntegrityError(
            f"the assertion is {was}; only a live one can be superseded",
            code="lifecycle.illegal_move",
            hint="live states are " + ", ".join(LIVE),
        )
    cut = transaction.at if since is None else since
    if cut >= head.valid_to:
        raise DataError(
            "the assertion's valid time ends before the new one would begin",
            code="supersede.after_end",
            hint="give an earlier FROM, or ASSERT the new value with its own VALID",
        )
    successor = with_valid(
        successor,
        None if cut <= EVER else since,
        None if head.valid_to == FOREVER else head.valid_to,
        transaction.tx if since is None else 0,
    )
    digest = key_of("H", encode(successor))[2:]
    if digest == target:
        raise IntegrityError(
            "the assertion cannot supersede itself", code="supersede.same", hint="nothing to do"
        )
    state = four_eyes.replacement_state(transaction, was)
    (outcome,) = transaction.assert_many([successor], [state])
    transaction.move(
        target, was, "superseded", "SUPERSEDE", successor.agent, reason,
        by=digest, cut=since, cut_tx=transaction.tx if since is None else 0,
    )  # fmt: skip
    transaction.names_own_instant |= since is None
    return outcome


def with_valid(
    content: Assertion, valid_from: int | None, valid_to: int | None, from_tx: int
) -> Assertion:
    """The same content with another valid time."""
    return Assertion(
        content.subject, content.predicate, content.object, content.confidence, content.agent,
        content.source, valid_from, valid_to, from_tx, content.parents, content.qualifiers,
        content.key,
    )  # fmt: skip
