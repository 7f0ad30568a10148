"""Shell sessions in pages: a `$ ` line is typed, what follows is what it showed.

    ```console
    $ epql team.epql -c "SELECT 1 AS one"
    one
    ───
      1
    ```

`epql` is this one, `examples` the repository's; one folder is kept for a page, the login name is
ada. Seconds, instants and heads, which differ from run to run, are not compared.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout, suppress
from pathlib import Path

from epql.cli.main import main

ROOT = Path(__file__).parents[2]
_SHELL = re.compile(r"[|<>&$`\\]")
"""What only a shell understands."""
_SECONDS = re.compile(r"\b\d+(?:\.\d+)? s\b")
_HEAD = re.compile(r"\b(\d+):[0-9a-f]{4,64}…?:[0-9a-f]{4,32}…?")
_PADDING = re.compile(r"  +|──+")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z?)?")


def environment(folder: Path) -> dict[str, str]:
    """An environment in which `epql` is this one; its script is made in the folder."""
    tools = folder / ".bin"
    tools.mkdir(exist_ok=True)
    script = tools / "epql"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m epql.cli.main "$@"\n')
    script.chmod(0o755)
    with suppress(FileExistsError):
        (folder / "examples").symlink_to(ROOT / "examples")
    kept = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "NO_COLOR")}
    path = f"{tools}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {**kept, "PATH": path, "LOGNAME": "ada", "HOME": str(folder), "TERM": "dumb"}


def run(lines: list[str], folder: Path) -> list[str]:
    """The lines of a session as they look now."""
    shown: list[str] = []
    for command in _commands(lines):
        text = "\n".join(command).removeprefix("$ ")
        if text.startswith("epql ") and not _SHELL.search(text):
            shown += command + _in_this_process(text, folder)
            continue
        done = subprocess.run(
            ["bash", "-c", text],
            cwd=folder,
            env=environment(folder),
            text=True,
            timeout=60,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        shown += command + done.stdout.splitlines()
    return shown


def _in_this_process(text: str, folder: Path) -> list[str]:
    """What `epql` alone shows, without starting Python for each line of a page."""
    before = dict(os.environ)
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="")
    try:
        os.environ.update(environment(folder))
        with chdir(folder), redirect_stdout(out), redirect_stderr(out), suppress(SystemExit):
            main(shlex.split(text)[1:])
    finally:
        os.environ.clear()
        os.environ.update(before)
    out.seek(0)
    return out.read().splitlines()


def comparable(lines: list[str]) -> list[str]:
    """Without what differs from run to run: also the width of a column of instants."""
    masked = (
        _HEAD.sub(r"\1:(head)", _INSTANT.sub("(instant)", _SECONDS.sub("… s", line))).rstrip()
        for line in lines
    )
    return [_PADDING.sub(lambda run: run[0][:2], line) for line in masked]


def _commands(lines: list[str]) -> list[list[str]]:
    """What is typed: a line after `$ `, and those that a backslash or an open quote continues."""
    commands: list[list[str]] = []
    is_open = False
    for line in lines:
        if line.startswith("$ "):
            commands.append([line])
        elif is_open:
            commands[-1].append(line)
        else:
            continue
        text = "\n".join(commands[-1])
        is_open = text.endswith("\\") or text.count('"') % 2 == 1 or text.count("'") % 2 == 1
    return commands
