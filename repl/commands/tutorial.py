"""`.tutorial [1-5]`: the five stories, told statement by statement on a database of their own.

Where a person is there, each step waits: Enter runs the statement shown; anything else that is
typed runs, and the step is asked again. In a script nothing waits.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from epql.connection import connect
from epql.engine.errors import Error
from epql.output.cells import short
from epql.output.table import fold
from epql.repl.commands.arguments import number, quoted, wrong
from epql.repl.lessons import STORIES, Step, Story

if TYPE_CHECKING:
    from epql.repl.session import Session

_WIDTH_MAX = 88
_ASKS = "Enter runs it> "
_MORE = "          ...> "


class _Clock:
    """Stands still until a step moves it."""

    def __init__(self) -> None:
        self.now = datetime.fromisoformat("2026-01-01T00:00:00Z")

    def __call__(self) -> datetime:
        return self.now


def run(session: Session, argument: str) -> None:
    """One story, or all of them."""
    wanted = number(argument)
    if wanted is not None and wanted > len(STORIES):
        raise wrong(f"there are {len(STORIES)} stories, none is number {wanted}")
    places = range(len(STORIES)) if wanted is None else [wanted - 1]
    if session.ask is not None:
        _say(session, "Enter runs what is shown; type a statement of your own to try it;"
             " .quit or Ctrl-D ends the tutorial. Your database is not touched.")  # fmt: skip
    for place in places:
        if not _tell(session, place + 1, STORIES[place]):
            session.screen.say("The tutorial ends here; .tutorial N goes on with story N.")
            return


def _tell(session: Session, place: int, story: Story) -> bool:
    """Tell a story; whether it was told to its end."""
    from epql.repl.session import Quit

    lesson = _Lesson(session)
    try:
        for step in story.before:
            lesson.stand(step)
            lesson.scratch.rows(step.statement)
        session.screen.say("\n" + session.screen.bold(f"Story {place}. {story.title}") + "\n")
        _say(session, story.intro)
        for step in story.steps:
            lesson.stand(step)
            lesson.tell(step)
        return True
    except (EOFError, Quit, KeyboardInterrupt):
        return False
    finally:
        lesson.scratch.connection.close()


class _Lesson:
    """A story's own session, its clock, and the last query id that an answer showed."""

    def __init__(self, session: Session) -> None:
        from epql.repl.session import Session

        self.clock = _Clock()
        connection = connect(":memory:", clock=self.clock, agent="tutorial", autocommit=True)
        self.scratch = Session(connection, session.screen, "tutorial")
        self.scratch.ask = session.ask
        self.query = ""

    def stand(self, step: Step) -> None:
        """Move the clock, and let the step's agent speak."""
        self.clock.now = datetime.fromisoformat(step.at)
        self.scratch.rows(f"SET AGENT {quoted(step.agent)}")

    def tell(self, step: Step) -> None:
        """What happens, the statement, its answer, and what to see in it."""
        scratch, screen = self.scratch, self.scratch.screen
        statement = step.statement.replace("{query}", self.query)
        screen.say()
        if step.tells:
            _say(scratch, step.tells)
        screen.say(screen.dim(f"-- {step.at[:16].replace('T', ' ')}, {step.agent}"))
        screen.say(screen.code(statement + ";"))
        _wait(scratch)
        screen.say()
        try:
            scratch.execute(statement)
        except Error as error:  # some stories show what is refused
            screen.complain(error)
        ids = [cell for row in scratch.last.rows for cell in row if str(cell).startswith("q:")]
        self.query = short(ids[0]) if ids else self.query
        if step.shows:
            screen.say()
            _say(scratch, step.shows)


def _wait(scratch: Session) -> None:
    """Until Enter; what is typed instead is run. Raises: EOFError, Quit, KeyboardInterrupt."""
    from epql.repl.loop import chunks_of, is_whole

    while scratch.ask is not None:
        text = scratch.ask(_ASKS)
        if not text.strip():
            return
        while not is_whole(text):
            text += "\n" + scratch.ask(_MORE)
        try:
            for chunk, lines_before in chunks_of(text.splitlines(keepends=True)):
                scratch.run_text(chunk, lines_before)
        except Error as error:
            scratch.screen.complain(error)


def _say(session: Session, text: str) -> None:
    for line in fold(text, min(session.screen.columns or _WIDTH_MAX, _WIDTH_MAX)):
        session.screen.say(line)
