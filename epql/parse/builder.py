"""Every rule's meaning in one place: rule name to function, and what one parse keeps."""

from __future__ import annotations

import inspect
from typing import Any

from epql.parse.declarations import Declarations
from epql.parse.driver import Action
from epql.parse.files import Files
from epql.parse.questions import Questions
from epql.parse.scratch import Scratch
from epql.parse.settings import Settings
from epql.parse.verbs import Verbs


class Builder(Verbs, Questions, Declarations, Settings, Files, Scratch):
    """Builds one statement; holds its text and the parameters met so far."""


def _actions() -> dict[str, Action]:
    """The builder's public methods by rule name; a rule that is a Python word ends in _."""
    found: dict[str, Any] = {}
    for name, function in inspect.getmembers(Builder, inspect.isfunction):
        if not name.startswith("_"):
            found[name.rstrip("_")] = function
    return found


ACTIONS: dict[str, Action] = _actions()
