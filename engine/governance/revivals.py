"""REVIVE: out of a terminal state, back to proposed."""

from __future__ import annotations

from epql.engine.errors import IntegrityError
from epql.engine.governance import forbidding
from epql.engine.lifecycle import NAME, TERMINAL
from epql.engine.transaction import Transaction


def revive(transaction: Transaction, target: bytes, agent: str, reason: str | None = None) -> bytes:
    """Bring an assertion back to proposed, or the part of it that was superseded from an instant
    on; what lies before that instant stays as it is. The digest of the move.

    Raises: IntegrityError `lifecycle.wrong_state` if nothing of it is in a terminal state,
    `rule.forbidden`.
    """
    piece = transaction.head(target)
    was = NAME[piece.state]
    if was not in TERMINAL:
        tail = transaction.fold.tail(piece)
        if tail is None:
            raise IntegrityError(
                f"the assertion is {was}; only what is in a terminal state is revived",
                code="lifecycle.wrong_state",
                hint="the terminal states are " + ", ".join(TERMINAL),
            )
        piece, was = tail, "superseded"
    forbidding.enforce_again(transaction, piece)
    return transaction.move(target, was, "proposed", "REVIVE", agent, reason)
