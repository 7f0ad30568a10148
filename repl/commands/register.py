"""Every dot command by name; finding and running the one that a line names."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from epql.engine.errors import ProgrammingError
from epql.engine.spelling import closest
from epql.output.render import FORMATS
from epql.repl import offer
from epql.repl.commands import (
    display,
    files,
    helping,
    looking,
    queue,
    rows,
    standing,
    timeline,
    tutorial,
)

if TYPE_CHECKING:
    from epql.repl.session import Session


class Command(NamedTuple):
    """A dot command: what may follow it, what it does in one line, and the function."""

    takes: str
    does: str
    run: Callable[[Session, str], None]


COMMANDS = {
    ".help": Command("[topic]", "this list, or a statement, clause or command", helping.help_),
    ".tutorial": Command("[1-5]", "learn by doing: five stories", tutorial.run),
    ".relations": Command("", "what can stand after FROM", looking.relations),
    ".schema": Command("[relation]", "the columns of a relation, or of all", looking.schema),
    ".explain": Command("[query]", "how a query, or the last one, is understood", looking.explain),
    ".timeline": Command("subject [predicate]", "who believed what when, drawn", timeline.run),
    ".why": Command("[row]", "why the last answer's row is what it is", rows.why),
    ".history": Command("[row]", "all that happened to that row's slot", rows.history),
    ".blame": Command("[row]", "who brought each part of it to where it is", rows.blame),
    ".queue": Command("", "what waits for review", queue.queue),
    ".promote": Command("row [reason]", "approve that row of the last answer", queue.promote),
    ".reject": Command("row [reason]", "reject that row of the last answer", queue.reject),
    ".asof": Command("[instant]", "read as of then, until .asof now", standing.as_of),
    ".lifecycle": Command("[states]", "which states are seen from now on", standing.lifecycle),
    ".agent": Command("[name]", "who speaks", standing.agent),
    ".mode": Command("[format]", "how answers are written", display.mode),
    ".null": Command("[text]", "what NULL looks like", display.null),
    ".width": Command("[columns|auto|off]", "how wide an answer may be", display.width),
    ".numbers": Command("[on|off]", "number the rows of answers", display.numbers),
    ".pager": Command("[command|on|off]", "what long answers go through", display.pager),
    ".timing": Command("[on|off]", "tell how long each statement took", display.timing),
    ".notices": Command("[on|off]", "tell what there is to tell beside the rows", display.notices),
    ".vi": Command("[on|off]", "edit lines as vi does, not as emacs", display.vi),
    ".output": Command("[file]", "write answers to a file, or to the screen again", files.output),
    ".once": Command("file", "write the next answer to a file", files.once),
    ".read": Command("file", "run a script", files.read),
    ".edit": Command("", "write the last statement anew in $EDITOR", files.edit),
    ".quit": Command("", "end; so does Ctrl-D", files.quit_),
}  # fmt: skip

ALSO = {".exit": ".quit", ".q": ".quit", ".tables": ".relations", ".?": ".help"}
"""Names that people bring from other shells."""


_OFFERED = {
    "[topic]": "[page]", "[format]": "|".join(FORMATS), "[command|on|off]": "on|off",
    "[columns|auto|off]": "auto|off",
}  # fmt: skip
"""What is completed, where help calls it otherwise."""


def offered() -> list[offer.Command]:
    """The commands as completion takes them."""
    return [
        offer.Command(name, command.does, _OFFERED.get(command.takes, command.takes))
        for name, command in COMMANDS.items()
    ]


def run(session: Session, text: str) -> None:
    """Run the command that the text names. Raises: Error; Quit."""
    line = text.strip()
    name, argument = _parted(line)
    command = COMMANDS.get(ALSO.get(name, name))
    if command is None:
        near = closest(name, COMMANDS)
        raise ProgrammingError(
            f"there is no command {name}",
            code="shell.unknown",
            hint=f"did you mean {near[0]}?" if near else ".help lists the commands",
        )
    command.run(session, argument)


def _parted(line: str) -> tuple[str, str]:
    """The name and the rest; a semicolon at the end is no part of either."""
    name, _, argument = line.partition(" ") if " " in line else line.partition("\t")
    if not argument:
        name = name.removesuffix(";")
    return name.lower(), argument.strip().removesuffix(";").strip()
