"""ASSERT: one statement, or the same statement for many rows of parameters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from epql.engine.errors import Error
from epql.engine.records import Assertion
from epql.nodes import Assert
from epql.plan.values import Params
from epql.verbs import assert_rows, columns
from epql.verbs.asserter import Asserter, asserter_of, check_guards, tell_of_grounds, tell_retries
from epql.verbs.returning import answer
from epql.verbs.work import Answer, Work

BATCH = 10_000
"""Rows that reach the engine at once."""
_COLUMN_MIN = 8
"""Rows that are worth to be taken column by column."""


def run(work: Work, statement: Assert) -> Answer:
    """Carry out one ASSERT."""
    if statement.query is not None:
        return assert_rows.run(work, statement)
    for triple in statement.triples:
        subject = work.name("subject", triple.subject)
        predicate = work.name("predicate", triple.predicate)
        check_guards(work, statement, subject, predicate, triple.span)
    asserter = asserter_of(work, statement)
    contents, state = asserter.contents(work)
    reason = work.reason(statement.reason)
    try:
        outcomes = work.transaction.assert_many(contents, [state] * len(contents), reason)
    except Error as error:
        raise error.with_span(statement.triples[0].span) from None
    tell_retries(work, outcomes)
    tell_of_grounds(work, contents)
    written = sum(outcome.done != "same" for outcome in outcomes)
    return answer(work, [o.digest for o in outcomes], statement.returning, written)


def run_many(work: Work, statement: Assert, rows: Iterable[Params]) -> Answer:
    """Carry out one ASSERT for many rows of parameters; how many assertions were written."""
    asserter = asserter_of(work, statement)
    written, done = 0, 0
    given = iter(rows)
    while batch := list(islice(given, BATCH)):
        found = None
        if len(batch) >= _COLUMN_MIN and asserter.parts is not None:
            found = columns.contents(asserter.parts, batch, work.agent)
        contents, states = found or _row_by_row(work, asserter, batch, done)
        outcomes = work.transaction.assert_many(contents, states)
        tell_retries(work, outcomes)
        tell_of_grounds(work, contents)
        written += sum(outcome.done != "same" for outcome in outcomes)
        done += len(batch)
    return Answer(written)


def _row_by_row(
    work: Work, asserter: Asserter, rows: Iterable[Params], done: int
) -> tuple[list[Assertion], Sequence[str]]:
    """The assertions of rows and their states; `done`: how many rows came before."""
    contents: list[Assertion] = []
    states: list[str] = []
    for number, params in enumerate(rows, start=done + 1):
        work.resolver.params = params
        try:
            some, state = asserter.contents(work)
        except Error as error:
            error.message += f" (row {number})"
            raise
        contents += some
        states += [state] * len(some)
    return contents, states


def is_batchable(statement: Assert) -> bool:
    """Whether rows can be asserted together: none asks about what another row did."""
    return not (
        statement.query is not None
        or statement.if_none
        or statement.if_current is not None
        or statement.returning is not None
        or statement.reason is not None
        or statement.dry_run
    )
