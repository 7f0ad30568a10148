"""CORRECT target [TO o] [VALID …] [FORBID [PREFER o]] REASON …: we were wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable
from typing import Any

from epql.engine import lookup
from epql.engine.content import check_confidence, check_object
from epql.engine.errors import ProgrammingError
from epql.engine.governance import correcting
from epql.engine.lifecycle import LIVE
from epql.engine.records import Assertion, Object
from epql.nodes import Correct, Expression
from epql.verbs import replaced, targets
from epql.verbs.asserter import interval
from epql.verbs.returning import answer
from epql.verbs.work import Answer, Work


def run(work: Work, statement: Correct) -> Answer:
    """Carry out a CORRECT; RETURNING shows the corrected assertions."""
    remedy = _remedy(work, statement)
    rules: dict[tuple[str, str, str], bytes] = {}
    wrong: list[Assertion] = []
    done: list[correcting.Corrected] = []

    def correct(digest: bytes) -> None:
        wrong.append(lookup.content_of(work.database, digest))
        done.append(correcting.correct(work.transaction, digest, wrong[-1], remedy, rules))

    digests = targets.each(work, statement.target, correct)
    made = [one.replacement for one in done if one.replacement is not None]
    replaced.tell(work, made)
    _tell_of_others(work, wrong, {outcome.digest for outcome in made})
    return answer(work, digests, statement.returning)


def _remedy(work: Work, statement: Correct) -> correcting.Remedy:
    """Raises: ProgrammingError `correct.reason`, `option.conflict`, and what values raise."""
    reason = work.reason(statement.reason)
    if reason is None or not reason.strip():
        raise ProgrammingError(
            "CORRECT needs a REASON: what was wrong is what others learn from",
            code="correct.reason",
            span=statement.span,
            hint="CORRECT ('s', 'p') TO 'right' REASON 'read off the wrong table'",
        )
    valid = None if statement.valid is None else interval(work, statement.valid)
    to = _value(work, statement.to)
    if to is None and valid is None:
        _check_needless(statement)
    confidence = 1.0
    if statement.confidence is not None:
        confidence = work.checked(statement.confidence, check_confidence)
    return correcting.Remedy(
        reason, work.agent, to, valid, confidence, work.optional("source", statement.source),
        statement.forbid, _value(work, statement.prefer),
    )  # fmt: skip


def _value(work: Work, expression: Expression | None) -> Any:
    return None if expression is None else work.checked(expression, check_object)


def _check_needless(statement: Correct) -> None:
    """CONFIDENCE and SOURCE are the replacement's."""
    for word, option in (("CONFIDENCE", statement.confidence), ("SOURCE", statement.source)):
        if option is not None:
            raise ProgrammingError(
                f"{word} is that of the replacement, and there is none",
                code="option.conflict",
                span=option.meta.get("span"),
                hint="CORRECT … TO says what is right",
            )


def _tell_of_others(work: Work, wrong: Iterable[Assertion], made: Container[bytes]) -> None:
    """The same triple, asserted by others too, is believed still."""
    slots: dict[tuple[str, str], dict[str, Object]] = {}
    for one in wrong:
        objects = slots.setdefault((one.subject, one.predicate), {})
        objects[repr(one.object)] = one.object
    for (subject, predicate), objects in slots.items():
        counts = Counter(
            repr(one.object)
            for one in lookup.standing_in(work.database, subject, predicate)
            if one.state in LIVE and one.digest not in made
        )
        for key in objects.keys() & counts.keys():
            said = "another assertion says"
            if counts[key] > 1:
                said = f"{counts[key]} other assertions say"
            work.notice(
                f"{said} ({subject!r}, {predicate!r}, {objects[key]!r}) still:"
                " CORRECT (SELECT id FROM assertions WHERE …) takes all of them"
            )
