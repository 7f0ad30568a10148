"""Long answers through a pager: what fits on the screen is written, more goes to `less`.

What it is not: it decides nothing about whether there is to be a pager (screen.py). A screenful is
held back until it is known whether there is more.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import IO, TextIO

from epql.output.signals import on_interrupt

DEFAULT = "less -SRFX"
"""Long lines are not wrapped, colours stay, a short text ends by itself, the screen stays."""


def usual_pager() -> str:
    """What EPQL_PAGER or PAGER say, else less; empty for none."""
    for name in ("EPQL_PAGER", "PAGER"):
        if name in os.environ:
            return os.environ[name]
    return DEFAULT


def write_paged(pieces: Iterable[str], out: TextIO, command: str, height: int) -> None:
    """Write the pieces, through the pager if they have more lines than `height`.

    Shape: whoever leaves the pager early has read enough: the rest is not asked for.
    """
    held: list[str] = []
    lines = 0
    stream = iter(pieces)
    try:
        for piece in stream:
            held.append(piece)
            lines += piece.count("\n")
            if lines > height:
                break
        else:
            return
        process = _start(command)
        if process is None:
            out.writelines(held)
            held.clear()
            out.writelines(stream)
            return
        given, held = held, []
        _feed(process, given, stream)
    finally:  # an error in the middle still shows the rows before it
        out.writelines(held)


def _start(command: str) -> subprocess.Popen[str] | None:
    """The pager's process; None if there is no such program."""
    try:
        program = shlex.split(command)[0]
    except (ValueError, IndexError):
        return None
    if shutil.which(program) is None:
        return None
    environment = {**os.environ, "LESSCHARSET": os.environ.get("LESSCHARSET", "utf-8")}
    try:
        return subprocess.Popen(
            command, shell=True, stdin=subprocess.PIPE, text=True, encoding="utf-8",
            errors="backslashreplace", env=environment,
        )  # fmt: skip
    except OSError:
        return None


def _feed(process: subprocess.Popen[str], held: Iterable[str], stream: Iterator[str]) -> None:
    pipe = process.stdin
    assert pipe is not None
    try:
        _write(pipe, held)
        _write(pipe, stream)
    except BrokenPipeError:
        pass
    finally:
        with on_interrupt(signal.SIG_IGN):  # Ctrl-C is the pager's while only it runs
            with suppress(BrokenPipeError):
                pipe.close()
            process.wait()


def _write(pipe: IO[str], pieces: Iterable[str]) -> None:
    for piece in pieces:
        pipe.write(piece)
        pipe.flush()
