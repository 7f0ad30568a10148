"""The shell's config file: TOML, ~/.config/epql/config.toml unless EPQL_CONFIG names another.

What it is not: anything scripts see. Their answers must not depend on who runs them.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from epql.engine.errors import ProgrammingError
from epql.engine.spelling import closest
from epql.output.render import FORMATS

_PARTS = (
    "keyword", "string", "number", "comment", "name", "operator",
    "prompt", "toolbar", "suggestion", "menu", "selected",
)  # fmt: skip


@dataclass(frozen=True)
class Config:
    """What can be set, with what holds where nothing is said. docs/reference/repl.md explains."""

    mode: str = "table"
    null: str | None = None
    width: int | None = None
    pager: str | None = None
    timing: bool = False
    notices: bool = True
    numbers: bool = False
    vi: bool = False
    completion: bool = True
    suggestions: bool = True
    keys: bool = True
    history_size: int = 10_000
    startup: list[str] = field(default_factory=list)
    colors: dict[str, str] = field(default_factory=dict)


KEYS = tuple(one.name for one in fields(Config))


def config_path() -> Path:
    """Where the config file is looked for."""
    if named := os.environ.get("EPQL_CONFIG"):
        return Path(named).expanduser()
    return _base("XDG_CONFIG_HOME", ".config") / "epql" / "config.toml"


def history_path() -> Path:
    """Where typed lines are kept."""
    return _base("XDG_DATA_HOME", ".local/share") / "epql" / "history"


def _base(variable: str, usual: str) -> Path:
    given = os.environ.get(variable, "")
    return Path(given) if given.startswith("/") else Path.home() / usual


def load(path: Path) -> Config:
    """The config in a file; the usual one where there is no such file.

    Raises: ProgrammingError `shell.config` naming line and key; EPQL_CONFIG must name a file.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        if os.environ.get("EPQL_CONFIG"):
            raise _wrong(f"{path} (EPQL_CONFIG) does not exist") from None
        return Config()
    except (OSError, UnicodeDecodeError) as error:
        raise _wrong(f"{path} cannot be read: {error}") from error
    return parsed(text, str(path))


def parsed(text: str, name: str) -> Config:
    """The config that a text says. Raises: ProgrammingError."""
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _wrong(f"{name}: {error}") from error
    for key, value in given.items():
        where = f"{name}, line {_line_of(text, key)}"
        if key not in KEYS:
            raise _unknown(where, "key", key, KEYS)
        if problem := _CHECKS[key](value):
            raise _wrong(f"{where}: {key} is {problem}, not {value!r}")
    for part in given.get("colors", {}):
        if part not in _PARTS:
            where = f"{name}, line {_line_of(text, part)}"
            raise _unknown(where, "part that can be coloured", part, _PARTS)
    if given.get("pager") is False:
        given["pager"] = ""
    return Config(**given)


def _line_of(text: str, key: str) -> int:
    """The line on which a key is first written."""
    written = re.search(rf"^\s*\[?\s*['\"]?{re.escape(key)}['\"]?\s*[=\].]", text, re.MULTILINE)
    return 1 if written is None else text.count("\n", 0, written.end()) + 1


def _unknown(where: str, what: str, key: str, known: tuple[str, ...]) -> ProgrammingError:
    near = closest(key, known)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
    return _wrong(f"{where}: there is no {what} {key}", hint)


def _wrong(message: str, hint: str | None = None) -> ProgrammingError:
    return ProgrammingError(
        message, code="shell.config", hint=hint or "--no-config starts without the file"
    )


# ---------------------------------------------------------------- what a value may be


def _one_of(words: tuple[str, ...]) -> Callable[[Any], str]:
    return lambda value: "" if value in words else f"one of {', '.join(words)}"


def _of_type(kind: type, words: str) -> Callable[[Any], str]:
    return lambda value: "" if type(value) is kind else words


def _number(least: int) -> Callable[[Any], str]:
    return lambda value: (
        "" if type(value) is int and value >= least else f"a whole number from {least} on"
    )


def _pager(value: Any) -> str:
    return "" if isinstance(value, str) or value is False else "a command, or false"


def _texts(value: Any) -> str:
    is_list = isinstance(value, list) and all(isinstance(one, str) for one in value)
    return "" if is_list else "a list of texts"


def _table(value: Any) -> str:
    is_table = isinstance(value, dict) and all(isinstance(one, str) for one in value.values())
    return "" if is_table else "a table of texts"


_SWITCH = _of_type(bool, "true or false")
_CHECKS: dict[str, Callable[[Any], str]] = {
    "mode": _one_of(FORMATS),
    "null": _of_type(str, "a text"),
    "width": _number(20),
    "pager": _pager,
    "history_size": _number(0),
    "startup": _texts,
    "colors": _table,
    **{one.name: _SWITCH for one in fields(Config) if isinstance(one.default, bool)},
}
"""For each key what is wrong with a value, '' if nothing is."""
