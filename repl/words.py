"""Words that can be completed and stand in no database: states, policies, settings, times, …

Each kind's words come from where the program defines them, with a line about each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from epql.engine.content import TYPES
from epql.engine.index.policies import POLICIES
from epql.engine.index.snapshot import STRATEGIES
from epql.engine.lifecycle import LANDING, LIVE, MOVES, STATES, TERMINAL
from epql.explain.show import LISTS, SETTINGS
from epql.repl.offer import Item
from epql.repl.topics import topics

_INSTANTS = {
    "-24h": "a day ago", "-7d": "a week ago", "-1mo": "a month ago", "-1y": "a year ago",
    "-1h": "an hour ago", "now": "", "today": "its first instant", "yesterday": "its first instant",
    "monday 09:00": "the last one",
}  # fmt: skip
_DURATIONS = {"1h": "an hour", "24h": "a day", "7d": "a week", "30d": "", "180d": "", "1y": ""}
_STRATEGIES = {
    "latest": "what was asserted last", "confidence": "as the writers stated it",
    "credence": "confidence × trust × freshness", "consensus": "votes, by trust",
    "none": "every candidate",
}  # fmt: skip
_SQL_TYPES = ("TEXT", "INTEGER", "REAL", "BLOB", "NUMERIC")
_CAUSES = (
    "ASSERT", "SUPERSEDE", "CORRECT", "RETRACT", "TRANSITION", "VOTE", "CONFIRM", "REVIVE", "TRUST",
    "VALID_START", "VALID_END",
)  # fmt: skip


def words(kind: str, of: str | None) -> tuple[Item, ...]:
    """The words of a kind; `of`: the policy whose values they are, or the word they follow."""
    if kind == "policy_value":
        return _values(of or "")
    if kind == "setting_rest":
        return _rest((of or "").lower())
    found = KINDS.get(kind)
    return () if found is None else _made(found)


@cache
def _made(make: Callable[[], Mapping[str, str]]) -> tuple[Item, ...]:
    return tuple(Item(word, about) for word, about in make().items())


def _states() -> dict[str, str]:
    found = {"live": ", ".join(LIVE), "any": "every state"}
    for state in STATES:
        ways = ", ".join(MOVES[state])
        found[state] = "REVIVE leads out of it" if state in TERMINAL else f"then {ways}"
    return found


def _settings() -> dict[str, str]:
    policies = {name: policy.doc for name, policy in POLICIES.items()}
    return {**dict.fromkeys(SETTINGS, "setting"), **dict.fromkeys(LISTS, "list"), **policies}


def _rest(first: str) -> tuple[Item, ...]:
    """What may follow the first word of what SHOW shows."""
    if first == "policy":
        return words("policy", None)
    named = (name.partition(" ") for name in SETTINGS)
    return tuple(Item(rest) for word, _, rest in named if word == first and rest)


def _zones() -> dict[str, str]:
    from zoneinfo import available_timezones

    return dict.fromkeys(["UTC", *sorted(available_timezones() - {"UTC"})], "")


def _values(policy: str) -> tuple[Item, ...]:
    known = POLICIES.get(policy.lower())
    if known is None:
        return ()
    if known.is_duration:
        return tuple(Item(one, form="text") for one in ("7d", "30d", "180d", "365d"))
    chosen = [word for word in known.takes.replace(",", "").split() if known.accepts(word)]
    return tuple(Item(word, "default" if word == known.default else "") for word in chosen)


KINDS: dict[str, Callable[[], Mapping[str, str]]] = {
    "state": _states,
    "move": lambda: {state: about for state, about in _states().items() if state in STATES},
    "landing": lambda: {state: about for state, about in _states().items() if state in LANDING},
    "strategy": lambda: {name: _STRATEGIES[name] for name in STRATEGIES},
    "setting": _settings,
    "policy": lambda: {name: policy.doc for name, policy in POLICIES.items()},
    "instant": lambda: _INSTANTS,
    "duration": lambda: _DURATIONS,
    "zone": _zones,
    "type": lambda: dict.fromkeys(_SQL_TYPES, ""),
    "predicate_type": lambda: dict.fromkeys(TYPES, "what its objects must be"),
    "collation": lambda: dict.fromkeys(("BINARY", "NOCASE", "RTRIM"), "of SQLite"),
    "format": lambda: {"jsonl": "a line of JSON each", "csv": ""},
    "change": lambda: dict.fromkeys(("ADDED", "REMOVED", "CHANGED"), ""),
    "cause": lambda: dict.fromkeys(_CAUSES, ""),
    "page": lambda: {name: topic.page for topic in topics() for name in topic.names},
    "switch": lambda: {"on": "", "off": ""},
}
"""By kind, how its words are found."""
