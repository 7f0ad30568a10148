"""A database in which every relation has rows: NULLs, mixed types, case variants, 64-bit edges,
MANY predicates, superseded tails, winners that were asserted again.
"""

from __future__ import annotations

from typing import Any

import epql
from tests.clock import TestClock

OBJECTS = [
    1, 1.0, "1", "text", "TEXT", "", 2**63 - 1, -(2**63), 0, "0", 1e300, 0.5, "0.5", "é", "a%b",
    9007199254740993, float(2**53), "approved", "[x]",
]  # fmt: skip
AGENTS = ["ann", "Ann", "1", "bob"]
SOURCES = [None, "1", "src", "Src"]


def made(audit: str = "lazy", *, many: bool = True) -> tuple[epql.Connection, TestClock]:
    """A connection to it, and its clock; `many`: whether a predicate is declared MANY."""
    clock = TestClock()
    found = epql.connect(":memory:", agent="Ann", clock=clock, autocommit=True, audit=audit)

    def say(text: str, params: tuple[Any, ...] = ()) -> None:
        clock.move(hours=1)
        found.execute(text, params)

    if many:
        say("DEFINE PREDICATE 'tag' CARDINALITY MANY")
    for number, obj in enumerate(OBJECTS):
        subject, doubt = f"s/{number % 7}", (1, 0.5, 0.25, 0)[number % 4]
        say("ASSERT (?, 'p', ?) CONFIDENCE ?", (subject, obj, doubt))
        who, source = AGENTS[number % 4], SOURCES[number % 4]
        subject = "s/0" if number % 2 else "S/0"
        say("ASSERT (?, 'tag', ?) AGENT ? SOURCE ?", (subject, obj, who, source))
    for number, obj in enumerate(OBJECTS[:4]):  # once more, and the latest of its slot so
        say("ASSERT (?, 'p', ?) CONFIDENCE ?", (f"s/{number}", obj, (1, 0.5, 0.25, 0)[number]))
    say("ASSERT ('1', '1', '1') LIFECYCLE APPROVED KEY 'k'")
    say("ASSERT ('1', 'q', 'old') LIFECYCLE APPROVED VALID FROM '2023-01-01' TO '2025-01-01'")
    say("SUPERSEDE ('1', 'q') WITH 'new' REASON 'moved on'")
    say("SUPERSEDE ('1', 'q') WITH 'newer' FROM '2024-06-01'")
    say("ASSERT ('t/x', 'p', 'a') REASON 'why'")
    say("PROMOTE ('t/x', 'p') REASON 'Why'")
    say("RETRACT ('t/x', 'p') REASON 'gone'")
    say("ASSERT ('t/y', 'p', 'a') QUALIFIED (a = 1, b = 'x')")
    say("REJECT ('t/y', 'p')")
    say("ASSERT ('t/z', 'p', 'z') LIFECYCLE REVIEW")
    say("ASSERT ('t/z', 'p', 'z2') LIFECYCLE APPROVED CONFIDENCE 0.5")
    for epoch in ("e1", "E1", "1"):
        say(f"MARK EPOCH '{epoch}'")
    say("DEFINE PREDICATE 'p' HALF LIFE '30d'")
    say("DEFINE PREDICATE 'unused' TYPE text")
    say("DEFINE QUERY v (a) AS SELECT 1")
    say("DEFINE QUERY V2 AS SELECT * FROM beliefs")
    for agent, number in (("ann", 1), ("bob", 2), ("1", 3)):
        say(f"SET AGENT '{agent}'")
        some = f"(SELECT id FROM assertions ORDER BY id LIMIT 8 OFFSET {5 * number})"
        say(f"VOTE FOR {some} WEIGHT 0.5 REASON 'why'")
        say(f"VOTE AGAINST ('s/{number}', 'p')")
        say(f"CONFIRM {some} SOURCE 'src'")
        say(f"DEFINE AGENT 'agent {number}' (kind = 'p', level = {number})")
        say(f"DEFINE TOPIC 't{number}' (subjects = 's/{number}*, {number}/*')")
        say(f"DEFINE POLICY trust_strength = {number}")
        say(f"FORBID ('x/{number}*', 'p', {number}) PREFER 'p'")
        say(f"FORBID ('z{'*' * (number % 3)}', *, *) PREFER {number} REASON 'r{number}'")
        say(f"FORBID (*, 'p', '{number}*') WHEN agent = 'a' SEVERITY SOFT REASON 'why'")
    say("REPEAL (SELECT id FROM constraints LIMIT 3) REASON 'why'")
    say("DEFINE POLICY lifecycle = LIVE")
    for (name,) in found.execute(
        "SELECT id FROM assertions WHERE subject GLOB 's/[0-2]'"
    ).fetchall():
        say("ASSERT (?, 'derived', 1) BECAUSE ?", (name, name))
        say("RETRACT ?", (name,))
    assertions = found.execute("SELECT id FROM assertions ORDER BY id").fetchall()
    for number, (name,) in enumerate(assertions[::3]):
        to, forbid = " TO 'x'" * (number % 2), " FORBID" * (number % 3)
        say(f"CORRECT ?{to}{forbid[:7]} REASON 'why'", (name,))
    say("CONFIRM (SELECT id FROM assertions WHERE flagged NOT NULL LIMIT 3)")
    return found, clock
