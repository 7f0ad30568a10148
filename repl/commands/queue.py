"""The review queue: .queue lists what waits, .promote and .reject decide about a row of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from epql.repl.commands.arguments import quoted, text, wrong
from epql.repl.commands.rows import target_of

if TYPE_CHECKING:
    from epql.repl.session import Session

_WAITING = """\
SELECT id, subject, predicate, object, lifecycle, agent, confidence, recorded_at
FROM assertions ORDER BY recorded_at, id LIFECYCLE IN (proposed, review) VALID ANYTIME"""


def queue(session: Session, argument: str) -> None:
    """`.queue`: what is proposed or in review, the oldest first."""
    session.execute(_WAITING, numbers=True)


def promote(session: Session, argument: str) -> None:
    """`.promote 2 reason`: approve row 2 of the last answer."""
    _decide(session, "PROMOTE", argument)


def reject(session: Session, argument: str) -> None:
    """`.reject 2 reason`: reject it."""
    _decide(session, "REJECT", argument)


def _decide(session: Session, verb: str, argument: str) -> None:
    row, _, reason = argument.partition(" ")
    if not row:
        raise wrong(f".{verb.lower()} takes the number of a row", ".queue numbers what waits")
    target, params = target_of(session, row)
    reason = text(reason)
    session.execute(f"{verb} {target}" + (f" REASON {quoted(reason)}" if reason else ""), params)
