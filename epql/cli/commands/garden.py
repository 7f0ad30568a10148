"""`epql garden PATH`: do what is pending, say what it did and what waits for somebody.

Not here: what a correction brings with it (engine/governance/gardener.py) and what counts as
waiting (engine/governance/upkeep.py).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from epql.cli.arguments import add_json, add_path, add_timeout
from epql.cli.opening import check_path, pointing_out
from epql.cli.screens import screen_of
from epql.connection import Connection, connect
from epql.engine.folder import check_folder
from epql.engine.governance import upkeep
from epql.engine.governance.gardener import GARDENER, Done
from epql.engine.governance.trust import score
from epql.engine.governance.upkeep import Waiting
from epql.engine.vtab.show import instant
from epql.output.screen import Screen, plural

_SHOWN = 20

EXAMPLES = (("epql garden kb.epql", "again and again if you like: nothing is done twice"),)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_path(parser)
    add_timeout(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Garden, and tell."""
    check_path(arguments.path)
    with pointing_out(arguments.path):
        check_folder(Path(arguments.path), must_exist=True)
    screen = screen_of(arguments)
    connection = connect(
        arguments.path, agent=GARDENER, timeout=arguments.timeout, autocommit=True,
        audit="off", gardener=False,
    )  # fmt: skip
    try:
        for text in connection.notices:
            screen.note(text)
        gardened = _garden(connection)
    finally:
        connection.close()
    if arguments.json:
        screen.say(json.dumps(_report(gardened), indent=1))
    else:
        _tell(screen, gardened)
    return 0


class Gardened(NamedTuple):
    """What was done, and what waits; `trust`: (agent, topic, before, after)."""

    done: list[Done]
    trust: list[tuple[str, str, float, float]]
    stale: list[Waiting]
    flagged: list[Waiting]
    forgotten: int


def _garden(connection: Connection) -> Gardened:
    before = _trust(connection)
    done = connection.garden()
    database = connection.runner.database
    return Gardened(
        done,
        _moved(connection, done, before),
        upkeep.stale_proposals(database),
        upkeep.unanswered_flags(database),
        upkeep.forget_old_reads(database),
    )


def _trust(connection: Connection) -> dict[tuple[str, str], tuple[float, float]]:
    """(successes, failures) by agent and topic."""
    rows = connection.execute("SELECT agent, topic, successes, failures FROM trust")
    return {(agent, topic): (s, f) for agent, topic, s, f in rows}


def _moved(
    connection: Connection,
    done: Sequence[Done],
    before: dict[tuple[str, str], tuple[float, float]],
) -> list[tuple[str, str, float, float]]:
    """The trust that has changed."""
    database = connection.runner.database
    declared = database.declarations.at(database.last()[0])
    prior, strength = declared.value("trust_prior"), declared.value("trust_strength")
    after = _trust(connection)

    def scored(record: tuple[float, float]) -> float:
        return round(score(*record, prior, strength), 4)

    return [
        (*key, scored(before.get(key, (0.0, 0.0))), scored(after[key]))
        for key in dict.fromkeys(
            (change.agent, change.topic) for one in done for change in one.changes
        )
    ]


def _report(gardened: Gardened) -> dict[str, Any]:
    """For programs: all that waits."""

    def waiting(found: Sequence[Waiting]) -> list[dict[str, Any]]:
        return [{**one._asdict(), "since": instant(one.since)} for one in found]

    columns = ("agent", "topic", "before", "after")
    return {
        "tended": len(gardened.done),
        "newly_flagged": sum(one.flagged for one in gardened.done),
        "trust": [dict(zip(columns, row, strict=True)) for row in gardened.trust],
        "stale_proposals": waiting(gardened.stale),
        "flagged": waiting(gardened.flagged),
        "forgotten_reads": gardened.forgotten,
    }


def _tell(screen: Screen, gardened: Gardened) -> None:
    if gardened.done:
        tended = plural(len(gardened.done), "correction")
        flagged = plural(sum(one.flagged for one in gardened.done), "assertion")
        screen.say(f"{tended} tended, {flagged} flagged")
    else:
        screen.say("no correction waits for the gardener")
    if gardened.trust:
        screen.rows(("agent", "topic", "trust before", "trust after"), gardened.trust)
    _tell_waiting(screen, gardened.stale, "stale proposal", "PROMOTE, REJECT or CONFIRM")
    _tell_waiting(screen, gardened.flagged, "flagged assertion", "CONFIRM or RETRACT")
    if gardened.forgotten:
        reads = plural(gardened.forgotten, "audited read")
        screen.say(f"{reads} forgotten, as audit_retention says")


def _tell_waiting(screen: Screen, found: Sequence[Waiting], noun: str, remedy: str) -> None:
    if not found:
        return
    screen.say(f"{plural(len(found), noun)} waiting: {remedy}")
    why = "why" if found[0].why is not None else "agent"
    rows = [
        (
            one.id[:14], one.subject, one.predicate, one.object, one.lifecycle,
            (instant(one.since) or "")[:10], one.why or one.agent,
        )
        for one in found[:_SHOWN]
    ]  # fmt: skip
    screen.rows(("id", "subject", "predicate", "object", "lifecycle", "since", why), rows)
    if len(found) > _SHOWN:
        screen.say(f"and {len(found) - _SHOWN:,} more")
