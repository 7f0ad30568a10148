"""`.help`: the commands and topics, or one of them (repl/topics.py)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from epql.engine.errors import ProgrammingError
from epql.engine.spelling import closest
from epql.output.cells import pad
from epql.output.markdown import shown
from epql.output.table import fold
from epql.repl import topics

if TYPE_CHECKING:
    from epql.repl.session import Session

_WIDTH_MAX = 100
"""Lines of prose longer than this are hard to read."""
_ALL = " all"
_SHOWN_MAX = 2
"""A name may be that of a page and of a relation."""

_KEYS = """\
A statement ends with a semicolon and may span lines; a line that begins with a dot is a command.
Ctrl-C abandons what is typed or runs, Ctrl-D ends."""


def help_(session: Session, argument: str) -> None:
    """`.help`, `.help topic`, `.help .command`, `.help topic all`."""
    columns = min(session.screen.columns or 80, _WIDTH_MAX)
    if not argument:
        session.screen.pieces(line + "\n" for line in _overview(session, columns))
    elif argument.startswith("."):
        session.screen.pieces(line + "\n" for line in _of_command(argument.lower(), columns))
    else:
        session.screen.pieces(_of_topic(session, argument, columns))


def _overview(session: Session, columns: int) -> Iterator[str]:
    from epql.repl.commands.register import COMMANDS

    bold = session.screen.bold
    for line in _KEYS.split("\n"):
        yield from fold(line, columns)
    yield ""
    yield bold("Commands")
    edge = max(len(f"{name} {command.takes}") for name, command in COMMANDS.items())
    edge = min(edge, columns // 2)
    for name, command in COMMANDS.items():
        yield from _beside(f"{name} {command.takes}".rstrip(), command.does, edge, columns)
    yield ""
    yield bold("Topics") + ": .help and one of these, such as .help as of"
    for page in topics.PAGES:
        titles = [topic.title for topic in topics.topics() if topic.page == page]
        yield from _beside(titles[0], ", ".join(titles[1:]), 26, columns)


def _beside(left: str, right: str, edge: int, columns: int) -> Iterator[str]:
    """Two columns; where the right one is long, it goes on below itself."""
    first, *rest = fold(right, max(columns - edge - 4, 20))
    if len(left) > edge:
        yield f"  {left}"
        left = ""
    yield f"  {pad(left, edge)}  {first}".rstrip()
    for line in rest:
        yield " " * (edge + 4) + line


def _of_command(name: str, columns: int) -> Iterator[str]:
    from epql.repl.commands.register import COMMANDS

    command = COMMANDS.get(name)
    if command is None:
        raise _unknown(name, closest(name, COMMANDS))
    yield f"{name} {command.takes}".rstrip()
    yield from fold(command.does, columns)


def _of_topic(session: Session, argument: str, columns: int) -> Iterator[str]:
    whole = argument.lower().endswith(_ALL)
    word = argument[: -len(_ALL)].strip() if whole else argument
    found = topics.find(word) or topics.find(argument)
    if not found:
        from epql.repl.commands.register import COMMANDS

        raise _unknown(word, topics.near(word) or closest(f".{word}", COMMANDS))
    for topic in found[:_SHOWN_MAX]:
        text = topic.text if whole else topic.brief
        yield session.screen.bold(topic.title) + "\n\n"
        yield shown(text, session.screen, columns)
        if len(text) < len(topic.text):
            yield f"\n.help {topic.names[0]} all shows more\n"
        yield "\n"
    if len(found) > _SHOWN_MAX:
        yield "see also: " + ", ".join(topic.title for topic in found[_SHOWN_MAX:]) + "\n"


def _unknown(word: str, near: list[str]) -> ProgrammingError:
    return ProgrammingError(
        f"there is no help about {word!r}",
        code="shell.unknown",
        hint=f"did you mean {near[0]}?" if near else ".help lists the topics",
    )
