"""docs/reference/command-line.md tells every command and option; tests/docs runs its examples."""

from __future__ import annotations

import re
from pathlib import Path

from epql.cli.arguments import main_parser, parser_of
from epql.cli.registry import COMMANDS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "command-line.md"


def test_every_command_and_option_is_on_the_page() -> None:
    text = PAGE.read_text()
    for command in COMMANDS:
        assert f"epql {command}" in text
    for parser in [main_parser(), *map(parser_of, COMMANDS)]:
        for option in re.findall(r"--[a-z-]+", parser.format_help()):
            assert option in text or option in ("--help", "--version"), option
