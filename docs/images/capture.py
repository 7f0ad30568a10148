"""The pictures of the manual: the real `epql` in a terminal, as SVG. `make captures` makes them.

Each scene starts the program in a pseudo-terminal (pexpect), types as a person would, waits for
what is to appear on the screen (pyte), and writes the screen down (rich). The clock stands still
and the knowledge is made first, so the same program gives the same pictures;
tests/docs/test_captures.py compares their texts with what the program shows today.

    python docs/images/capture.py [NAME …]
"""

from __future__ import annotations

import html
import io
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import pexpect
import pyte
from rich.console import Console
from rich.style import Style
from rich.terminal_theme import TerminalTheme
from rich.text import Text

FOLDER = Path(__file__).parent
PATIENCE_S = 30.0
QUIET_S = 0.25
"""How long a screen must stay as it is to be a picture."""

_AT = "EPQL_CAPTURE_AT"
_PROGRAM = f"""
import os, sys
from datetime import datetime
from itertools import groupby
import epql.connection
epql.connection.system_clock = lambda: datetime.fromisoformat(os.environ[{_AT!r}])
from epql.cli.main import main
sys.exit(main())
"""
"""The real program; only the clock stands still."""

STORY = """
-- 2026-01-05T10:00:00Z architect
ASSERT ('auth/jwt', 'algorithm', 'RS256') CONFIDENCE 0.92 LIFECYCLE APPROVED SOURCE 'adr:12';
ASSERT ('auth/jwt', 'lifetime', '24h') LIFECYCLE APPROVED;
ASSERT ('auth/session', 'store', 'redis') LIFECYCLE APPROVED;
-- 2026-01-08T09:00:00Z architect
SUPERSEDE ('auth/jwt', 'lifetime') WITH '1h' REASON 'shorter sessions';
-- 2026-01-12T14:30:00Z research-agent
ASSERT ('auth/jwt', 'algorithm', 'ES256') CONFIDENCE 0.87 SOURCE 'rfc:7518-review';
-- 2026-01-12T20:58:00Z lead-orchestrator
SELECT object FROM beliefs WHERE subject = 'auth/jwt' AND predicate = 'algorithm';
-- 2026-01-12T21:05:00Z implementation-agent
ASSERT ('deploy/auth', 'jwt_algorithm', 'ES256')
BECAUSE (SELECT id FROM beliefs WHERE subject = 'auth/jwt' AND predicate = 'algorithm');
RETRACT ('auth/session', 'store') REASON 'never built';
"""

_ASK = (
    "SELECT object, confidence, lifecycle FROM beliefs\r"
    "WHERE subject = 'auth/jwt' AND predicate = 'algorithm'"
)
_CORRECT = (
    "CORRECT ('auth/jwt', 'algorithm', 'ES256') FORBID PREFER 'RS256'\r"
    "REASON 'auth service verifies RS256 only';\r"
)
_OPEN = ("", "agent sre")


@dataclass(frozen=True)
class Scene:
    """One picture. `steps`: what is typed, and what is to be on the screen then."""

    name: str
    title: str
    steps: tuple[tuple[str, str], ...]
    arguments: tuple[str, ...] = ("team.epql", "--agent", "sre")
    at: str = "2026-01-12T22:10:00+00:00"
    columns: int = 90
    rows: int = 30  # a few more than are filled: the shell keeps room for its menu
    keep: tuple[str, str] | None = None
    """The first line kept, and the first one after it left out; both begin so."""


SCENES: tuple[Scene, ...] = (
    Scene(
        "demo",
        "epql demo",
        (("", "Now you."),),
        arguments=("demo", "peps.epql"),
        at="2026-09-01T12:00:00+00:00",
        columns=82,
        rows=200,
        keep=("3. What changed", "5. What became"),
    ),
    Scene(
        "completion",
        "epql team.epql",
        (
            _OPEN,
            (".asof '2026-01-12 21:00'\r", "[2026-01-12 21:00]"),
            ("SELECT object, agent FROM beliefs\rWHERE subject = 'auth/", "auth/session"),
        ),
        rows=16,
    ),
    Scene(
        "notice",
        "epql team.epql",
        (
            _OPEN,
            (f"{_ASK};\r", "note:"),
            (f"{_ASK}\rLIFECYCLE APPROVED;\r", "0.92"),
        ),
        rows=24,
    ),
    Scene(
        "diff",
        "epql team.epql",
        (
            _OPEN,
            (
                "SELECT change, cause, subject, before_object, after_object, agent\r"
                "FROM beliefs DIFF SINCE '-5d';\r",
                "note:",
            ),
        ),
        rows=19,
    ),
    Scene(
        "timeline",
        "epql team.epql",
        (_OPEN, (_CORRECT, "corrected"), (".timeline auth/jwt\r", "approved")),
        at="2026-01-13T12:00:00+00:00",
        rows=24,
    ),
    Scene(
        "correct",
        "epql team.epql",
        (
            _OPEN,
            (_CORRECT, "corrected"),
            ("ASSERT ('auth/jwt', 'algorithm', 'ES256') CONFIDENCE 0.99;\r", "hint:"),
            ("SELECT agent, topic, round(score, 2) AS score FROM trust WHERE score < 1;\r", "0.94"),
        ),
        rows=25,
    ),
)


# ---------------------------------------------------------------- the terminal


class Screen(pyte.Screen):
    """A screen that answers the program's questions, and shows dim text as grey."""

    answer: Callable[[str], Any] = staticmethod(lambda text: None)

    def write_process_input(self, data: str) -> None:
        self.answer(data)

    def select_graphic_rendition(self, *attributes: int, **kwargs: Any) -> None:
        plain = tuple(
            90 if number == 2 and 38 not in attributes else number for number in attributes
        )
        super().select_graphic_rendition(*plain, **kwargs)


class Terminal:
    """The program on a screen."""

    def __init__(self, scene: Scene, folder: Path) -> None:
        environment = {
            **{k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS", "LINES")},
            "TERM": "xterm-256color",
            "HOME": str(folder),
            "XDG_CONFIG_HOME": str(folder / ".config"),
            "XDG_DATA_HOME": str(folder / ".data"),
            "XDG_STATE_HOME": str(folder / ".state"),
            _AT: scene.at,
        }
        self.screen = Screen(scene.columns, scene.rows)
        self.stream = pyte.Stream(self.screen)
        self.process = pexpect.spawn(
            sys.executable,
            ["-c", _PROGRAM, *scene.arguments],
            cwd=str(folder),
            env=environment,
            dimensions=(scene.rows, scene.columns),
            encoding="utf-8",
            echo=False,
        )
        self.screen.answer = self.process.send

    def step(self, keys: str, awaited: str) -> None:
        """Type, and wait until the text is on the screen and the screen is quiet."""
        if keys:
            self.process.send(keys)
        give_up = time.monotonic() + PATIENCE_S
        changed = time.monotonic()
        while True:
            if self._read():
                changed = time.monotonic()
            now = time.monotonic()
            if now - changed > QUIET_S and awaited in "\n".join(self.screen.display):
                return
            if now > give_up:
                shown = "\n".join(line.rstrip() for line in self.screen.display)
                raise TimeoutError(f"{awaited!r} did not appear:\n{shown.rstrip()}")

    def _read(self) -> bool:
        try:
            self.stream.feed(self.process.read_nonblocking(65536, timeout=0.05))
        except pexpect.TIMEOUT:
            return False
        except pexpect.EOF:  # it has ended; what it wrote stays on the screen
            time.sleep(0.05)
            return False
        return True

    def close(self) -> None:
        self.process.close(force=True)


# ---------------------------------------------------------------- screen to SVG

THEME = TerminalTheme(
    (41, 41, 41),
    (197, 200, 198),
    [(75, 78, 85), (204, 85, 90), (152, 168, 75), (208, 179, 68),
     (96, 138, 177), (152, 114, 159), (104, 160, 179), (197, 200, 198)],
    [(134, 136, 135), (255, 120, 124), (182, 200, 95), (232, 200, 90),
     (129, 162, 190), (178, 148, 187), (138, 190, 183), (255, 255, 255)],
)  # fmt: skip

CELL = 12.2
"""The width of a character in rich's picture."""

SVG = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px; white-space: pre; }}
.{unique_id}-title {{ font: bold 18px sans-serif; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g></g></svg>
"""
"""rich's picture of a terminal, without the fonts it would fetch."""


def lines_of(screen: pyte.Screen) -> list[Text]:
    """The screen's lines with their styles, without what is empty at the end."""
    lines = []
    for row in range(screen.lines):
        cells = [screen.buffer[row][column] for column in range(screen.columns)]
        text = Text()
        for style, run in groupby(cells, key=_style):
            text.append("".join(cell.data for cell in run), style)
        lines.append(text)
    while lines and not lines[-1].plain.strip():
        lines.pop()
    return lines


def _style(char: Any) -> Style:
    return Style(
        color=_color(char.fg), bgcolor=_color(char.bg), bold=char.bold or None,
        italic=char.italics or None, underline=char.underscore or None,
        reverse=char.reverse or None,
    )  # fmt: skip


def _color(name: str) -> str | None:
    if name == "default":
        return None
    if re.fullmatch("[0-9a-f]{6}", name):
        return f"#{name}"
    name = name.replace("brown", "yellow")
    return name.replace("bright", "bright_")


def svg(name: str, title: str, lines: list[Text], columns: int) -> str:
    console = Console(record=True, width=columns, file=io.StringIO(), color_system="truecolor")
    for line in lines:
        console.print(line, no_wrap=True, soft_wrap=True)
    picture = console.export_svg(title=title, theme=THEME, code_format=SVG, unique_id=name)
    return re.sub(r"<text[^>]*>\n</text>", "", picture)


_TEXT = re.compile(r'<text[^>]* x="([\d.]+)" y="([\d.]+)" textLength[^>]*>([^<]*)<')


def texts_of(picture: str) -> list[str]:
    """The lines of text in a picture, as a person would read them."""
    rows: dict[float, str] = {}
    for x, y, text in re.findall(
        r'<text[^>]* x="([\d.]+)" y="([\d.]+)" textL[^>]*>([^<]*)<', picture
    ):
        row = rows.get(float(y), "").ljust(round(float(x) / CELL))
        rows[float(y)] = row + html.unescape(text).replace("\xa0", " ")
    return [row.rstrip() for _, row in sorted(rows.items())]


# ---------------------------------------------------------------- scenes


def prepare(folder: Path) -> None:
    """The knowledge that scenes begin with: the story, up to the incident."""
    import epql

    for scene in STORY.split("\n-- ")[1:]:
        head, _, statements = scene.partition("\n")
        at, agent = head.split()
        moment = datetime.fromisoformat(at)
        with epql.connect(
            folder / "team.epql", agent=agent, clock=lambda moment=moment: moment, autocommit=True
        ) as connection:
            for cursor in connection.script(statements):
                cursor.fetchall() if cursor.description else None
        connection.close()


def capture(scene: Scene) -> str:
    """The scene's picture, as the program gives it now."""
    with tempfile.TemporaryDirectory(prefix="epql-capture-") as name:
        folder = Path(name)
        prepare(folder)
        terminal = Terminal(scene, folder)
        try:
            for keys, awaited in scene.steps:
                terminal.step(keys, awaited)
            lines = lines_of(terminal.screen)
        finally:
            terminal.close()
    return svg(scene.name, scene.title, _kept(scene, lines), scene.columns)


def _kept(scene: Scene, lines: list[Text]) -> list[Text]:
    if scene.keep is None:
        return lines
    first, after = (
        next(n for n, line in enumerate(lines) if line.plain.startswith(start))
        for start in scene.keep
    )
    return [Text(f"$ {scene.title}"), Text("…"), Text(), *lines[first : after - 1]]


def main(names: list[str]) -> None:
    for scene in SCENES:
        if not names or scene.name in names:
            (FOLDER / f"{scene.name}.svg").write_text(capture(scene))
            print(f"docs/images/{scene.name}.svg")


if __name__ == "__main__":
    main(sys.argv[1:])
