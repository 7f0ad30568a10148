"""`epql rebuild PATH`: a new index from the journal."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from epql.cli.arguments import add_json, add_path, add_timeout
from epql.cli.opening import check_path, pointing_out
from epql.cli.screens import screen_of
from epql.engine.clock import system_clock
from epql.engine.folder import check_folder
from epql.engine.opening import Options
from epql.engine.rebuild import rebuild
from epql.output.progress import progress_bar
from epql.output.screen import plural

EXAMPLES = (("epql rebuild kb.epql", "the index is a cache of the journal; nothing else changes"),)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_path(parser)
    add_timeout(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Rebuild, and say how much and how long."""
    screen = screen_of(arguments)
    path = arguments.path
    check_path(path)
    with pointing_out(path):
        check_folder(Path(path), must_exist=True)
    began = time.monotonic()
    with progress_bar("rebuilding") as tell:
        commits = rebuild(path, Options(system_clock, timeout_s=arguments.timeout), tell)
    took = time.monotonic() - began
    if arguments.json:
        screen.say(json.dumps({"commits": commits, "seconds": round(took, 3)}))
        return 0
    screen.say(f"the index of {path} is new: {plural(commits, 'commit')} applied in {took:.1f} s")
    return 0
