"""DEFINE POLICY: what holds for the whole database."""

from __future__ import annotations

from typing import Any

from epql import instants
from epql.engine.errors import DataError, Error, IntegrityError, ProgrammingError
from epql.engine.index.policies import POLICIES, Policy
from epql.nodes import DefinePolicy
from epql.plan.catalog import nearest
from epql.plan.values import span_of
from epql.verbs.work import Answer, Work

_SWITCH = {1: "on", 0: "off", "true": "on", "false": "off", "1": "on", "0": "off"}


def define_policy(work: Work, statement: DefinePolicy) -> Answer:
    """DEFINE POLICY name = value; DEFAULT and NULL stand for what holds out of the box.

    Raises: ProgrammingError `policy.unknown`, DataError `policy.value`, IntegrityError
    `policy.conflict`.
    """
    name = statement.name
    policy = POLICIES.get(name)
    if policy is None:
        raise ProgrammingError(
            f"there is no policy called {name!r}",
            code="policy.unknown",
            span=statement.name_span or statement.span,
            hint=nearest(name, POLICIES, "the policies are "),
        )
    value = work.checked(statement.value, lambda found: _accepted(name, policy, found))
    work.transaction.define("policy", name, {"value": value}, work.agent)
    _check_conflicts(work, statement)
    return Answer(0)


def _accepted(name: str, policy: Policy, found: Any) -> str | int | float:
    """The value as it is kept."""
    if found is None or (isinstance(found, str) and found.lower() == "default"):
        return policy.default
    value: str | int | float = _read(policy, found)
    if policy.accepts(value):
        return value
    raise DataError(
        f"{found!r} is no value of {name}; it takes {policy.takes}",
        code="policy.value",
        hint=f"DEFINE POLICY {name} = DEFAULT puts back what holds out of the box",
    )


def _read(policy: Policy, found: Any) -> Any:
    if policy.is_duration:
        return _duration(found)
    if policy.accepts("on"):
        found = found.lower() if isinstance(found, str) else found
        return _SWITCH.get(found, found) if isinstance(found, (str, int)) else found
    return found.lower() if isinstance(found, str) else found


def _duration(found: Any) -> int | None:
    """Microseconds; None where it is no duration of fixed length."""
    try:
        length = instants.parse_duration(found) if isinstance(found, str) else None
    except Error:
        return None
    return None if length is None or length.months else length.micros


def _check_conflicts(work: Work, statement: DefinePolicy) -> None:
    declared = work.database.declarations.at(work.transaction.tx)
    if declared.value("four_eyes") == "on" and declared.value("default_state") == "approved":
        raise IntegrityError(
            "four_eyes = on and default_state = approved contradict each other: an assertion"
            " cannot land where its author may not bring it",
            code="policy.conflict",
            span=span_of(statement.value) or statement.span,
            hint="DEFINE POLICY default_state = proposed, or four_eyes = off",
        )
