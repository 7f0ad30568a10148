"""FORBID: a rule about what may not be asserted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from epql.engine.content import check_object
from epql.engine.governance import forbidding
from epql.engine.index.rules import Triple, check_object_pattern, check_pattern
from epql.engine.records import Constraint
from epql.nodes import Expression, Forbid, Pattern
from epql.plan.condition import condition_text
from epql.verbs.returning import answer
from epql.verbs.work import Answer, Work


def run(work: Work, statement: Forbid) -> Answer:
    """Carry out a FORBID; RETURNING shows the rule, also one that stood already.

    Raises: DataError `value.*`, `rule.pattern`; ProgrammingError `rule.condition`, `name.*`.
    """
    subject, predicate, obj = patterns(work, statement.pattern)
    when = prefer = None
    if statement.when is not None:
        when = condition_text(statement.when, work.database.rulebook.conditions)
    if statement.prefer is not None:
        prefer = work.checked(statement.prefer, lambda value: check_object(value, "preferred"))
    rule = Constraint(
        0, 0, subject, predicate, obj, work.agent, when, statement.severity, prefer,
        work.reason(statement.reason),
    )  # fmt: skip
    digest, is_new = forbidding.forbid(work.transaction, rule)
    if not is_new:
        work.notice(f"c:{digest.hex()[:12]}… says the same already: nothing was written")
    return answer(work, [digest], statement.returning, int(is_new), "constraints")


def patterns(work: Work, pattern: Pattern) -> Triple:
    """The three patterns as they are stored; a bare star is '*'."""

    def part(expression: Expression | None, check: Callable[[Any], Any]) -> Any:
        return "*" if expression is None else work.checked(expression, check)

    return (
        part(pattern.subject, lambda value: check_pattern("subject", value)),
        part(pattern.predicate, lambda value: check_pattern("predicate", value)),
        part(pattern.object, check_object_pattern),
    )
