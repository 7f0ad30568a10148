"""Where the session stands: what the prompt and the toolbar say about it.

Asked of the connection between two statements, never while one runs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from epql.engine.errors import Error
from epql.output.cells import cut, escape, width

if TYPE_CHECKING:
    from epql.repl.session import Session

NAME = "epql"
_INSTANT = re.compile(r"'(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(:\d\d)?(?:\.\d+)?Z'")


@dataclass(frozen=True)
class Status:
    """`as_of` and `transaction` are empty where the session stands at now, and in none."""

    database: str = ""
    agent: str = ""
    tx: str = ""
    as_of: str = ""
    lifecycle: str = ""
    transaction: str = ""

    @property
    def prompt(self) -> str:
        """What stands before what is typed.

        >>> Status().prompt, Status(as_of="TX 5", transaction="open").prompt
        ('epql> ', 'epql* [TX 5]> ')
        """
        past = f" [{cut(self.as_of, 40)}]" if self.as_of else ""
        return f"{NAME}{'*' if self.transaction else ''}{past}> "

    def toolbar(self, columns: int) -> list[tuple[str, str]]:
        """(label, value) of what is worth a place in a line of that width, the first first."""
        parts = [
            ("", self.database),
            ("agent ", self.agent),
            ("tx ", self.tx),
            ("as of ", self.as_of),
            ("lifecycle ", self.lifecycle),
            ("transaction ", self.transaction),
        ]
        parts = [(label, cut(value, 40)) for label, value in parts if value]
        # the past and an open transaction must not be overlooked; names give way first
        for droppable in ("lifecycle ", "", "tx "):
            if _room(parts) <= columns:
                break
            parts = [part for part in parts if part[0] != droppable]
        return parts


def _room(parts: list[tuple[str, str]]) -> int:
    return sum(width(label) + width(value) + 3 for label, value in parts)


def status_of(session: Session) -> Status:
    """How the session stands now; what cannot be told, for the database is gone, is left out."""
    try:
        settings = {name: (value, origin) for name, value, origin in session.rows("SHOW ALL")}
    except Error:
        return Status(escape(session.path), escape(session.connection.agent))
    return Status(
        database=escape(session.path),
        agent=escape(str(settings["agent"][0])),
        tx=str(settings["tx"][0]),
        as_of=_instant(*settings["as of"]),
        lifecycle=_said(*settings["lifecycle"]),
        transaction=_none(settings["transaction"][0]),
    )


def _instant(value: object, origin: str) -> str:
    """An instant as short as it can be: '2026-01-12 21:00'."""
    if origin == "default":
        return ""
    text = escape(str(value))
    found = _INSTANT.fullmatch(text)
    if found is None:
        return text
    seconds = "" if found[3] in (None, ":00") else found[3]
    return f"{found[1]} {found[2]}{seconds}"


def _said(value: object, origin: str) -> str:
    """What somebody chose; a default says nothing."""
    return "" if origin == "default" else escape(str(value)).lower()


def _none(value: object) -> str:
    return "" if value in (None, "none") else escape(str(value))
