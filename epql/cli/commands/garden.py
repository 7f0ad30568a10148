"""`epql garden PATH`: do what is pending, say what it did and what waits for somebody.

Not here: what a correction brings with it (engine/governance/gardener.py) and what counts as
waiting (engine/governance/upkeep.py).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from epql.cli.arguments import add_path, add_timeout
from epql.cli.opening import check_path
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


def run(arguments: argparse.Namespace) -> int:
    """Garden, and tell."""
    check_path(arguments.path)
    check_folder(Path(arguments.path), must_exist=True)
    screen = Screen()
    connection = connect(
        arguments.path, agent=GARDENER, timeout=arguments.timeout, autocommit=True,
        audit="off", gardener=False,
    )  # fmt: skip
    try:
        for text in connection.notices:
            screen.note(text)
        before = _trust(connection)
        done = connection.garden()
        _tell_done(screen, connection, done, before)
        database = connection.runner.database
        _tell_waiting(
            screen, upkeep.stale_proposals(database), "stale proposal", "PROMOTE, REJECT or CONFIRM"
        )
        _tell_waiting(
            screen, upkeep.unanswered_flags(database), "flagged assertion", "CONFIRM or RETRACT"
        )
        forgotten = upkeep.forget_old_reads(database)
        if forgotten:
            screen.say(f"{plural(forgotten, 'audited read')} forgotten, as audit_retention says")
    finally:
        connection.close()
    return 0


def _trust(connection: Connection) -> dict[tuple[str, str], tuple[float, float]]:
    """(successes, failures) by agent and topic."""
    rows = connection.execute("SELECT agent, topic, successes, failures FROM trust")
    return {(agent, topic): (s, f) for agent, topic, s, f in rows}


def _tell_done(
    screen: Screen,
    connection: Connection,
    done: Sequence[Done],
    before: dict[tuple[str, str], tuple[float, float]],
) -> None:
    if not done:
        screen.say("no correction waits for the gardener")
        return
    flagged = sum(one.flagged for one in done)
    screen.say(f"{plural(len(done), 'correction')} tended, {plural(flagged, 'assertion')} flagged")
    database = connection.runner.database
    declared = database.declarations.at(database.last()[0])
    prior, strength = declared.value("trust_prior"), declared.value("trust_strength")
    after = _trust(connection)
    moved = dict.fromkeys((change.agent, change.topic) for one in done for change in one.changes)
    rows = [
        (agent, topic, *(round(score(*was, prior, strength), 4) for was in (
            before.get((agent, topic), (0.0, 0.0)), after[agent, topic]
        )))
        for agent, topic in moved
    ]  # fmt: skip
    if rows:
        screen.rows(("agent", "topic", "trust before", "trust after"), rows)


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
