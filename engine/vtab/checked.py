"""checked: which rules a triple would meet, as a table function. `checked(subject, predicate,
object)`; the statement CHECK answers with the same columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from epql.engine.content import check_name, check_object
from epql.engine.errors import ProgrammingError
from epql.engine.governance.checking import Finding, findings
from epql.engine.records import Assertion
from epql.engine.vtab.base import Column, Condition, Relation, SqlValue, snapshot_of
from epql.engine.vtab.context import Context, Scope
from epql.engine.vtab.show import instant

_ASKED = ("of_subject", "of_predicate", "of_object")


class Checked(Relation):
    name = "checked"
    doc = "one row per rule that a triple would meet: CHECK as a table function"
    hidden = (*_ASKED, "as_of")
    arguments = _ASKED
    columns = (
        Column("verdict", "TEXT", "", doc="DENY of a HARD rule, WARN of a SOFT one"),
        Column("subject", "TEXT", "", doc="of what is asked about"),
        Column("predicate", "TEXT", "", doc="of what is asked about"),
        Column("object", "", "", doc="of what is asked about"),
        Column("rule", "TEXT", "", doc="the rule's id"),
        Column("pattern", "TEXT", "", doc="its patterns"),
        Column("reason", "TEXT", "", doc="why it is forbidden"),
        Column("prefer", "", "", doc="what to assert instead"),
        Column("severity", "TEXT", "", doc="hard or soft"),
        Column("agent", "TEXT", "", doc="who forbade it"),
        Column("recorded_at", "TEXT", "", doc="and when"),
        Column("freshness", "REAL", "", doc="of the rule, before this use"),
        Column("last_used", "TEXT", "", doc="when it was met last before; NULL never"),
    )

    def rows(
        self,
        context: Context,
        scope: Scope,
        wanted: Sequence[Column],
        conditions: Sequence[Condition],
    ) -> Iterator[tuple[SqlValue, ...]]:
        snapshot = snapshot_of(scope, self.name)
        asked = {one.column.name: one.value for one in conditions}
        if any(name not in asked for name in _ASKED):
            raise ProgrammingError(
                "checked needs a subject, a predicate and an object",
                code="hidden.not_given",
                hint="FROM checked('http/client', 'library', 'requests')",
            )
        content = Assertion(
            check_name("subject", asked["of_subject"]),
            check_name("predicate", asked["of_predicate"]),
            check_object(asked["of_object"]),
            1.0,
            context.speaker(),
        )
        places = [self.columns.index(column) for column in wanted]
        for finding in findings(
            context.db, context.declarations, context.rulebook, snapshot, [content]
        ):
            row = row_of(finding)
            yield (*(row[place] for place in places), finding.rule.seq)

    def cost(self, given: set[str]) -> tuple[float, int]:
        return 50.0, 1


def row_of(finding: Finding) -> tuple[SqlValue, ...]:
    """A finding as a row of `checked`."""
    content, rule, freshness, last_used = finding
    return (
        finding.verdict, content.subject, content.predicate, content.object, rule.id,
        finding.pattern, rule.reason, rule.prefer, rule.severity, rule.agent,
        instant(rule.recorded_at), freshness, instant(last_used),
    )  # fmt: skip
