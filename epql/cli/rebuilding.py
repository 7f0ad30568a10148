"""`epql rebuild PATH`: a new index from the journal."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from epql.engine.clock import system_clock
from epql.engine.errors import ProgrammingError
from epql.engine.folder import check_folder
from epql.engine.opening import MEMORY, Options
from epql.engine.rebuild import rebuild
from epql.output.progress import progress_bar
from epql.output.screen import Screen, plural


def run(arguments: argparse.Namespace) -> int:
    """Rebuild, and say how much and how long."""
    screen = Screen()
    path = arguments.path
    check_path(path)
    check_folder(Path(path), must_exist=True)
    began = time.monotonic()
    with progress_bar("rebuilding") as tell:
        commits = rebuild(path, Options(system_clock, timeout_s=arguments.timeout), tell)
    took = time.monotonic() - began
    screen.say(f"the index of {path} is new: {plural(commits, 'commit')} applied in {took:.1f} s")
    return 0


def check_path(path: str) -> None:
    """Raise unless a path can name a database on disk."""
    if path == MEMORY or not path or "\0" in path:
        what = "the path of the database is empty" if not path else f"{path!r} is nothing on disk"
        raise ProgrammingError(what, code="database.path", hint="give the path of a folder")
