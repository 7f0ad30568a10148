"""The policies a database can declare: DEFINE POLICY name = value.

A policy holds from its commit on, for answers as of then and later.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

Value = str | int | float
_DAY = 86_400_000_000


class Policy(NamedTuple):
    """A policy: what holds while nothing is declared, what it takes, what it means.

    `takes` says in words what `accepts` lets through. `is_duration`: a person writes '30d', and
    the value is microseconds.
    """

    default: Value
    accepts: Callable[[Any], bool]
    takes: str
    doc: str
    is_duration: bool = False


def _one_of(*words: str) -> tuple[Callable[[Any], bool], str]:
    return (lambda value: value in words), " or ".join((", ".join(words[:-1]), words[-1]))


def _number(low: float, high: float) -> tuple[Callable[[Any], bool], str]:
    def accepts(value: Any) -> bool:
        return type(value) in (int, float) and low <= value <= high

    return accepts, f"a number from {low:g} to {high:g}"


def _duration(value: Any) -> bool:
    return type(value) is int and 0 < value <= 10_000 * 366 * _DAY


POLICIES: dict[str, Policy] = {
    "lifecycle": Policy(
        "live", *_one_of("live", "approved", "required"),
        "which states a read without LIFECYCLE sees; required: it is an error",
    ),
    "default_state": Policy(
        "proposed", *_one_of("proposed", "approved"), "where ASSERT lands without LIFECYCLE"
    ),
    "four_eyes": Policy("off", *_one_of("on", "off"), "on: who asserted may not approve"),
    "newcomers": Policy(
        "equal", *_one_of("equal", "pooled"),
        "pooled: agents that no DEFINE AGENT named count together as one voice",
    ),
    "newcomer_weight": Policy(0.1, *_number(0, 1), "the weight of that one voice"),
    "trust_prior": Policy(1.0, *_number(0, 1), "the trust in an agent nothing is known of"),
    "trust_strength": Policy(4.0, *_number(0, 1000), "how many events the prior is worth"),
    "share_author": Policy(1.0, *_number(0, 1), "what a correction costs the author"),
    "share_approver": Policy(0.5, *_number(0, 1), "what it costs who promoted it"),
    "share_voter": Policy(0.25, *_number(0, 1), "what it costs who voted for it"),
    "share_reader": Policy(0.25, *_number(0, 1), "what it costs who read it carelessly"),
    "share_deriver": Policy(0.125, *_number(0, 1), "what it costs who derived from it"),
    "damping": Policy(0.5, *_number(0, 1), "the share that is left at each further derivation"),
    "rule_half_life": Policy(
        30 * _DAY, _duration, "a duration such as '30d'", "how fast an unused rule grows stale",
        is_duration=True,
    ),
    "stale_after": Policy(
        30 * _DAY, _duration, "a duration such as '30d'", "when a proposal counts as stale",
        is_duration=True,
    ),
    "audit_retention": Policy(
        365 * _DAY, _duration, "a duration such as '365d'", "how long audited queries are kept",
        is_duration=True,
    ),
}  # fmt: skip
"""Every policy by name."""


def value_of(declared: Mapping[str, Value], name: str) -> Any:
    """The value in force of a policy, given those that are declared."""
    return declared.get(name, POLICIES[name].default)
