"""REVIVE target: back to proposed."""

from __future__ import annotations

from epql.engine.governance import revivals
from epql.nodes import Revive
from epql.verbs import targets
from epql.verbs.returning import answer
from epql.verbs.work import Answer, Work


def run(work: Work, statement: Revive) -> Answer:
    """Carry out a REVIVE."""
    reason = work.reason(statement.reason)
    digests = targets.each(
        work,
        statement.target,
        lambda digest: revivals.revive(work.transaction, digest, work.agent, reason),
    )
    return answer(work, digests, statement.returning)
