"""REVIVE target: back to proposed."""

from __future__ import annotations

from epql.engine import lookup
from epql.engine.errors import Error
from epql.engine.governance import revivals
from epql.engine.lifecycle import TERMINAL
from epql.nodes import Revive, SlotTarget, Target
from epql.verbs import targets
from epql.verbs.returning import answer
from epql.verbs.work import Answer, Work


def run(work: Work, statement: Revive) -> Answer:
    """Carry out a REVIVE."""
    reason = work.reason(statement.reason)
    try:
        digests = targets.each(
            work,
            statement.target,
            lambda digest: revivals.revive(work.transaction, digest, work.agent, reason),
        )
    except Error as error:
        _name_what_is_there(work, statement.target, error)
        raise
    return answer(work, digests, statement.returning)


def _name_what_is_there(work: Work, target: Target, error: Error) -> None:
    """A slot means what is believed there; what is to be revived is not: say how it is named."""
    if error.code != "target.none" or not isinstance(target, SlotTarget) or target.object:
        return
    subject = work.name("subject", target.subject)
    predicate = work.name("predicate", target.predicate)
    gone = [
        one
        for one in lookup.standing_in(work.database, subject, predicate)
        if one.state in TERMINAL
    ]
    if gone:
        error.hint = f"name what was: REVIVE ({subject!r}, {predicate!r}, {gone[-1].object!r})"
