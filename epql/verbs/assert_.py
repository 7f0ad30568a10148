"""ASSERT: one statement, or the same statement for many rows of parameters.

`Asserter` is made once per statement; `contents` turns one set of parameters into records, so
that a bulk of them reaches the engine as one batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from epql.engine import lookup
from epql.engine.content import (
    check_confidence,
    check_name,
    check_object,
    check_optional,
)
from epql.engine.errors import DataError, Error, IntegrityError
from epql.engine.lifecycle import LANDING, check_state
from epql.engine.records import Assertion, assertion_id
from epql.engine.transaction import Outcome
from epql.nodes import Assert, Bind, Expression, Valid
from epql.plan.values import Evaluate, Getter, Params, getter, span_of
from epql.verbs import targets
from epql.verbs.returning import answer
from epql.verbs.work import Answer, Work

DEFAULT_STATE = "proposed"
BATCH = 10_000
"""Assertions that reach the engine at once."""


def run(work: Work, statement: Assert) -> Answer:
    """Carry out one ASSERT."""
    _check_guards(work, statement)
    asserter = Asserter(statement, work.resolver.evaluate)
    contents, state = asserter.contents(work)
    reason = work.reason(statement.reason)
    try:
        outcomes = work.transaction.assert_many(contents, [state] * len(contents), reason)
    except Error as error:
        raise error.with_span(statement.triples[0].span) from None
    _tell_retries(work, outcomes)
    written = sum(outcome.done != "same" for outcome in outcomes)
    return answer(work, [o.digest for o in outcomes], statement.returning, written)


def run_many(work: Work, statement: Assert, rows: Iterable[Params]) -> Answer:
    """Carry out one ASSERT for many rows of parameters; how many assertions were written."""
    asserter = Asserter(statement, work.resolver.evaluate)
    written = 0
    contents: list[Assertion] = []
    states: list[str] = []
    for number, params in enumerate(rows, start=1):
        work.resolver.params = params
        try:
            some, state = asserter.contents(work)
        except Error as error:
            error.message += f" (row {number})"
            raise
        contents += some
        states += [state] * len(some)
        if len(contents) >= BATCH:
            written += _flush(work, contents, states)
            contents, states = [], []
    return Answer(written + _flush(work, contents, states))


def is_batchable(statement: Assert) -> bool:
    """Whether rows can be asserted together: none asks about what another row did."""
    return not (
        statement.if_none
        or statement.if_current is not None
        or statement.returning is not None
        or statement.reason is not None
        or statement.dry_run
    )


def _flush(work: Work, contents: list[Assertion], states: list[str]) -> int:
    if not contents:
        return 0
    outcomes = work.transaction.assert_many(contents, states)
    _tell_retries(work, outcomes)
    return sum(outcome.done != "same" for outcome in outcomes)


def _tell_retries(work: Work, outcomes: list[Outcome]) -> None:
    same = [outcome for outcome in outcomes if outcome.done == "same"]
    if len(same) == 1:
        work.notice(f"{assertion_id(same[0].digest)[:14]}… stands already: nothing was written")
    elif same:
        work.notice(f"{len(same)} assertions stand already: nothing was written for them")


class Asserter:
    """An ASSERT statement made ready for many sets of parameters."""

    def __init__(self, statement: Assert, evaluate: Evaluate) -> None:
        def ready(
            expression: Expression | None, check: Callable[[Any], Any], default: Any = None
        ) -> Getter:
            return _ready(expression, check, default, evaluate)

        self._statement = statement
        self._triples = [
            (
                ready(triple.subject, lambda v: check_name("subject", v)),
                ready(triple.predicate, lambda v: check_name("predicate", v)),
                ready(triple.object, check_object),
            )
            for triple in statement.triples
        ]
        self._agent = ready(statement.agent, lambda v: check_optional("agent", v))
        self._confidence = ready(statement.confidence, _confidence, 1.0)
        self._source = ready(statement.source, lambda v: check_optional("source", v))
        self._key = ready(statement.key, lambda v: check_optional("key", v))
        self._state = ready(statement.lifecycle, _landing, DEFAULT_STATE)
        self._is_plain = not (statement.because or statement.qualified or statement.valid)

    def contents(self, work: Work) -> tuple[list[Assertion], str]:
        """The assertions for the parameters at hand, and the state they land in."""
        params = work.resolver.params
        agent = self._agent(params) or work.agent
        confidence, source = self._confidence(params), self._source(params)
        state, key = self._state(params), self._key(params)
        start = end = None
        parents: tuple[bytes, ...] = ()
        qualifiers: tuple[tuple[str, Any], ...] = ()
        if not self._is_plain:
            start, end = _interval(work, self._statement.valid)
            parents = _parents(work, self._statement)
            qualifiers = _qualifiers(work, self._statement)
        made = [
            Assertion(
                subject(params), predicate(params), obj(params), confidence, agent, source,
                start, end, 0, parents, qualifiers, key,
            )
            for subject, predicate, obj in self._triples
        ]  # fmt: skip
        return made, state


def _ready(
    expression: Expression | None,
    check: Callable[[Any], Any],
    default: Any,
    evaluate: Evaluate,
) -> Getter:
    """A function from parameters to a checked value; an error points at the expression."""
    if expression is None:
        return lambda params: default
    span = span_of(expression)
    if isinstance(expression, Bind):
        key = expression.this  # no getter between: this runs for every value of a bulk

        def bound(params: Params) -> Any:
            try:
                found = check(params[key])
            except Error as error:
                raise error.with_span(span) from None
            return default if found is None else found

        return bound
    get = getter(expression, evaluate)

    def checked(params: Params) -> Any:
        try:
            found = check(get(params))
        except Error as error:
            raise error.with_span(span) from None
        return default if found is None else found

    return checked


def _confidence(value: Any) -> float | None:
    return None if value is None else check_confidence(value)


def _landing(value: Any) -> Any:
    if value is None or value in LANDING:
        return value
    if not isinstance(value, str):
        raise DataError(f"a lifecycle state is a word, not {value!r}", code="lifecycle.unknown")
    state = check_state(value)
    if state not in LANDING:
        raise IntegrityError(
            f"an assertion cannot land in {state}",
            code="lifecycle.illegal_landing",
            hint="it may land in " + ", ".join(LANDING),
        )
    return state


def _interval(work: Work, valid: Valid | None) -> tuple[int | None, int | None]:
    """[from, to) of VALID; VALID AT v holds at that one instant, a microsecond long."""
    if valid is None:
        return None, None
    start, end = work.resolver.valid_interval(valid, work.resolver.now)
    if valid.form == "at" and start is not None:
        return start, start + 1
    return start, end


def _parents(work: Work, statement: Assert) -> tuple[bytes, ...]:
    digests = []
    for parent in statement.because:
        digests.append(work.checked(parent, lambda name: targets.by_id(work, name)))
    return tuple(dict.fromkeys(digests))


def _qualifiers(work: Work, statement: Assert) -> tuple[tuple[str, Any], ...]:
    pairs = {
        check_name("qualifier", name): work.checked(
            expression, lambda found: check_object(found, "qualifier")
        )
        for name, expression in statement.qualified
    }
    return tuple(sorted(pairs.items()))


def _check_guards(work: Work, statement: Assert) -> None:
    """IF NONE and IF CURRENT: what must be believed for the ASSERT to go ahead."""
    if not statement.if_none and statement.if_current is None:
        return
    snapshot = work.resolver.snapshot(work.resolver.standing)
    expected = None
    if statement.if_current is not None:
        expected = work.checked(statement.if_current, lambda name: targets.by_id(work, name))
    for triple in statement.triples:
        subject = work.name("subject", triple.subject)
        predicate = work.name("predicate", triple.predicate)
        found = [f.digest for f in lookup.believed(work.database, snapshot, subject, predicate)]
        if expected is None and found:
            raise IntegrityError(
                f"something is believed about ({subject!r}, {predicate!r}) already",
                code="guard.exists",
                span=triple.span,
                hint=f"{assertion_id(found[0])[:14]}… is; SUPERSEDE or CORRECT it",
            )
        if expected is not None and expected not in found:
            now = f"{assertion_id(found[0])[:14]}… is" if found else "nothing is"
            raise IntegrityError(
                f"{assertion_id(expected)[:14]}… is not what is believed about"
                f" ({subject!r}, {predicate!r})",
                code="guard.changed",
                span=triple.span,
                hint=f"{now}; read it again before you write",
            )
