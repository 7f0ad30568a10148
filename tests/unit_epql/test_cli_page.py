"""docs/reference/command-line.md: every console example is run, and its output is real."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from epql.cli.arguments import main_parser, parser_of
from epql.cli.registry import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reference" / "command-line.md"
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_SECONDS = re.compile(r"in \d+\.\d s")
HISTORY = """\
{"at": "2020-01-01", "agent": "ada", "facts": [["auth/jwt", "algorithm", "HS256"]]}
{"at": "2021-06-01", "agent": "ben", "facts": [["auth/jwt", "algorithm", "RS256"]]}
"""


@pytest.fixture
def shell(tmp_path: Path) -> dict[str, str]:
    """An environment in which `epql` is this one."""
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin" / "epql"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m epql.cli.main "$@"\n')
    script.chmod(0o755)
    (tmp_path / "history.jsonl").write_text(HISTORY)
    kept = {k: v for k, v in os.environ.items() if k != "COLUMNS"}
    return {**kept, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "LOGNAME": "ada"}


def test_the_examples_of_the_page(tmp_path: Path, shell: dict[str, str]) -> None:
    text = PAGE.read_text()
    for block in _BLOCK.findall(text):
        shown = ""
        for line in block.splitlines():
            if not line.startswith("$ "):
                continue
            done = subprocess.run(
                ["bash", "-c", line[2:]], cwd=tmp_path, env=shell, text=True, timeout=60,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )  # fmt: skip
            shown += line + "\n" + done.stdout
        if os.environ.get("EPQL_DOCS_REWRITE"):
            text = text.replace(block, shown)
        else:
            assert _SECONDS.sub("in … s", shown) == _SECONDS.sub("in … s", block)
    PAGE.write_text(text) if os.environ.get("EPQL_DOCS_REWRITE") else None


def test_every_command_and_option_is_on_the_page() -> None:
    text = PAGE.read_text()
    for command in COMMANDS:
        assert f"epql {command}" in text
    for parser in [main_parser(), *map(parser_of, COMMANDS)]:
        for option in re.findall(r"--[a-z-]+", parser.format_help()):
            assert option in text or option in ("--help", "--version"), option
