"""How answers look: .mode, .null, .width, .numbers, .pager, .timing, .notices; and .vi."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from epql.output.pager import usual_pager
from epql.output.render import FORMATS
from epql.repl.commands.arguments import choice, number, switch, text, wrong

if TYPE_CHECKING:
    from epql.repl.session import Session

_WIDTH_LEAST = 20


def mode(session: Session, argument: str) -> None:
    """`.mode format`; without one, tells which it is."""
    screen = session.screen
    if argument:
        screen.style = replace(screen.style, format=choice("format", argument, FORMATS))
    else:
        screen.say(f"{screen.style.format}; there are {', '.join(FORMATS)}")


def null(session: Session, argument: str) -> None:
    """`.null text`; without one, the format's own."""
    session.screen.style = replace(session.screen.style, null=text(argument) if argument else None)


def width(session: Session, argument: str) -> None:
    """`.width columns`; `auto` is the terminal's, `off` cuts nothing."""
    named = {"auto": None, "": None, "off": 0}
    if argument.lower() in named:
        session.screen.width = named[argument.lower()]
    else:
        session.screen.width = number(argument, _WIDTH_LEAST)


def numbers(session: Session, argument: str) -> None:
    """`.numbers on|off`."""
    style = session.screen.style
    session.screen.style = replace(style, numbers=switch(".numbers", argument, style.numbers))
    _told(session, "numbers", session.screen.style.numbers)


def pager(session: Session, argument: str) -> None:
    """`.pager command`, `on` (what PAGER says, else less) or `off`."""
    if argument.lower() in ("on", "off"):
        session.screen.pager = usual_pager() if argument.lower() == "on" else ""
    elif argument:
        session.screen.pager = text(argument)
    if session.ask is not None or not argument:
        session.screen.say(f"pager: {session.screen.pager or 'off'}")


def timing(session: Session, argument: str) -> None:
    """`.timing on|off`."""
    session.timing = switch(".timing", argument, session.timing)
    _told(session, "timing", session.timing)


def notices(session: Session, argument: str) -> None:
    """`.notices on|off`: SET NOTICES."""
    ((_, now, _),) = session.rows("SHOW NOTICES")
    is_on = switch(".notices", argument, now == "on")
    session.rows(f"SET NOTICES {'on' if is_on else 'off'}")
    _told(session, "notices", is_on)


def vi(session: Session, argument: str) -> None:
    """`.vi on|off`."""
    if session.ask is None:
        raise wrong("there are no lines to edit here")
    session.vi = switch(".vi", argument, session.vi)
    _told(session, "vi", session.vi)


def _told(session: Session, name: str, is_on: bool) -> None:
    if session.ask is not None:  # a script knows what it has said
        session.screen.say(f"{name}: {'on' if is_on else 'off'}")
