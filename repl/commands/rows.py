"""About a row of the last answer: .why, .history, .blame; and which row is meant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from epql.engine.errors import ProgrammingError
from epql.output.screen import plural
from epql.repl.commands.arguments import number

if TYPE_CHECKING:
    from epql.repl.session import Session

_IDS = ("id", "after_id", "before_id")
_SLOT = ("subject", "predicate")


def why(session: Session, argument: str) -> None:
    """`.why 2`: WHY of the assertion or slot in row 2 of the last answer."""
    _ask(session, "WHY", argument)


def history(session: Session, argument: str) -> None:
    """`.history 2`: HISTORY OF it."""
    _ask(session, "HISTORY OF", argument)


def blame(session: Session, argument: str) -> None:
    """`.blame 2`: BLAME of it."""
    _ask(session, "BLAME", argument)


def _ask(session: Session, question: str, argument: str) -> None:
    answered = session.last
    target, params = target_of(session, argument)
    session.execute(f"{question} {target}", params)
    session.last = answered  # so that .why 1, .why 2 … go on about the same answer


def target_of(session: Session, argument: str) -> tuple[str, Sequence[Any]]:
    """What the row is about, as a target with parameters: its id, else its slot or triple."""
    columns, row = row_of(session, argument)
    values = dict(zip(columns, row, strict=True))
    for name in _IDS:
        if values.get(name) is not None:
            return "?", (values[name],)
    slot = [values[name] for name in _SLOT if values.get(name) is not None]
    if len(slot) < len(_SLOT):
        read = _only_read(session)
        if read is not None:
            return "?", (read,)
        raise ProgrammingError(
            "that row does not say which assertion it is about",
            code="shell.row",
            hint="ask again with the column id, or with subject and predicate",
        )
    if values.get("object") is not None:
        return "(?, ?, ?)", (*slot, values["object"])
    return "(?, ?)", tuple(slot)


def _only_read(session: Session) -> str | None:
    """The assertion that stands behind all of the last answer, if it is one: the audit knows."""
    sql = "SELECT id FROM reads WHERE query = ? AND via = 'exact' LIMIT 2"
    found = session.rows(sql, (session.last.query_id,)) if session.last.query_id else []
    return str(found[0][0]) if len(found) == 1 else None


def row_of(session: Session, argument: str) -> tuple[Sequence[str], Sequence[Any]]:
    """The columns and the row of that number; the only row needs none."""
    rows = session.last.rows
    if not rows:
        raise ProgrammingError(
            "there is no answer with rows to speak of",
            code="shell.nothing",
            hint="ask a query first",
        )
    wanted = number(argument)
    if wanted is None and len(rows) > 1:
        raise ProgrammingError(
            f"the last answer has {plural(len(rows), 'row')}: which one?",
            code="shell.row",
            hint="give its number; .numbers on shows them",
        )
    if (wanted or 1) > len(rows):
        raise ProgrammingError(
            f"the last answer has {plural(len(rows), 'row')}, none is number {wanted}",
            code="shell.row",
        )
    return session.last.columns, rows[(wanted or 1) - 1]
