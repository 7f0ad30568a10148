"""Markdown as a terminal shows it, by rich. Used for help; needs no terminal itself."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from epql.output.screen import Screen


_STYLES = {"markdown.code": "bold cyan", "markdown.table.border": "dim"}
_PAINT = re.compile(r"\x1b\[[\d;]*m")


def shown(text: str, screen: Screen, columns: int) -> str:
    """The text laid out for that many columns, in colour where the screen has it."""
    from rich.console import Console
    from rich.markdown import Markdown
    from rich.theme import Theme

    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=screen.out.encoding or "utf-8", errors="backslashreplace")
    console = Console(
        file=file, width=columns, force_terminal=screen.is_colored, highlight=False,
        color_system="standard" if screen.is_colored else None, legacy_windows=False,
        theme=Theme(_STYLES),
    )  # fmt: skip
    console.print(Markdown(text, code_theme="ansi_dark", hyperlinks=False))
    file.flush()
    laid_out = raw.getvalue().decode(file.encoding)
    return "\n".join(_without_gaps(laid_out.rstrip().split("\n"))) + "\n"


def _without_gaps(lines: list[str]) -> list[str]:
    """The lines, with one empty line where there were several."""
    kept: list[str] = []
    for line in lines:
        is_empty = not _PAINT.sub("", line).strip()
        if not is_empty:
            kept.append(line.rstrip())
        elif kept and kept[-1]:
            kept.append("")
    return kept
