"""REPLAY QUERY id [AS OF NOW] [DIFF]: the same question again; is the answer the same?"""

from __future__ import annotations

from epql.audit.again import Again, kept
from epql.engine.errors import Error, ProgrammingError
from epql.nodes import Replay
from epql.plan.values import span_of
from epql.questions.inquiry import Inquiry, Reply


def run(inquiry: Inquiry, statement: Replay) -> Reply:
    """The rows, with the columns of the query; a notice compares them with the answer given."""
    name = inquiry.value(statement.id)
    span = span_of(statement.id) or statement.span
    try:
        if not isinstance(name, str):
            raise ProgrammingError(
                f"{name!r} is not the id of a query",
                code="id.malformed",
                hint="an id is 'q:' and hexadecimal digits, such as 'q:5d20c1'",
            )
        again = Again(inquiry.database, inquiry.queries, kept(inquiry.database, name))
    except Error as error:
        raise error.with_span(span) from None
    try:
        if statement.is_diff:
            outcome = again.difference(statement.span)
        else:
            outcome = again.now() if statement.is_at_now else again.then()
    except Error as error:
        error.span = span  # its place is one in the text of the query
        raise
    inquiry.notice(outcome.notice)
    inquiry.notices += outcome.resolver.notices
    scope = outcome.scope or outcome.resolver.snapshot(outcome.resolver.standing)
    return Reply(tuple(outcome.columns), iter(outcome.rows), scope)
