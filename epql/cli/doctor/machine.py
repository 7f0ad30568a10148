"""The installation: versions, platform, terminal, files of the user."""

from __future__ import annotations

import locale
import os
import platform
import re
import sys
from importlib import metadata
from pathlib import Path

from epql.cli.doctor.finding import FAIL, WARN, Finding, Findings
from epql.output.screen import is_tty, terminal_width, wants_color

_NAME = re.compile(r"[\w.-]+")
_AT_LEAST = re.compile(r">=\s*([\w.]+)")
_EXTRA = re.compile(r"""extra\s*==\s*['"]([\w-]+)['"]""")
_NOT_FOR_USERS = ("dev", "docs")


def versions() -> Findings:
    """EPQL, Python, SQLite, and each dependency beside what is required."""
    import epql

    yield Finding("epql", f"{epql.__version__} in {Path(epql.__file__).parent}")
    yield Finding("python", f"{platform.python_version()} ({sys.executable})")
    try:
        from epql.engine.index.schema import sqlite_version

        yield Finding("sqlite", sqlite_version())
    except ImportError as error:
        yield Finding("sqlite", f"apsw cannot be loaded: {error}", FAIL, "pip install apsw")
    try:
        required = metadata.requires("epql") or []
    except metadata.PackageNotFoundError:
        yield Finding("packages", "epql runs without being installed", WARN, "pip install epql")
        return
    yield from (_required(line) for line in required if not _EXTRA.search(line))
    yield from _extras(required)


def _required(line: str) -> Finding:
    name, least = _named(line)
    wanted = f"{least} or later" if least else "any"
    try:
        found = metadata.version(name)
    except metadata.PackageNotFoundError:
        return Finding(name, f"missing; {wanted} is needed", FAIL, f"pip install '{name}'")
    if least and _numbers(found) < _numbers(least):
        remedy = f"pip install --upgrade '{name}>={least}'"
        return Finding(name, f"{found}; {wanted} is needed", FAIL, remedy)
    return Finding(name, f"{found} ({wanted})", data=found)


def _extras(required: list[str]) -> Findings:
    """Extras are wanted or not: a missing one is no fault."""
    members: dict[str, list[str]] = {}
    for line in required:
        if found := _EXTRA.search(line):
            members.setdefault(found[1], []).append(_named(line)[0])
    for extra, names in sorted(members.items()):
        if extra in _NOT_FOR_USERS:
            continue
        missing = [name for name in names if not _is_installed(name)]
        text = f"not installed: pip install 'epql[{extra}]'" if missing else "installed"
        yield Finding(f"extra {extra}", text)


def _named(line: str) -> tuple[str, str | None]:
    """The name of a requirement, and the least version of it.

    >>> _named("apsw>=3.51.3"), _named('pandas; extra == "pandas"')
    (('apsw', '3.51.3'), ('pandas', None))
    """
    name, least = _NAME.match(line), _AT_LEAST.search(line.partition(";")[0])
    return name[0] if name else line, least[1] if least else None


def _numbers(version: str) -> tuple[int, ...]:
    """A version as it counts; what follows its numbers does not.

    >>> _numbers("3.54.1.0") > _numbers("3.51.3"), _numbers("1.0rc1")
    (True, (1, 0))
    """
    found = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(map(int, found[0].split("."))) if found else ()


def _is_installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def surroundings() -> Findings:
    """Platform, terminal, locale."""
    yield Finding("platform", f"{platform.platform()}, {platform.machine()}")
    encoding = (sys.stdout.encoding or "utf-8").lower()
    remedy = "export PYTHONIOENCODING=utf-8, or LC_ALL=C.UTF-8"
    is_wide = encoding.replace("-", "").startswith("utf")
    yield Finding(
        "encoding", f"{encoding}, locale {locale.setlocale(locale.LC_CTYPE)}",
        "ok" if is_wide else WARN, None if is_wide else remedy,
    )  # fmt: skip
    if is_tty(sys.stdout):
        color = "colour" if wants_color() else "no colour"
        term = os.environ.get("TERM") or "TERM is not set"
        yield Finding("terminal", f"{terminal_width()} columns, {color}, {term}")
    else:
        yield Finding("terminal", "none: the output goes to a pipe or a file")


def files() -> Findings:
    """Where the shell's files are. There is no cache: what can be made anew is in the database."""
    from epql.engine.errors import Error
    from epql.repl.config import config_path, history_path, load

    for name, path in (("config", config_path()), ("history", history_path())):
        there = "" if path.exists() else " (not there)"
        yield Finding(name, f"{path}{there}", data=str(path))
    try:
        load(config_path())
    except (Error, OSError) as error:
        yield Finding("config", str(error), FAIL, "mend it, or start with --no-config")
