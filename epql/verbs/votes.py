"""VOTE and CONFIRM: what agents say about assertions without moving them."""

from __future__ import annotations

from epql.engine.governance import votes
from epql.nodes import Confirm, Vote
from epql.verbs import targets
from epql.verbs.returning import answer
from epql.verbs.work import Answer, Work


def vote(work: Work, statement: Vote) -> Answer:
    """VOTE FOR | AGAINST target [WEIGHT w]."""
    weight = 1.0
    if statement.weight is not None:
        weight = work.checked(statement.weight, votes.check_weight)
    reason = work.reason(statement.reason)
    is_for = statement.is_for
    digests = targets.each(
        work,
        statement.target,
        lambda digest: votes.vote(work.transaction, digest, is_for, weight, work.agent, reason),
    )
    return answer(work, digests, statement.returning)


def confirm(work: Work, statement: Confirm) -> Answer:
    """CONFIRM target [SOURCE x]."""
    source = work.optional("source", statement.source)
    reason = work.reason(statement.reason)
    digests = targets.each(
        work,
        statement.target,
        lambda digest: votes.confirm(work.transaction, digest, work.agent, source, reason),
    )
    return answer(work, digests, statement.returning)
