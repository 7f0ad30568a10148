"""CHECK (s, p, o) [, …]: the pre-flight. Which rules would it meet?

Each rule that is met is used, and so stays fresh: the use is written, where the session may write
and stands at now.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from epql.engine.content import check_name, check_object
from epql.engine.errors import Error, ProgrammingError
from epql.engine.governance import forbidding
from epql.engine.governance.checking import Finding, findings
from epql.engine.records import Assertion
from epql.engine.transaction import Transaction
from epql.engine.vtab.checked import row_of
from epql.engine.vtab.register import RELATIONS
from epql.nodes import Check, QueryExpression
from epql.questions.inquiry import Inquiry, Reply

_TRIPLE = ("subject", "predicate", "object")


def run(inquiry: Inquiry, statement: Check) -> Reply:
    """Answer a CHECK. Raises: DataError `value.*`, `rule.condition_failed`."""
    snapshot = inquiry.snapshot("checked", statement.clauses)
    database = inquiry.database
    contents = list(_contents(inquiry, statement))
    found = findings(database.db, database.declarations, database.rulebook, snapshot, contents)
    if found:
        is_now = statement.clauses.as_of is None
        _use(inquiry, found, is_now=is_now)
    columns = tuple(column.name for column in RELATIONS["checked"].columns)
    return Reply(columns, iter([row_of(finding) for finding in found]), snapshot)


def _use(inquiry: Inquiry, found: list[Finding], *, is_now: bool) -> None:
    """Write that rules were used, or tell why not."""
    if inquiry.write is None or not is_now:
        why = "the session may not write" if is_now else "the CHECK stands in the past"
        inquiry.notice(f"the use of the rules is not recorded: {why}")
        return
    agent = inquiry.session.speaker()

    def use(transaction: Transaction) -> None:
        for finding in found:
            forbidding.use(transaction, finding.rule, finding.content, agent, "CHECK")

    inquiry.write(use)


def _contents(inquiry: Inquiry, statement: Check) -> Iterator[Assertion]:
    agent = inquiry.session.speaker()
    for triple in statement.triples:
        yield Assertion(
            inquiry.name("subject", triple.subject),
            inquiry.name("predicate", triple.predicate),
            inquiry.checked(triple.object, check_object),
            1.0,
            agent,
        )
    if statement.query is not None:
        for subject, predicate, obj in _rows(inquiry, statement.query):
            try:
                yield Assertion(
                    check_name("subject", subject), check_name("predicate", predicate),
                    check_object(obj), 1.0, agent,
                )  # fmt: skip
            except Error as error:
                raise error.with_span(statement.query.meta.get("span")) from None


def _rows(inquiry: Inquiry, query: QueryExpression) -> Iterator[tuple[Any, Any, Any]]:
    """The triples of a query: its columns of these names, else its first three."""
    columns, rows = inquiry.query(query, inquiry.resolver)
    names = [column.lower() for column in columns]
    if len(names) < len(_TRIPLE):
        raise ProgrammingError(
            "subject, predicate and object are needed",
            code="check.columns",
            span=query.meta.get("span"),
            hint="CHECK (SELECT subject, predicate, object FROM …)",
        )
    has_names = all(name in names for name in _TRIPLE)
    s, p, o = (names.index(name) for name in _TRIPLE) if has_names else (0, 1, 2)
    return ((row[s], row[p], row[o]) for row in rows)
