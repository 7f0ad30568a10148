"""Where answers go and where statements come from: .output, .once, .read, .edit; and .quit."""

from __future__ import annotations

import os
import subprocess
import tempfile
from typing import TYPE_CHECKING

from epql.engine.errors import OperationalError
from epql.repl.commands.arguments import text, wrong
from epql.repl.loop import chunks_of, lines_of
from epql.repl.session import Quit

if TYPE_CHECKING:
    from epql.repl.session import Session

_NESTED_MAX = 10
"""Scripts that read scripts; more is most likely one that reads itself."""


def output(session: Session, argument: str) -> None:
    """`.output file`: answers go there; without one, to the screen again."""
    _redirect(session, argument, once=False)


def once(session: Session, argument: str) -> None:
    """`.once file`: the next answer goes there."""
    if not argument:
        raise wrong(".once takes a file", ".once answer.csv")
    _redirect(session, argument, once=True)


def _redirect(session: Session, argument: str, *, once: bool) -> None:
    path = os.path.expanduser(text(argument)) if argument else None
    try:
        session.screen.redirect(path, once=once)
    except OSError as error:
        raise OperationalError(
            f"{path} cannot be written: {error.strerror}", code="shell.file"
        ) from error


def read(session: Session, argument: str) -> None:
    """`.read file`: run a script, up to its first error."""
    if not argument:
        raise wrong(".read takes a file", ".read script.epql")
    if session.nested >= _NESTED_MAX:
        raise wrong(f"scripts read scripts more than {_NESTED_MAX} levels deep")
    lines = lines_of(os.path.expanduser(text(argument)))
    session.nested += 1
    try:
        for chunk, lines_before in chunks_of(lines):
            session.run_text(chunk, lines_before)
    finally:
        session.nested -= 1


def edit(session: Session, argument: str) -> None:
    """`.edit`: the last statement in $EDITOR; what is saved is the next line."""
    if argument:
        raise wrong(".edit takes nothing: it opens the last statement")
    if session.ask is None:
        raise wrong("there is no terminal to edit on")
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    with tempfile.TemporaryDirectory(prefix="epql-") as folder:
        path = os.path.join(folder, "STATEMENT.epql")
        with open(path, "w", encoding="utf-8") as file:
            file.write(session.last.statement + "\n" if session.last.statement else "")
        # through a shell: EDITOR may hold options
        code = subprocess.call(["/bin/sh", "-c", f'{editor} "$1"', "sh", path])
        if code:
            raise OperationalError(f"{editor} ended with code {code}", code="shell.file")
        with open(path, encoding="utf-8") as file:
            session.next_text = file.read().strip()


def quit_(session: Session, argument: str) -> None:
    """`.quit`."""
    raise Quit
