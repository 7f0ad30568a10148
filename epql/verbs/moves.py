"""TRANSITION, PROMOTE, REJECT, RETRACT: assertions move through their lifecycle."""

from __future__ import annotations

from epql.engine.errors import DataError
from epql.engine.governance.dependents import standing_on
from epql.engine.governance.flags import flag_dependents
from epql.engine.lifecycle import check_state
from epql.nodes import Retract, Transition
from epql.verbs import targets
from epql.verbs.returning import answer
from epql.verbs.work import Answer, Work

_TO = {"promote": "approved", "reject": "rejected"}
_LOSING = {"rejected": "rejected", "retracted": "retracted", "incorrect": "found incorrect"}
"""States of a ground that holds nothing up any more, with what became of it in words."""


def transition(work: Work, statement: Transition) -> Answer:
    """TRANSITION target TO state, PROMOTE target, REJECT target."""
    if statement.state is None:
        state = _TO[statement.verb]
    else:
        state = work.checked(statement.state, _state)
    reason = work.reason(statement.reason)
    causes: dict[bytes, bytes] = {}

    def move(digest: bytes) -> None:
        causes[digest] = work.transaction.transition(
            digest, state, "TRANSITION", work.agent, reason
        )

    digests = targets.each(work, statement.target, move)
    if state in _LOSING:
        _flag(work, causes, _LOSING[state], reason)
    return answer(work, digests, statement.returning)


def retract(work: Work, statement: Retract) -> Answer:
    """RETRACT target [CASCADE]; without CASCADE what rests on the targets is flagged."""
    reason = work.reason(statement.reason)
    causes: dict[bytes, bytes] = {}

    def withdraw(digest: bytes) -> None:
        causes[digest] = work.transaction.transition(
            digest, "retracted", "RETRACT", work.agent, reason
        )

    digests = targets.each(work, statement.target, withdraw)
    if statement.cascade:
        for one in standing_on(work.transaction.db, digests):
            withdraw(one.digest)
        digests = list(causes)
    else:
        _flag(work, causes, "retracted", reason)
    return answer(work, digests, statement.returning)


def _flag(work: Work, causes: dict[bytes, bytes], did: str, reason: str | None) -> None:
    """Flag what rests on assertions that were moved to a state that holds nothing up."""
    flagged = {
        one.digest
        for ground, cause in causes.items()
        for one in flag_dependents(
            work.transaction, ground, cause, work.agent, did, reason, apart=causes
        )
    }
    if flagged:
        count = len(flagged)
        what = "1 derived assertion rests" if count == 1 else f"{count} derived assertions rest"
        them = "it" if count == 1 else "them"
        instead = f"RETRACT (SELECT id FROM flags WHERE tx = {work.transaction.tx})"
        work.notice(f"{what} on what was {did}: flagged; {instead} withdraws {them} too")


def _state(value: object) -> str:
    if not isinstance(value, str):
        raise DataError(f"a lifecycle state is a word, not {value!r}", code="lifecycle.unknown")
    return check_state(value)
