"""`epql doctor [PATH]`: what is installed, where a database is, how it is. It changes nothing.

Exit codes: 0 all is well (what is only advised against is told), 1 something is wrong.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from epql.cli.arguments import add_json

if TYPE_CHECKING:
    from epql.cli.doctor.finding import Finding
    from epql.output.screen import Screen

EXAMPLES = (
    ("epql doctor", "the installation"),
    ("epql doctor kb.epql", "and a database, also a broken one"),
    ("epql doctor kb.epql --json | python3 -m json.tool", "for a health check"),
)
EXIT_CODES = "0 all is well, warnings included; 1 something is wrong; 2 wrongly called"
_COLOR = {"ok": "\x1b[32m", "warn": "\x1b[33m", "fail": "\x1b[1;31m"}
_VERDICT = {
    "ok": "all is well",
    "warn": "it works; the lines marked warn tell what could be better",
    "fail": "something is wrong: see the lines marked fail",
}
_NARROW = 40


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", nargs="?", metavar="PATH", help="a database")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    from epql.cli.doctor.finding import FAIL, worst
    from epql.cli.screens import screen_of

    screen = screen_of(arguments)
    looks = _looks(arguments.path)
    found: list[Finding] = []
    told = []
    for title, findings in looks:
        if not arguments.json:
            screen.say(screen.bold(title))
        for finding in findings:
            found.append(finding)
            told.append({"about": title, **finding.as_json()})
            if not arguments.json:
                _show(screen, finding)
    status = worst(found)
    if arguments.json:
        screen.say(json.dumps({"status": status, "findings": told}, indent=1))
    else:
        screen.say(_VERDICT[status])
    return 1 if status == FAIL else 0


def _looks(path: str | None) -> list[tuple[str, Iterator[Finding]]]:
    from pathlib import Path

    from epql.cli.doctor import machine
    from epql.cli.doctor.database import database
    from epql.cli.doctor.finding import looked_at
    from epql.cli.opening import check_path

    def checked() -> Iterator[Finding]:
        check_path(path or "")
        yield from database(Path(path or ""))

    looks = [
        ("installation", machine.versions()),
        ("surroundings", machine.surroundings()),
        ("files of the shell", machine.files()),
    ]
    return looks if path is None else [*looks, (path, looked_at("database", checked))]


def _show(screen: Screen, finding: Finding) -> None:
    """A line, folded to the terminal's width."""
    from epql.output.cells import escape
    from epql.output.screen import is_tty, terminal_width
    from epql.output.table import fold

    color = _COLOR[finding.status] if screen.style.color else ""
    label = f"  {color}{finding.status:<4}{color and chr(27) + '[0m'}  "
    width = terminal_width() if is_tty(screen.out) else 10_000
    lines = fold(escape(f"{finding.name}: {finding.text}"), max(width - 8, _NARROW))
    if finding.remedy:
        lines += fold(escape(f"→ {finding.remedy}"), max(width - 8, _NARROW))
    for line in lines:
        screen.say(label + line)
        label = " " * 8
