"""What is said about an assertion without moving it: votes, and that it was checked again."""

from __future__ import annotations

from collections.abc import Sequence

from epql.engine.errors import DataError, IntegrityError
from epql.engine.lifecycle import LANDING, LIVE, NAME, TERMINAL
from epql.engine.records import Use, Vote
from epql.engine.transaction import Transaction


def vote(
    transaction: Transaction,
    target: bytes,
    is_for: bool,
    weight: float,
    agent: str,
    reason: str | None = None,
) -> None:
    """VOTE FOR or AGAINST an assertion; the agent's latest vote on it counts.

    Raises: IntegrityError `lifecycle.wrong_state` unless it is live.
    """
    _check_state(transaction, target, LIVE, "only a live assertion is voted on")
    record = Vote(transaction.tx, transaction.order, target, is_for, weight, agent, reason)
    transaction.append(record)


def confirm(
    transaction: Transaction,
    target: bytes,
    agent: str,
    source: str | None = None,
    reason: str | None = None,
) -> None:
    """CONFIRM: checked again, and fresh again.

    Raises: IntegrityError `lifecycle.wrong_state` unless it is live or deprecated.
    """
    _check_state(transaction, target, LANDING, "only what still stands is confirmed")
    order = transaction.order
    transaction.append(Use(transaction.tx, order, "assertion", target, agent, source, reason))


def check_weight(value: object) -> float:
    """The weight of a vote: more than 0, 1 at most. Raises: DataError `value.*`."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        shown = "NULL" if value is None else repr(value)
        raise DataError(f"the weight must be a number, not {shown}", code="value.type")
    if not 0 < value <= 1:
        raise DataError(
            f"the weight {value} is not more than 0 and 1 at most",
            code="value.range",
            hint="1 is a full voice, 0.5 half of one",
        )
    return float(value)


def _check_state(transaction: Transaction, target: bytes, states: Sequence[str], rule: str) -> None:
    state = NAME[transaction.head(target).state]
    if state in states:
        return
    raise IntegrityError(
        f"the assertion is {state}; {rule}",
        code="lifecycle.wrong_state",
        hint="REVIVE brings it back to proposed"
        if state in TERMINAL
        else "the live states are " + ", ".join(LIVE),
    )
