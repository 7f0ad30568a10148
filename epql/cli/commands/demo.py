"""`epql demo [PATH]`: 26 years of Python's decisions, loaded and asked about.

It loads the shipped PEP history (peps.py) as any history is loaded, and walks through the
questions of tour.py. A database that has the history is reused; one that holds anything else is
left alone.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from epql.cli import peps
from epql.cli.tour import TOUR, Stop
from epql.connection import Connection, connect
from epql.engine.clock import SECOND
from epql.engine.errors import OperationalError
from epql.engine.folder import FORMAT
from epql.engine.vtab.show import instant
from epql.output.highlight import highlight
from epql.output.progress import progress_bar
from epql.output.screen import Screen, plural
from epql.output.table import fold
from epql.repl.session import Session

AGENT = "demo"
FOLDER = "peps.epql"
_PROSE_MAX = 88

EXAMPLES = (
    ("epql demo", "into a new temporary folder, which is named and kept"),
    ("epql demo peps.epql", "into this folder; loaded once, reused after that"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", nargs="?", metavar="PATH", help="where to keep the database")


def run(arguments: argparse.Namespace) -> int:
    """Load what is missing, then walk through."""
    screen = Screen()
    path = arguments.path
    if path is None:
        path = os.path.join(tempfile.mkdtemp(prefix="epql-demo-"), FOLDER)
    lines = peps.shipped()
    is_whole = _check(path, lines)
    connection = connect(path, agent=AGENT, autocommit=True)
    try:
        if is_whole:
            screen.say(f"{path} has the PEP history already; nothing is added.")
        else:
            _load(connection, path, lines, screen)
        connection.execute("SET NOTICES off")  # the sentences below each answer say more
        session = Session(connection, screen)
        for number, stop in enumerate(TOUR, start=1):
            _visit(session, number, stop)
    finally:
        connection.close()
    _farewell(screen, path)
    return 0


def _check(path: str, lines: Sequence[dict[str, Any]]) -> bool:
    """Whether the whole history is there already.

    Raises: OperationalError `demo.other` if the database holds anything else.
    """
    if not os.path.exists(os.path.join(path, FORMAT)):
        return False  # the engine refuses a folder that is not its own
    connection = connect(path, read_only=True, audit="off")
    try:
        found = connection.execute(
            "SELECT recorded_at FROM commits WHERE tx <= ? ORDER BY tx", (len(lines),)
        ).fetchall()
    finally:
        connection.close()
    if any(at != instant(line["at"] * SECOND) for (at,), line in zip(found, lines, strict=False)):
        raise OperationalError(
            f"{path} holds other knowledge, with which the demo does not mix",
            code="demo.other",
            hint="give the path of a new folder, or none",
        )
    return len(found) == len(lines)


def _load(
    connection: Connection, path: str, lines: Sequence[dict[str, Any]], screen: Screen
) -> None:
    """Import the history; the commits that are there are skipped."""
    screen.say(f"Loading 26 years of Python's decisions into {path}")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="epql-") as folder:
        file = Path(folder) / "peps.jsonl"
        file.write_text("".join(line + "\n" for line in peps.convert(lines)), encoding="utf-8")
        with progress_bar("loading", is_bytes=True) as tell:
            report = connection.import_history(file, progress=tell)
    took = time.monotonic() - began
    screen.say(
        f"{plural(report.commits, 'commit')}, {plural(report.assertions, 'assertion')} and"
        f" {plural(report.moves, 'move')} in {took:.1f} s, each at the instant when it happened."
    )


def _visit(session: Session, number: int, stop: Stop) -> None:
    """One question: title, statement and answer, and what it shows."""
    screen = session.screen
    screen.say()
    screen.say(screen.bold(f"{number}. {stop.title}"))
    for statement in stop.statements:
        screen.say()
        screen.say(highlight(statement + ";") if screen.style.color else statement + ";")
        screen.say()
        session.execute(statement)
    screen.say()
    for line in fold(stop.meaning, min(screen.columns or _PROSE_MAX, _PROSE_MAX)):
        screen.say(line)


def _farewell(screen: Screen, path: str) -> None:
    shown = shlex.quote(path)
    screen.say()
    screen.say(screen.bold("Now you."))
    screen.say(f"The database stays in {path}. To ask it more:")
    screen.say()
    program = _program()
    screen.say(f"  {program} {shown}")
    question = "SELECT * FROM beliefs WHERE subject = 'pep/572'"
    screen.say(f'  {program} {shown} -c "{question}"')
    screen.say(f"  {program} {shown} -c \"{question} DIFF SINCE '-10y'\"")


def _program() -> str:
    """How to call this program: by name, where the shell would find it; else by its path."""
    if shutil.which("epql") is not None:
        return "epql"
    path = os.path.abspath(sys.argv[0])
    beside = os.path.relpath(path)
    return shlex.quote(path if beside.startswith("..") else beside)
