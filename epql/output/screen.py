"""Where the command line writes: answers to standard output, notes and errors to standard error.

It finds out once what the two are (a terminal, how wide, with colour or not) and gives that to
the pure renderers. Everything written to standard error passes `escape`: messages quote data.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TextIO

from epql.engine.errors import Error
from epql.output.cells import escape
from epql.output.complaint import complain, folded
from epql.output.render import Style, render
from epql.output.table import Row

_WIDTH_MIN = 20


class Screen:
    """Standard output and standard error, with manners."""

    def __init__(self, style: Style | None = None) -> None:
        self.out: TextIO = sys.stdout
        self.err: TextIO = sys.stderr
        for stream in (self.out, self.err):
            reconfigure = getattr(stream, "reconfigure", None)
            if reconfigure is not None:  # an answer must not fail for a terminal's encoding
                # line ends as they are written: csv has its own
                reconfigure(errors="backslashreplace", newline="")
        is_terminal = is_tty(self.out)
        self.style = replace(
            style or Style(),
            is_terminal=is_terminal,
            width=terminal_width() if is_terminal else None,
            color=is_terminal and wants_color(),
        )
        self.err_color = is_tty(self.err) and wants_color()

    # ------------------------------------------------------------ standard output

    def rows(self, columns: Sequence[str], rows: Iterable[Row]) -> int:
        """Write an answer; how many rows it had."""
        if self.style.is_terminal:
            self.style = replace(self.style, width=terminal_width())
        counted = _Counted(rows)
        for piece in render(columns, counted, self.style):
            self.out.write(piece)
        if self.style.format == "table" and self.style.is_terminal:
            self.out.write(self.dim(plural(counted.number, "row")) + "\n")
        self.out.flush()
        return counted.number

    def say(self, text: str = "") -> None:
        """A line of words on standard output."""
        self.out.write(text + "\n")
        self.out.flush()

    def answer(self, text: str) -> None:
        """What a verb answers; only where people read it, never among csv or json."""
        if self.style.format == "table" and text:
            self.say(text)

    def bold(self, text: str) -> str:
        return f"\x1b[1m{text}\x1b[0m" if self.style.color else text

    def dim(self, text: str) -> str:
        return f"\x1b[2m{text}\x1b[0m" if self.style.color else text

    # ------------------------------------------------------------ standard error

    def note(self, text: str) -> None:
        """A notice, below the answer it belongs to."""
        label = "note: "
        lines = folded(label + text, self._err_width, indent=len(label))
        shown = "\n".join(lines)
        if self.err_color:
            shown = f"\x1b[36m{label}\x1b[0m{shown.removeprefix(label)}"
        self._flush()
        self.err.write(shown + "\n")
        self.err.flush()

    def error(self, text: str) -> None:
        """Something wrong, in words."""
        self._complain(escape(text, keep="\n"))

    def complain(self, error: Error) -> None:
        """An error, with its caret lines."""
        self._complain(complain(error, self._err_width))

    def _complain(self, text: str) -> None:
        head, separator, rest = text.partition("\n")
        if self.err_color:
            head = f"\x1b[1;31m{head}\x1b[0m"
        self._flush()
        self.err.write(head + separator + rest + "\n")
        self.err.flush()

    @property
    def _err_width(self) -> int | None:
        return terminal_width() if is_tty(self.err) else None

    def _flush(self) -> None:
        """What was written before comes out before."""
        self.out.flush()


class _Counted:
    """Rows, counted as they go by."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = rows
        self.number = 0

    def __iter__(self) -> Iterator[Row]:
        for row in self._rows:
            self.number += 1
            yield row


def plural(number: int, noun: str) -> str:
    """A number with its noun.

    >>> plural(1, "row"), plural(2068, "commit")
    ('1 row', '2,068 commits')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def is_tty(stream: TextIO | None) -> bool:
    """Whether a stream is a terminal; a closed one is not."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


def wants_color() -> bool:
    """NO_COLOR (any value) and dumb terminals are respected."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM", "") not in ("", "dumb")


def terminal_width() -> int:
    """The terminal's columns now; COLUMNS is respected."""
    return max(_WIDTH_MIN, shutil.get_terminal_size((80, 24)).columns)
