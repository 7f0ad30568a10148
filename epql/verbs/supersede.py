"""SUPERSEDE target WITH o [FROM instant]: the world changed."""

from __future__ import annotations

from epql.engine import lookup
from epql.engine.content import check_confidence, check_object
from epql.engine.governance import replacements
from epql.engine.records import Assertion
from epql.engine.transaction import Outcome
from epql.nodes import Supersede
from epql.verbs import replaced, targets
from epql.verbs.returning import answer
from epql.verbs.work import Answer, Work


def run(work: Work, statement: Supersede) -> Answer:
    """Carry out a SUPERSEDE; RETURNING shows the successors."""
    since = None
    if statement.since is not None:
        since = work.resolver.instant(statement.since, work.resolver.now)
    reason = work.reason(statement.reason)
    made: list[Outcome] = []

    def supersede(digest: bytes) -> None:
        successor = _successor(work, statement, lookup.content_of(work.database, digest))
        made.append(replacements.supersede(work.transaction, digest, successor, since, reason))

    targets.each(work, statement.target, supersede)
    replaced.tell(work, made)
    return answer(work, [outcome.digest for outcome in made], statement.returning)


def _successor(work: Work, statement: Supersede, old: Assertion) -> Assertion:
    """What takes over: the old one's slot, and its confidence and source unless given."""
    confidence, source = old.confidence, old.source
    if statement.confidence is not None:
        confidence = work.checked(statement.confidence, check_confidence)
    if statement.source is not None:
        source = work.optional("source", statement.source)
    obj = work.checked(statement.object, check_object)
    return Assertion(old.subject, old.predicate, obj, confidence, work.agent, source)
