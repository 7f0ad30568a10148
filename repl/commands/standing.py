"""Where the session stands and who speaks: .asof, .lifecycle, .agent. Each says SET."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from epql.repl.commands.arguments import quoted, text

if TYPE_CHECKING:
    from epql.repl.session import Session

_WRITTEN = re.compile(r"(now|tx|epoch|query|before)\b|'", re.IGNORECASE)
"""How an instant begins that is written as after AS OF; anything else is its text alone."""


def as_of(session: Session, argument: str) -> None:
    """`.asof -24h`, `.asof TX 5`, `.asof now`; without one, tells where the session stands."""
    if argument:
        instant = argument if _WRITTEN.match(argument) else quoted(text(argument))
        session.execute(f"SET AS OF {instant}")
    else:
        session.execute("SHOW AS OF")


def lifecycle(session: Session, argument: str) -> None:
    """`.lifecycle approved`, `.lifecycle approved, review`, `.lifecycle live`."""
    if not argument:
        session.execute("SHOW LIFECYCLE")
        return
    states = [part for part in re.split(r"[,\s]+", argument.strip("() ")) if part]
    if states[0].lower() in ("in", "not") or len(states) == 1:
        session.execute(f"SET LIFECYCLE {argument}")
    else:
        session.execute(f"SET LIFECYCLE IN ({', '.join(states)})")


def agent(session: Session, argument: str) -> None:
    """`.agent name`; without one, tells who speaks."""
    if argument:
        session.execute(f"SET AGENT {quoted(text(argument))}")
    else:
        session.execute("SHOW AGENT")
