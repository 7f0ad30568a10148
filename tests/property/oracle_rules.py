"""Rules of FORBID: which hold, what they match, how fresh they are."""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase

from tests.property.model import Content, Forbidden, Object, Repealed, Row, Used
from tests.property.oracle_past import Past
from tests.property.oracle_resolve import freshness

Triple = tuple[str, str, Object]


def triple_of(content: Content) -> Triple:
    return content.subject, content.predicate, content.object


def in_force(past: Past) -> list[Forbidden]:
    """The rules that nobody has repealed."""
    repealed = {event.number for _, event in past.events(Repealed)}
    return [rule for _, rule in past.events(Forbidden) if rule.number not in repealed]


def hits(past: Past, triple: Triple) -> list[Forbidden]:
    """The rules in force that a triple would break."""
    return [rule for rule in in_force(past) if _matches(rule, triple)]


def same(rule: Forbidden, other: Forbidden) -> bool:
    """Whether two rules say the same, whoever says it; 1 is 1.0 to a rule."""
    return replace(other, number=rule.number, agent=rule.agent) == rule


def _matches(rule: Forbidden, triple: Triple) -> bool:
    subject, predicate, obj = triple
    return (
        fnmatchcase(subject, rule.subject)
        and fnmatchcase(predicate, rule.predicate)
        and _matches_object(rule.object, obj)
    )


def _matches_object(pattern: Object, obj: Object) -> bool:
    """A text is a pattern for texts, '*' for anything; a number means that number."""
    if pattern == "*":
        return True
    if isinstance(pattern, str):
        return isinstance(obj, str) and fnmatchcase(obj, pattern)
    return not isinstance(obj, str) and pattern == obj


def fresh(past: Past, rule: Forbidden, clock: int) -> float:
    """How fresh a rule is: counted from when it was made or last used."""
    used = [c.at for c, e in past.events(Used) if e.number == rule.number]
    made = [c.at for c, e in past.events(Forbidden) if e.number == rule.number]
    return freshness(past.policy("rule_half_life"), clock - max(made + used))


def relation(past: Past, clock: int) -> list[Row]:
    """The relation `constraints`: every rule there ever was."""
    standing = {rule.number for rule in in_force(past)}
    rows = []
    for _, rule in past.events(Forbidden):
        used = [commit.at for commit, event in past.events(Used) if event.number == rule.number]
        rows.append(
            {
                "id": rule.number,
                "subject": rule.subject,
                "predicate": rule.predicate,
                "object": rule.object,
                "severity": rule.severity.lower(),
                "prefer": rule.prefer,
                "agent": rule.agent,
                "freshness": fresh(past, rule, clock),
                "uses": len(used),
                "last_used": used[-1] if used else None,
                "in_force": int(rule.number in standing),
            }
        )
    return rows


def check(past: Past, triple: Triple, clock: int) -> list[Row]:
    """CHECK: a row for each rule that a triple would meet, as the rule was before this use."""
    facts = {row["id"]: row for row in relation(past, clock)}
    made = {rule.number: commit.at for commit, rule in past.events(Forbidden)}
    return [
        {
            "verdict": "DENY" if rule.severity == "HARD" else "WARN",
            "subject": triple[0],
            "predicate": triple[1],
            "object": triple[2],
            "rule": rule.number,
            "reason": rule.reason,
            "prefer": rule.prefer,
            "severity": rule.severity.lower(),
            "agent": rule.agent,
            "recorded_at": made[rule.number],
            "freshness": facts[rule.number]["freshness"],
            "last_used": facts[rule.number]["last_used"],
        }
        for rule in hits(past, triple)
    ]
