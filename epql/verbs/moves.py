"""TRANSITION, PROMOTE, REJECT, RETRACT: assertions move through their lifecycle."""

from __future__ import annotations

from epql.engine.errors import DataError
from epql.engine.governance.dependents import standing_on
from epql.engine.governance.flags import flag_retracted
from epql.engine.lifecycle import check_state
from epql.nodes import Retract, Transition
from epql.verbs import targets
from epql.verbs.returning import answer
from epql.verbs.work import Answer, Work

_TO = {"promote": "approved", "reject": "rejected"}


def transition(work: Work, statement: Transition) -> Answer:
    """TRANSITION target TO state, PROMOTE target, REJECT target."""
    if statement.state is None:
        state = _TO[statement.verb]
    else:
        state = work.checked(statement.state, _state)
    reason = work.reason(statement.reason)
    digests = targets.each(
        work,
        statement.target,
        lambda digest: work.transaction.transition(digest, state, "TRANSITION", work.agent, reason),
    )
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
        _flag(work, causes, reason)
    return answer(work, digests, statement.returning)


def _flag(work: Work, causes: dict[bytes, bytes], reason: str | None) -> None:
    flagged = {
        one.digest
        for ground, cause in causes.items()
        for one in flag_retracted(work.transaction, ground, cause, work.agent, reason, apart=causes)
    }
    if flagged:
        what = (
            "1 derived assertion rests"
            if len(flagged) == 1
            else (f"{len(flagged)} derived assertions rest")
        )
        work.notice(f"{what} on what was retracted: flagged; RETRACT … CASCADE withdraws them too")


def _state(value: object) -> str:
    if not isinstance(value, str):
        raise DataError(f"a lifecycle state is a word, not {value!r}", code="lifecycle.unknown")
    return check_state(value)
