"""The policy four_eyes: who asserted may not approve.

Agents say their own names, so this keeps honest agents from approving themselves by mistake; it
does not keep out one that speaks under two names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from epql.engine.errors import IntegrityError
from epql.engine.index.ask import only

if TYPE_CHECKING:
    from epql.engine.transaction import Transaction


def is_on(transaction: Transaction) -> bool:
    """Whether the policy is in force in this transaction."""
    return bool(transaction.declared.value("four_eyes") == "on")


def check_landing(transaction: Transaction, state: str) -> None:
    """Nothing lands approved. Raises: IntegrityError `policy.four_eyes`."""
    if state == "approved" and is_on(transaction):
        raise IntegrityError(
            "who asserts may not approve: an assertion cannot land approved",
            code="policy.four_eyes",
            hint="assert it, and let another agent PROMOTE it; DEFINE POLICY four_eyes = off",
        )


def check_approval(transaction: Transaction, target: bytes, agent: str) -> None:
    """Neither its author approves it, nor whose commit recorded it first.

    Raises: IntegrityError `policy.four_eyes`.
    """
    if not is_on(transaction):
        return
    sql = (
        "SELECT g.name, r.name FROM assertion a JOIN agent g ON g.id=a.agent"
        " JOIN txn c ON c.tx=(a.id >> 20) JOIN agent r ON r.id=c.agent WHERE a.id=?"
    )
    author, recorder = only(transaction.db, sql, (transaction.head(target).id,))
    if agent not in (author, recorder):
        return
    did = "asserted" if agent == author else "recorded"
    raise IntegrityError(
        f"{agent} {did} it and may not approve it",
        code="policy.four_eyes",
        hint="another agent has to; DEFINE POLICY four_eyes = off",
    )


def replacement_state(transaction: Transaction, was: str) -> str:
    """The state a replacement takes over: the old one's, but none that its author may not give."""
    return "review" if was == "approved" and is_on(transaction) else was
