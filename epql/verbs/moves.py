"""TRANSITION, PROMOTE, REJECT, RETRACT: assertions move through their lifecycle."""

from __future__ import annotations

import json
from typing import Any

from epql.engine.errors import DataError, Error
from epql.engine.lifecycle import check_state
from epql.engine.records import assertion_id
from epql.nodes import Retract, Transition
from epql.verbs import targets
from epql.verbs.returning import answer
from epql.verbs.work import Answer, Work

_TO = {"promote": "approved", "reject": "rejected"}


def transition(work: Work, statement: Transition) -> Answer:
    """TRANSITION target TO state, PROMOTE target, REJECT target."""
    if statement.state is None:
        state = _TO[statement.verb]
    else:
        state = work.checked(statement.state, _state)
    digests = targets.resolve(work, statement.target)
    _move(work, digests, state, "TRANSITION", statement)
    return answer(work, digests, statement.returning)


def retract(work: Work, statement: Retract) -> Answer:
    """RETRACT target [CASCADE]."""
    digests = targets.resolve(work, statement.target)
    if statement.cascade:
        digests = _with_derived(work, digests)
    _move(work, digests, "retracted", "RETRACT", statement)
    return answer(work, digests, statement.returning)


def _move(
    work: Work, digests: list[bytes], state: str, via: str, statement: Transition | Retract
) -> None:
    reason = work.reason(statement.reason)
    for digest in digests:
        try:
            work.transaction.transition(digest, state, via, work.agent, reason)
        except Error as error:
            error.message = f"{assertion_id(digest)[:14]}…: {error.message}"
            raise error.with_span(statement.target.span) from None


def _state(value: object) -> str:
    if not isinstance(value, str):
        raise DataError(f"a lifecycle state is a word, not {value!r}", code="lifecycle.unknown")
    return check_state(value)


def _with_derived(work: Work, digests: list[bytes]) -> list[bytes]:
    """The assertions and all that is derived from them and not yet withdrawn, transitively."""
    sql = (
        "SELECT a.digest FROM assertion a WHERE a.extra IS NOT NULL AND a.state<=4 AND EXISTS"
        " (SELECT 1 FROM json_each(a.extra, '$.parents') WHERE value IN"
        "  (SELECT value FROM json_each(?)))"
    )
    found = list(digests)
    fresh = list(digests)
    while fresh:
        ids = json.dumps([assertion_id(digest) for digest in fresh])
        rows: list[Any] = work.database.db.execute(sql, (ids,)).fetchall()
        fresh = [bytes(row[0]) for row in rows if bytes(row[0]) not in found]
        found += fresh
    return found
