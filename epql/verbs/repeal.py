"""REPEAL: a rule ends."""

from __future__ import annotations

from epql.engine.errors import Error, ProgrammingError
from epql.engine.governance import forbidding
from epql.engine.index import rules
from epql.engine.store.objects import seq_of
from epql.nodes import IdTarget, Pattern, QueryTarget, Repeal
from epql.verbs import targets
from epql.verbs.forbid import patterns
from epql.verbs.returning import answer
from epql.verbs.work import Answer, Work


def run(work: Work, statement: Repeal) -> Answer:
    """Carry out a REPEAL; RETURNING shows the rules that ended.

    Raises: ProgrammingError `rule.none`, `id.*`; IntegrityError `rule.repealed`.
    """
    digests = _named(work, statement.target)
    reason = work.reason(statement.reason)
    try:
        for digest in digests:
            forbidding.repeal(work.transaction, digest, work.agent, reason)
    except Error as error:
        raise error.with_span(statement.target.span) from None
    return answer(work, digests, statement.returning, relation="constraints")


def _named(work: Work, target: IdTarget | Pattern | QueryTarget) -> list[bytes]:
    try:
        if isinstance(target, IdTarget):
            return [targets.rule_by_id(work, work.value(target.id))]
        if isinstance(target, Pattern):
            return _with_pattern(work, target)
        found = [targets.rule_by_id(work, name) for name in targets.ids_of(work, target)]
    except Error as error:
        raise error.with_span(target.span) from None
    if not found:
        work.notice("the query names no rule: nothing was done")
    return list(dict.fromkeys(found))


def _with_pattern(work: Work, pattern: Pattern) -> list[bytes]:
    triple = patterns(work, pattern)
    upto = seq_of(work.transaction.tx + 1, 0)
    found = rules.with_pattern(work.database.db, triple, upto)
    if not found:
        raise ProgrammingError(
            f"no rule in force has the pattern {triple!r}",
            code="rule.none",
            hint="SELECT id, subject, predicate, object FROM constraints WHERE in_force",
        )
    return rules.digests(work.database.db, found)
