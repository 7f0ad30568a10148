"""SHOW: what is set, by whom, and what there is to read.

Every setting is a function from what it is shown of to a value and its origin; the names are
data, so a new setting is a line in SETTINGS.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from epql.engine.errors import ProgrammingError, Span
from epql.engine.index.policies import POLICIES
from epql.engine.vtab.register import RELATIONS
from epql.engine.vtab.show import duration
from epql.explain.levels import DEFAULTS, Standing, states_default
from epql.explain.written import Writer
from epql.nodes import LABELS
from epql.plan import catalog
from epql.plan.scope import Resolver

COLUMNS = ("name", "value", "origin")
LIST_COLUMNS = ("name", "kind", "holds")

Found = tuple[str | None, str]
"""The value of a setting, and where it came from."""


@dataclass(frozen=True)
class Settings:
    """What settings are read from: the session's own, and the clauses that stand."""

    agent: str
    purpose: str | None
    zone: str
    notices: bool
    fuse: bool
    transaction: str
    version: str
    standing: Standing
    resolver: Resolver


class Setting(NamedTuple):
    """A row of the answer."""

    name: str
    value: str | None
    origin: str


def setting(name: str, span: Span, session: Settings) -> list[Setting]:
    """The rows of SHOW name; every setting for ALL. Raises ProgrammingError `show.unknown`."""
    known = " ".join(name.lower().split())
    known = _SPELLINGS.get(known, known)
    if known == "all":
        return [Setting(one, *read(session)) for one, read in SETTINGS.items()]
    if known == "policies":
        return [policy(one, session) for one in POLICIES]
    if known.removeprefix("policy ") in POLICIES and known not in SETTINGS:
        return [policy(known.removeprefix("policy "), session)]
    if known not in SETTINGS:
        raise ProgrammingError(
            f"nothing to SHOW is called {name!r}",
            code="show.unknown",
            span=span,
            hint=catalog.nearest(known, _names(known), "there are "),
        )
    return [Setting(known, *SETTINGS[known](session))]


def policy(name: str, session: Settings) -> Setting:
    """A policy as it is in force."""
    declared = session.resolver.database.declarations.at(session.resolver.present.tx)
    value = declared.value(name)
    shown = duration(value) if POLICIES[name].is_duration else str(value)
    return Setting(name, shown, "database" if name in declared.policies else "default")


def _names(near: str) -> list[str]:
    """What SHOW takes, as it would be written beside `near`."""
    if near.startswith("policy "):
        return [f"policy {name}" for name in POLICIES]
    return [*SETTINGS, *LISTS, *POLICIES, "all"]


def relations(views: Sequence[str], scratch: Sequence[str]) -> list[tuple[str, str, str]]:
    """Everything that FROM takes: name, kind, what it holds."""
    rows = [(name, "relation", relation.doc) for name, relation in RELATIONS.items()]
    rows += queries(views)
    return rows + [(name, "scratch", "rows of this connection alone") for name in scratch]


def queries(views: Sequence[str]) -> list[tuple[str, str, str]]:
    """The named queries."""
    return [(name, "view", "the answer of a named query") for name in views]


# ---------------------------------------------------------------- settings


def _clause(name: str) -> Callable[[Settings], Found]:
    def read(session: Settings) -> Found:
        for level, clauses in zip(Standing._fields, session.standing, strict=True):
            clause = getattr(clauses, name)
            if clause is not None:
                return Writer(session.resolver).text(clause).removeprefix(LABELS[name] + " "), level
        if name == "lifecycle":
            resolver = session.resolver
            tx = resolver.moment(resolver.standing.as_of).tx
            return states_default(resolver.database.declarations.at(tx))
        return DEFAULTS[name], "default"

    return read


def _set(value: str | None, default: str | None) -> Found:
    return value, "default" if value == default else "session"


def _tx(session: Settings) -> Found:
    return str(session.resolver.present.tx), "database"


SETTINGS: dict[str, Callable[[Settings], Found]] = {
    "as of": _clause("as_of"),
    "valid": _clause("valid"),
    "lifecycle": _clause("lifecycle"),
    "resolve by": _clause("resolve"),
    "agent": lambda session: _set(session.agent, "anonymous"),
    "purpose": lambda session: _set(session.purpose, None),
    "time zone": lambda session: _set(session.zone, "UTC"),
    "notices": lambda session: _set("on" if session.notices else "off", "on"),
    "transaction": lambda session: _set(session.transaction, "none"),
    "tx": _tx,
    "fuse": lambda session: _set("on" if session.fuse else "off", "on"),
    "version": lambda session: (session.version, "program"),
}
"""Every setting by name, and how it is read."""

LISTS = ("tables", "relations", "queries", "policies", "columns from")
"""What SHOW lists; the last is DESCRIBE."""

_SPELLINGS = {"resolve": "resolve by", "timezone": "time zone", "zone": "time zone"}
