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
from epql.output.render import FOR_PEOPLE, Style, render
from epql.output.table import Row

_WIDTH_MIN = 20
_LINES_BELOW = 4
"""Lines of a screen that the prompt, the toolbar and the count of rows need."""
_ASCII = str.maketrans({"─": "-", "…": "~", "×": "x", "–": "-"})
"""How the marks of a table look where only ASCII can be shown."""


class Screen:
    """Standard output and standard error, with manners.

    `pager`: the program for long answers, '' for none. `width`: None follows the terminal, 0 cuts
    nothing.
    """

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
            width=None,
            color=is_terminal and wants_color(),
        )
        self.err_color = is_tty(self.err) and wants_color()
        self.pager = ""
        self.width: int | None = None
        self._file: TextIO | None = None
        self._is_once = False

    # ------------------------------------------------------------ standard output

    def rows(self, columns: Sequence[str], rows: Iterable[Row], *, numbers: bool = False) -> int:
        """Write an answer; how many rows it had."""
        counted = _Counted(rows)
        style = replace(self._style(), numbers=numbers or self.style.numbers)
        self.pieces(render(columns, counted, style))
        if style.format in FOR_PEOPLE and style.is_terminal:
            self.say(self.dim(plural(counted.number, "row")))
        return counted.number

    def pieces(self, pieces: Iterable[str]) -> None:
        """Write a text that may be long: to the file, through the pager, or as it is."""
        if self._file is not None:
            try:
                self._file.writelines(pieces)
                self._file.flush()
            finally:
                if self._is_once:
                    self.redirect(None)
            return
        if self.is_ascii and self.style.format in FOR_PEOPLE:
            pieces = (piece.translate(_ASCII) for piece in pieces)
        if self.pager and self.style.is_terminal:
            from epql.output.pager import write_paged

            self.out.flush()
            height = shutil.get_terminal_size((80, 24)).lines - _LINES_BELOW
            write_paged(pieces, self.out, self.pager, max(height, 1))
        else:
            self.out.writelines(pieces)
        self.out.flush()

    def redirect(self, path: str | None, *, once: bool = False) -> None:
        """Answers go to that file from now on, or once; None: to the screen again.

        Raises: OSError; answers go where they went before.
        """
        file = None if path is None else open(path, "w", encoding="utf-8", newline="")  # noqa: SIM115
        if self._file is not None:
            self._file.close()
        self._file, self._is_once = file, once

    def _style(self) -> Style:
        """The style of an answer where it is going to."""
        if self._file is not None:
            return replace(self.style, is_terminal=False, color=False, width=self.width or None)
        return replace(self.style, width=self.columns)

    @property
    def columns(self) -> int | None:
        """How wide an answer may be; None: as wide as it needs."""
        if self.width is not None:
            return self.width or None
        return terminal_width() if self.style.is_terminal else None

    @property
    def is_colored(self) -> bool:
        """Whether answers have colours where they are going to."""
        return self.style.color and self._file is None

    @property
    def is_ascii(self) -> bool:
        """Whether standard output can show ASCII only, or some other small set."""
        return not (self.out.encoding or "utf-8").lower().replace("-", "").startswith("utf")

    def say(self, text: str = "") -> None:
        """A line of words on standard output."""
        self.out.write(text + "\n")
        self.out.flush()

    def answer(self, text: str) -> None:
        """What a verb answers; only where people read it, never in a file of csv or json."""
        if text and (self.style.format in FOR_PEOPLE or self.style.is_terminal):
            self.say(text)

    def bold(self, text: str) -> str:
        return f"\x1b[1m{text}\x1b[0m" if self.style.color else text

    def code(self, statement: str) -> str:
        """A statement in colours."""
        if not self.style.color:
            return statement
        from epql.output.highlight import highlight

        return highlight(statement)

    def dim(self, text: str) -> str:
        return f"\x1b[2m{text}\x1b[0m" if self.style.color else text

    # ------------------------------------------------------------ standard error

    def aside(self, text: str) -> None:
        """Words beside an answer that are no notice of the database."""
        self._flush()
        self.err.write((f"\x1b[2m{text}\x1b[0m" if self.err_color else text) + "\n")
        self.err.flush()

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

    def interrupted(self) -> None:
        """Ctrl-C ended what was running; the terminal has shown it as ^C, over which we write."""
        self._flush()
        if is_tty(self.err):
            self.err.write("\r\x1b[K" if self.err_color else "\r")
        self.note("interrupted")

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
