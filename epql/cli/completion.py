"""What the Tab key offers: commands, options, choices, and names that a database knows.

The scripts that `epql completion` prints call this program with _ARGCOMPLETE set; argcomplete
then takes the line apart and asks here for each word. Looking into a database is read-only,
unaudited and short; whatever goes wrong, there is nothing to offer.
"""

from __future__ import annotations

import argparse
import os
import threading
from collections.abc import Callable, Iterable
from typing import Any

from argcomplete.completers import BaseCompleter, FilesCompleter
from argcomplete.finders import CompletionFinder
from argcomplete.lexers import split_line

from epql.cli.arguments import Parser, main_parser, parser_of
from epql.cli.registry import COMMANDS

_PATIENCE_S = 1.0
_OFFERED = 100
_STATES = "proposed", "review", "approved", "deprecated", "rejected", "superseded", "retracted"
_INSTANTS = "now", "today", "yesterday", "-1h", "-24h", "-7d", "-1mo"

Offer = Callable[..., Iterable[str] | dict[str, str]]


def complete(**options: Any) -> None:
    """Answer the shell, and end the process; `options` are those of argcomplete's finder."""
    line, point = os.environ.get("COMP_LINE", ""), os.environ.get("COMP_POINT", "")
    words = split_line(line, int(point) if point.isdigit() else None)[3]
    parser = main_parser()
    if len(words) > 1 and words[1] in COMMANDS:
        parser = parser_of(words[1])
        os.environ["_ARGCOMPLETE"] = "2"  # so many words are the program
    _attach(parser, is_first=len(words) < 2)
    finder = CompletionFinder()  # options are offered once a dash is typed
    finder(parser, always_complete_options=False, default_completer=_Nothing(), **options)


def _attach(parser: Parser, *, is_first: bool) -> None:
    """Say for each argument what may stand there, by its name."""
    offers: dict[str, Offer] = {
        "path": _first if is_first else _databases,
        "file": FilesCompleter(), "files": FilesCompleter(),
        "subject": _subjects, "predicate": _predicates, "object": _objects,
        "target": _parts, "triple": _parts,
        "agent": _agents, "by": _agents, "relation": _relations,
        "lifecycle": _states,
        "as_of": _instants, "valid_at": _instants, "since": _instants, "until": _instants,
    }  # fmt: skip
    for action in parser._actions:
        if action.dest in offers and action.choices is None:
            action.completer = offers[action.dest]  # type: ignore[attr-defined]


class _Nothing(BaseCompleter):
    """For what nobody can guess: file names would be wrong there."""

    def __call__(self, **_: Any) -> list[str]:
        return []


# ---------------------------------------------------------------- without a database


def _first(prefix: str, **context: Any) -> dict[str, str]:
    """A command, or the path of a database."""
    paths = dict.fromkeys(_databases(prefix), "a database")
    return {**COMMANDS, **paths}


def _databases(prefix: str, **_: Any) -> list[str]:
    """Databases and the folders in which there may be some."""
    folder, start = prefix.rpartition("/")[::2]
    above = folder + "/" if folder or prefix.startswith("/") else ""
    found = []
    try:
        with os.scandir(os.path.expanduser(above) or ".") as entries:
            for entry in entries:
                if entry.name.startswith(start) and entry.is_dir():
                    if entry.name.startswith(".") and not start.startswith("."):
                        continue
                    is_database = os.path.exists(os.path.join(entry.path, "FORMAT"))
                    found.append(above + entry.name + ("" if is_database else "/"))
    except OSError:
        return []
    return sorted(found)


def _states(prefix: str, **_: Any) -> list[str]:
    done, comma, _rest = prefix.rpartition(",")
    names = _STATES if comma else ("live", "any", *_STATES)
    return [done + comma + name for name in names]


def _instants(**_: Any) -> tuple[str, ...]:
    return _INSTANTS


# ---------------------------------------------------------------- what a database knows


def _parts(
    prefix: str, parsed_args: argparse.Namespace, action: argparse.Action, **_: Any
) -> list[str]:
    """The next word of SUBJECT PREDICATE OBJECT."""
    before = list(vars(parsed_args).get(action.dest) or ())
    here = argparse.Namespace(path=vars(parsed_args).get("path"))
    for name, word in zip(("subject", "predicate"), before, strict=False):
        setattr(here, name, word)
    offers = (_subjects, _predicates, _objects)
    return offers[len(before)](prefix, here) if len(before) < len(offers) else []


def _subjects(prefix: str, parsed_args: argparse.Namespace, **_: Any) -> list[str]:
    return _known(
        parsed_args, "SELECT DISTINCT subject FROM assertions WHERE subject GLOB ? LIMIT ?", prefix
    )


def _predicates(prefix: str, parsed_args: argparse.Namespace, **_: Any) -> list[str]:
    subject = vars(parsed_args).get("subject")
    of_subject = _known(
        parsed_args,
        "SELECT DISTINCT predicate FROM assertions WHERE predicate GLOB ?1 AND subject = ?3"
        " LIMIT ?2",
        prefix, subject,
    )  # fmt: skip
    return of_subject or _known(
        parsed_args, "SELECT predicate FROM predicates WHERE predicate GLOB ? LIMIT ?", prefix
    )


def _objects(prefix: str, parsed_args: argparse.Namespace, **_: Any) -> list[str]:
    asked = vars(parsed_args)
    return _known(
        parsed_args,
        "SELECT DISTINCT object FROM assertions"
        " WHERE object GLOB ?1 AND subject = ?3 AND predicate = ?4 LIMIT ?2",
        prefix, asked.get("subject"), asked.get("predicate"),
    )  # fmt: skip


def _agents(prefix: str, parsed_args: argparse.Namespace, **_: Any) -> list[str]:
    return _known(parsed_args, "SELECT agent FROM agents WHERE agent GLOB ? LIMIT ?", prefix)


def _relations(parsed_args: argparse.Namespace, **_: Any) -> list[str]:
    return _known(parsed_args, "SHOW RELATIONS")


def _known(
    parsed_args: argparse.Namespace, text: str, prefix: str | None = None, *more: str | None
) -> list[str]:
    """The first column of an answer of the database on the line; nothing if anything is wrong."""
    from epql.connection import connect

    path = vars(parsed_args).get("path")
    if not path:
        return []
    try:
        connection = connect(
            os.path.expanduser(path), read_only=True, audit="off", gardener=False, timeout=0,
            autocommit=True,
        )  # fmt: skip
        timer = threading.Timer(_PATIENCE_S, connection.interrupt)
        timer.start()
        try:
            if prefix is not None:
                connection.execute("SET LIFECYCLE ANY VALID ANYTIME")
            values = () if prefix is None else (_begins(prefix), _OFFERED, *more)
            return [str(row[0]) for row in connection.execute(text, values)]
        finally:
            timer.cancel()
            connection.close()
    except Exception:  # a Tab key must not show errors between the words of a line
        return []


def _begins(prefix: str) -> str:
    """The GLOB pattern of what begins with a text.

    >>> _begins("a[b*")
    'a[[]b[*]*'
    """
    return "".join(f"[{c}]" if c in "[*?" else c for c in prefix) + "*"
