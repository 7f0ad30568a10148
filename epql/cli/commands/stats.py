"""`epql stats PATH`: how much of what is there."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from epql.cli.arguments import add_agent, add_output, add_path, add_timeout

if TYPE_CHECKING:
    from epql.connection import Connection

EXAMPLES = (
    ("epql stats kb.epql", ""),
    ("epql stats kb.epql --json", ""),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_path(parser)
    add_agent(parser)
    add_timeout(parser)
    add_output(parser)


def run(arguments: argparse.Namespace) -> int:
    from pathlib import Path

    from epql.cli.asking import opened
    from epql.engine.opening import MEMORY

    with opened(arguments, is_audited=False) as session:
        rows = _counted(session.connection)
        if arguments.path != MEMORY:
            rows += _sizes(Path(arguments.path))
        session.screen.rows(("name", "value"), rows)
    return 0


def _counted(connection: Connection) -> list[tuple[str, Any]]:
    def one(text: str) -> tuple[Any, ...]:
        return tuple(connection.execute(text).fetchall()[0])

    everything = "LIFECYCLE ANY VALID ANYTIME"
    commits, first, last = one("SELECT count(*), min(recorded_at), max(recorded_at) FROM commits")
    assertions, subjects = one(
        f"SELECT count(*), count(DISTINCT subject) FROM assertions {everything}"
    )
    rows = [
        ("commits", commits), ("first_commit", first), ("last_commit", last),
        ("subjects", subjects), ("predicates", *one("SELECT count(*) FROM predicates")),
        ("agents", *one("SELECT count(*) FROM agents")), ("assertions", assertions),
    ]  # fmt: skip
    by_state = "SELECT lifecycle, count(*) FROM assertions GROUP BY lifecycle ORDER BY 2 DESC"
    rows += connection.execute(f"{by_state} {everything}").fetchall()
    states = "LIFECYCLE IN (PROPOSED, REVIEW, APPROVED)"
    beliefs, disputed = one(f"SELECT count(*), ifnull(sum(disputed), 0) FROM beliefs {states}")
    rows += [
        ("beliefs", beliefs), ("disputed", disputed),
        ("moves", *one("SELECT count(*) FROM transitions")),
        ("corrections", *one("SELECT count(*) FROM corrections")),
        ("rules_in_force", *one("SELECT count(*) FROM constraints WHERE in_force")),
        ("audited_reads", *one("SELECT count(*) FROM queries")),
    ]  # fmt: skip
    return rows


def _sizes(folder: Any) -> list[tuple[str, int]]:
    from epql.cli.doctor.database import PARTS, size_of

    return [(f"{part}_bytes", size_of(folder, part)) for part in PARTS]
