"""The shell of `epql PATH` on a terminal: prompt_toolkit around a session.

What it is: history, keys, completion, the toolbar; it only wires. What it is not: the statements
and commands themselves (session.py, commands/). Statements run between two prompts, in the main
thread, so nothing here reads the database while one runs.
"""

from __future__ import annotations

import signal
from contextlib import suppress
from dataclasses import replace
from types import FrameType
from typing import NoReturn

from prompt_toolkit import PromptSession
from prompt_toolkit.application.current import get_app
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.enums import EditingMode
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.history import History, InMemoryHistory
from prompt_toolkit.lexers import PygmentsLexer
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.shortcuts import CompleteStyle

from epql.output.lexer import EpqlLexer
from epql.output.pager import usual_pager
from epql.output.screen import terminal_width, wants_color
from epql.repl.commands.register import offered
from epql.repl.config import Config, history_path
from epql.repl.editing import EscapeProcessor, MistakeProcessor, StatementCompleter
from epql.repl.history import SharedHistory
from epql.repl.keys import bindings
from epql.repl.looks import style_of
from epql.repl.loop import chunks_of, converse
from epql.repl.session import Session
from epql.repl.source import ConnectionSource
from epql.repl.status import Status, status_of


def interact(session: Session, config: Config) -> None:
    """Read and run until Ctrl-D or .quit. Raises: Error if a startup statement is wrong."""
    apply(session, config)
    shell = Shell(session, config)
    session.ask = shell.ask
    with suppress(ValueError):  # not the main thread: tests
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _end)
    converse(session, shell.read)


def apply(session: Session, config: Config) -> None:
    """Let the session be as the config says, and run its startup statements."""
    screen = session.screen
    if screen.style.format == "table":  # else --format has said otherwise
        screen.style = replace(screen.style, format=config.mode)
    if screen.style.null is None:
        screen.style = replace(screen.style, null=config.null)
    screen.style = replace(screen.style, numbers=config.numbers)
    screen.width = config.width
    screen.pager = usual_pager() if config.pager is None else config.pager
    session.timing, session.vi = config.timing, config.vi
    if not config.notices:
        session.rows("SET NOTICES off")
    for text in config.startup:
        for chunk, lines_before in chunks_of(text.splitlines(keepends=True)):
            session.run_text(chunk, lines_before)


class Shell:
    """The prompt of a session."""

    def __init__(self, session: Session, config: Config) -> None:
        self._session = session
        self._config = config
        self._status = Status()
        self._prompt: PromptSession[str] = PromptSession(
            history=_history(config, session),
            auto_suggest=AutoSuggestFromHistory() if config.suggestions else None,
            key_bindings=bindings() if config.keys else None,
            multiline=config.keys,
            enable_history_search=True,
            complete_style=CompleteStyle.COLUMN,
            completer=StatementCompleter(ConnectionSource(session.connection, offered())),
            lexer=PygmentsLexer(EpqlLexer),
            input_processors=[MistakeProcessor(), EscapeProcessor()],
            style=style_of(config),
            include_default_pygments_style=False,
            color_depth=ColorDepth.from_env()
            or (None if wants_color() else ColorDepth.DEPTH_1_BIT),
            bottom_toolbar=self._toolbar,
            prompt_continuation=self._continuation,
            reserve_space_for_menu=6,
        )
        # history search would turn it off, but the arrows are the menu's while it is open
        self._prompt.default_buffer.complete_while_typing = Condition(lambda: config.completion)
        self._line: PromptSession[str] = PromptSession(history=InMemoryHistory())

    def read(self) -> str:
        """The next text. Raises: EOFError; KeyboardInterrupt if it was abandoned."""
        session = self._session
        self._status = status_of(session)
        text, session.next_text = session.next_text, ""
        mode = EditingMode.VI if session.vi else EditingMode.EMACS
        while True:
            try:
                return self._prompt.prompt(
                    [("class:prompt", self._status.prompt)], default=text, editing_mode=mode
                )
            except KeyboardInterrupt:  # what was typed is abandoned; nothing ran
                text = ""

    def ask(self, question: str) -> str:
        """One line, for commands that ask. Raises: EOFError, KeyboardInterrupt."""
        return self._line.prompt(question)

    def _toolbar(self) -> FormattedText:
        parts = self._status.toolbar(terminal_width())
        pieces: list[tuple[str, str]] = []
        for label, value in parts:
            pieces += [("class:toolbar.label", f" {label}"), ("class:toolbar.value", f"{value} ")]
        if self._session.vi:
            mode = get_app().vi_state.input_mode
            pieces += [("class:toolbar.label", f" vi {mode.value.removeprefix('vi-')}")]
        return FormattedText(pieces)

    def _continuation(self, width: int, _line: int, _wrapped: int) -> FormattedText:
        return FormattedText([("class:prompt.more", "...> ".rjust(width))])


def _history(config: Config, session: Session) -> History:
    """The history on disk; in memory only where there can be none."""
    if not config.history_size:
        return InMemoryHistory()
    try:
        return SharedHistory(history_path(), config.history_size)
    except OSError as error:
        session.screen.note(f"no history is kept: {error.strerror}: {error.filename}")
        return InMemoryHistory()


def _end(number: int, _frame: FrameType | None) -> NoReturn:
    """Asked to end: let the terminal be restored and the database be closed."""
    raise SystemExit(128 + number)
