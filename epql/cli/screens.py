"""The screen of a command: for people, or with --json and --jsonl for programs.

With those two, standard error speaks JSON as well: one object a line, `{"note": …}` or
`{"error": {…}}`, so that a program reads an error's code instead of its words.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from epql.engine.errors import Error
from epql.output.render import Style
from epql.output.screen import Screen

_FOR_PROGRAMS = ("json", "jsonl")


def screen_of(arguments: argparse.Namespace, *, is_script: bool = True) -> Screen:
    """The screen that the arguments ask for; a command without output options speaks plainly.

    A person who types in the shell reads errors, whatever the format of answers is.
    """
    asked = vars(arguments)
    style = Style(
        "json" if asked.get("json") else asked.get("format", "table"),
        header=not asked.get("no_header", False),
        null=asked.get("null"),
    )
    return (ProgramScreen if is_script and style.format in _FOR_PROGRAMS else Screen)(style)


class ProgramScreen(Screen):
    """A screen whose notes and errors are JSON, too."""

    def answer(self, text: str) -> None:
        """Nothing but rows is an answer."""

    def aside(self, text: str) -> None:
        self.note(text)

    def note(self, text: str) -> None:
        self._tell({"note": text})

    def error(self, text: str) -> None:
        message, _, rest = text.partition("\n")
        hint = rest.removeprefix("hint: ")
        self._tell({"error": {"message": message, **({"hint": hint} if hint else {})}})

    def complain(self, error: Error) -> None:
        self._tell({"error": as_json(error)})

    def _tell(self, told: dict[str, Any]) -> None:
        self.out.flush()
        self.err.write(json.dumps(told) + "\n")
        self.err.flush()


def as_json(error: Error) -> dict[str, Any]:
    """An error as an object; what it does not have is left out.

    >>> from epql.engine.errors import DataError
    >>> as_json(DataError("no time", code="instant.unreadable", hint="write one"))
    {'class': 'DataError', 'code': 'instant.unreadable', 'message': 'no time', 'hint': 'write one'}
    """
    line, column = error.position or (None, None)
    found = {
        "class": type(error).__name__,
        "code": error.code,
        "message": error.message,
        "line": line,
        "column": column,
        "expected": error.expected,
        "hint": error.hint,
        "retryable": error.retryable or None,
    }
    return {name: value for name, value in found.items() if value is not None}
