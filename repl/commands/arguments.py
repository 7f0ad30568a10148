"""What stands after a dot command: words, on and off, numbers. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from epql.engine.errors import ProgrammingError
from epql.engine.spelling import nearest


def wrong(message: str, hint: str | None = None) -> ProgrammingError:
    """The error of a dot command that is called in a way it cannot be."""
    return ProgrammingError(message, code="shell.argument", hint=hint)


def words(argument: str) -> list[str]:
    """The words of an argument; quotes keep a blank in one.

    >>> words("auth/jwt 'my predicate'")
    ['auth/jwt', 'my predicate']
    """
    try:
        return shlex.split(argument)
    except ValueError as error:
        raise wrong(f"a quote is not closed: {argument}") from error


def text(argument: str) -> str:
    """An argument that is one text, with or without quotes around it.

    >>> text("'-24h'"), text("it's")
    ('-24h', "it's")
    """
    argument = argument.strip()
    if len(argument) > 1 and argument[0] == argument[-1] and argument[0] in "'\"":
        return argument[1:-1].replace(argument[0] * 2, argument[0])
    return argument


def quoted(value: str) -> str:
    """A text as a literal of the language.

    >>> quoted("it's")
    "'it''s'"
    """
    return "'" + value.replace("'", "''") + "'"


def switch(command: str, argument: str, now: bool) -> bool:
    """What on, off or nothing (the other one) make of a setting."""
    wanted = argument.strip().lower()
    if not wanted:
        return not now
    if wanted not in ("on", "off"):
        raise wrong(f"{command} is on or off, not {argument.strip()!r}")
    return wanted == "on"


def choice(what: str, argument: str, known: Sequence[str]) -> str:
    """One of some words, also in capitals."""
    wanted = argument.strip().lower()
    if wanted in known:
        return wanted
    hint = nearest(wanted, known)
    raise wrong(
        f"there is no {what} {argument.strip()!r}; there are {', '.join(known)}",
        hint.lower() if hint else None,
    )


def number(argument: str, least: int = 1) -> int | None:
    """A whole number; None where none is given."""
    if not argument.strip():
        return None
    try:
        found = int(argument)
    except ValueError:
        found = least - 1
    if found < least:
        raise wrong(f"{argument.strip()!r} is no number from {least} on")
    return found
