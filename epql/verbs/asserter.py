"""What the options of an ASSERT say, and the guards that let it go ahead.

`Asserter` is made once per statement; `contents` turns one set of parameters into records, so
that a bulk of them reaches the engine as one batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any, NamedTuple

from epql.engine import lookup
from epql.engine.content import (
    check_confidence,
    check_name,
    check_object,
    check_optional,
)
from epql.engine.errors import DataError, Error, IntegrityError, Span
from epql.engine.lifecycle import LANDING, TERMINAL, check_state
from epql.engine.records import Assertion, assertion_id
from epql.engine.transaction import Outcome
from epql.nodes import Assert, Bind, Expression, Valid
from epql.plan.values import Evaluate, Getter, Params, getter, span_of
from epql.verbs import targets
from epql.verbs.columns import Part, are_columns
from epql.verbs.work import Work


class Common(NamedTuple):
    """What the options of an ASSERT say: by name those that are taken as they are, and the rest."""

    plain: dict[str, Any]
    start: int | None = None
    end: int | None = None
    parents: tuple[bytes, ...] = ()
    qualifiers: tuple[tuple[str, Any], ...] = ()


class Asserter:
    """An ASSERT statement made ready for many sets of parameters."""

    def __init__(self, work: Work, statement: Assert) -> None:
        def ready(
            expression: Expression | None, check: Callable[[Any], Any], default: Any = None
        ) -> Getter:
            return _ready(expression, check, default, work.resolver.evaluate)

        self.default_state = default = _default_state(work)
        self.statement = statement
        self._triples = [
            (
                ready(triple.subject, lambda v: check_name("subject", v)),
                ready(triple.predicate, lambda v: check_name("predicate", v)),
                ready(triple.object, check_object),
            )
            for triple in statement.triples
        ]
        self._plain = (
            ("agent", ready(statement.agent, lambda v: check_optional("agent", v))),
            ("confidence", ready(statement.confidence, _confidence, 1.0)),
            ("source", ready(statement.source, lambda v: check_optional("source", v))),
            ("key", ready(statement.key, lambda v: check_optional("key", v))),
            ("lifecycle", ready(statement.lifecycle, landing, default)),
        )
        self._is_plain = not (statement.because or statement.qualified or statement.valid)

    @cached_property
    def parts(self) -> list[Part] | None:
        """What is asserted, part by part; None where rows cannot be taken column by column."""
        if not self._is_plain or len(self._triples) != 1:
            return None
        statement, (triple,) = self.statement, self.statement.triples
        of_triple = zip(("subject", "predicate", "object"), self._triples[0], strict=True)
        parts = [Part(name, getattr(triple, name), get) for name, get in of_triple]
        parts += [Part(name, getattr(statement, name), get) for name, get in self._plain]
        return parts if are_columns(parts) else None

    def contents(self, work: Work) -> tuple[list[Assertion], str]:
        """The assertions for the parameters at hand, and the state they land in."""
        params = work.resolver.params
        common = self.common(work)
        plain = common.plain
        agent = plain["agent"] or work.agent
        made = [
            Assertion(
                subject(params), predicate(params), obj(params), plain["confidence"], agent,
                plain["source"], common.start, common.end, 0, common.parents, common.qualifiers,
                plain["key"],
            )
            for subject, predicate, obj in self._triples
        ]  # fmt: skip
        return made, plain["lifecycle"]

    def common(self, work: Work) -> Common:
        """What the options say for the parameters at hand."""
        params = work.resolver.params
        plain = {name: get(params) for name, get in self._plain}
        if self._is_plain:
            return Common(plain)
        start, end = interval(work, self.statement.valid)
        parents = _parents(work, self.statement)
        return Common(plain, start, end, parents, _qualifiers(work, self.statement))


def asserter_of(work: Work, statement: Assert) -> Asserter:
    """The Asserter of a statement; kept for the next time that its text is executed."""
    kept = work.asserters.get(id(statement))
    if (
        kept is not None
        and kept.statement is statement
        and kept.default_state == _default_state(work)
    ):
        return kept
    if len(work.asserters) >= _KEPT_MAX:
        work.asserters.clear()
    made = work.asserters[id(statement)] = Asserter(work, statement)
    return made


_KEPT_MAX = 100


def _default_state(work: Work) -> Any:
    return work.transaction.declared.value("default_state")


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


def landing(value: Any) -> Any:
    """The state an assertion may land in. Raises: IntegrityError, DataError `lifecycle.*`."""
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


def interval(work: Work, valid: Valid | None) -> tuple[int | None, int | None]:
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


def check_guards(
    work: Work, statement: Assert, subject: str, predicate: str, span: Span | None
) -> None:
    """IF NONE and IF CURRENT: what must be believed for the ASSERT to go ahead."""
    if not statement.if_none and statement.if_current is None:
        return
    snapshot = work.resolver.snapshot(work.resolver.standing)
    expected = None
    if statement.if_current is not None:
        expected = work.checked(statement.if_current, lambda name: targets.by_id(work, name))
    found = [f.digest for f in lookup.believed(work.database, snapshot, subject, predicate)]
    if expected is None and found:
        raise IntegrityError(
            f"something is believed about ({subject!r}, {predicate!r}) already",
            code="guard.exists",
            span=span,
            hint=f"{assertion_id(found[0])[:14]}… is; SUPERSEDE or CORRECT it",
        )
    if expected is not None and expected not in found:
        now = f"{assertion_id(found[0])[:14]}… is" if found else "nothing is"
        raise IntegrityError(
            f"{assertion_id(expected)[:14]}… is not what is believed about"
            f" ({subject!r}, {predicate!r})",
            code="guard.changed",
            span=span,
            hint=f"{now}; read it again before you write",
        )


def tell_retries(work: Work, outcomes: list[Outcome]) -> None:
    """A notice for what stood already."""
    same = [outcome for outcome in outcomes if outcome.done == "same"]
    if len(same) == 1:
        work.notice(f"{assertion_id(same[0].digest)[:14]}… stands already: nothing was written")
    elif same:
        work.notice(f"{len(same)} assertions stand already: nothing was written for them")


def tell_of_grounds(work: Work, contents: Iterable[Assertion]) -> None:
    """A notice for what rests on assertions that have ended."""
    parents = dict.fromkeys(parent for content in contents for parent in content.parents)
    states = ((parent, lookup.state_of(work.database, parent)) for parent in parents)
    ended = [
        f"{assertion_id(parent)[:14]}… is {state}" for parent, state in states if state in TERMINAL
    ]
    if ended:
        more = f", and {len(ended) - 1} more have ended" if len(ended) > 1 else ""
        work.notice(f"its ground does not stand: {ended[0]}{more}; WHY tells what does")
