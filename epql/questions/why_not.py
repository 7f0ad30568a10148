"""WHY NOT (s, p, o): what keeps it from being the answer."""

from __future__ import annotations

from epql.engine.content import check_object
from epql.nodes import WhyNot
from epql.questions.inquiry import Inquiry, Reply


def run(inquiry: Inquiry, statement: WhyNot) -> Reply:
    """One row for each reason, the nearest first."""
    triple = statement.triple
    snapshot = inquiry.snapshot("why_not", statement.clauses)
    arguments = (
        inquiry.name("subject", triple.subject),
        inquiry.name("predicate", triple.predicate),
        inquiry.checked(triple.object, check_object),
    )
    return inquiry.ask("why_not", snapshot, [arguments])
