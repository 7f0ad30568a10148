"""Calling the command in this process, for the tests of the command line."""

from __future__ import annotations

import io
import json
import os
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from epql.cli.main import main


class Said(NamedTuple):
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def errors(self) -> list[Any]:
        """Standard error of --json: an object a line."""
        return [json.loads(line) for line in self.err.splitlines()]


def epql(*argv: object, stdin: str = "", agent: str = "ada") -> Said:
    """Run a command as `agent`, with this standard input."""
    out, err = io.StringIO(newline=""), io.StringIO(newline="")
    with (
        patch("sys.stdin", io.StringIO(stdin)),
        patch.dict(os.environ, {"EPQL_AGENT": agent}),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            code = main([str(word) for word in argv])
        except SystemExit as ended:  # argparse's way
            code = int(ended.code or 0)
    return Said(code, out.getvalue(), err.getvalue())


STORY = """
ASSERT ('auth/jwt', 'algorithm', 'RS256') AGENT 'architect' LIFECYCLE APPROVED SOURCE 'adr:12';
ASSERT ('auth/jwt', 'algorithm', 'ES256') AGENT 'ben' REASON 'faster';
FORBID ('http/*', 'library', 'urllib*') PREFER 'requests' REASON 'house standard';
FORBID (*, 'library', 'axios') SEVERITY SOFT REASON 'unmaintained?';
ASSERT ('svc/api', 'port', 8080) AGENT 'ben';
"""


def story(path: Path) -> Path:
    """A database with two candidates for a slot, two rules and a number."""
    assert epql(path, "-c", STORY).code == 0
    return path
