"""What a DIFF looks at grows with its window, not with the history: counted in steps of SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

import epql
from tests.clock import TestClock

SLOTS, CHANGED = 100, 50
EVERY = 10
"""Steps of SQLite from one look to the next."""


def _history(rounds: int, slots: int = SLOTS, changed: int = CHANGED) -> epql.Connection:
    """Rounds of commits, each of which asserts every slot anew; the last asserts some of them."""
    made = epql.connect(":memory:", agent="ann", clock=TestClock(), audit="off")
    for number in range(rounds):
        rows = [(f"service/{slot}", "version", f"{number}") for slot in range(slots)]
        made.executemany("ASSERT (?, ?, ?)", rows)
        made.commit()
    rows = [(f"service/{slot}", "version", "last") for slot in range(changed)]
    made.executemany("ASSERT (?, ?, ?)", rows)
    made.commit()
    return made


@contextmanager
def _counted(connection: epql.Connection) -> Iterator[list[int]]:
    """Steps taken meanwhile, on the index and where a person's SQL runs."""
    session, steps = connection.runner.session, [0]

    def look() -> bool:
        steps[0] += EVERY
        return False

    for db in (session.db, session.sql):
        db.set_progress_handler(look, EVERY, id=look)
    yield steps
    for db in (session.db, session.sql):
        db.set_progress_handler(None, id=look)


def _steps(connection: epql.Connection, text: str, rows: int) -> int:
    connection.execute(text).fetchall()
    with _counted(connection) as steps:
        assert len(connection.execute(text).fetchall()) == rows
    return steps[0]


LATEST = {
    "live": "SELECT subject, before_object, after_object FROM beliefs DIFF SINCE TX {}",
    "any": "SELECT change, before_agent, after_id FROM beliefs LIFECYCLE ANY DIFF SINCE TX {}",
}
OTHERS = {
    "confidence": "SELECT * FROM beliefs RESOLVE BY CONFIDENCE LIFECYCLE ANY DIFF SINCE TX {}",
    "credence": "SELECT after_object FROM beliefs RESOLVE BY CREDENCE DIFF SINCE TX {}",
    "assertions": "SELECT before_lifecycle, after_lifecycle FROM assertions DIFF SINCE TX {}",
}
"""Those that compare all candidates of a slot, so that its versions count."""


@pytest.mark.parametrize("text", LATEST.values(), ids=LATEST)
def test_the_same_window_costs_the_same_whatever_lies_before_it(text: str) -> None:
    few = _steps(_history(1), text.format(1), CHANGED)
    many = _steps(_history(10), text.format(10), CHANGED)
    assert few > CHANGED
    assert many < 1.5 * few


@pytest.mark.parametrize("text", [*LATEST.values(), *OTHERS.values()], ids=[*LATEST, *OTHERS])
def test_the_same_window_costs_the_same_among_ten_times_as_many_slots(text: str) -> None:
    few = _steps(_history(1), text.format(1), CHANGED)
    many = _steps(_history(1, 10 * SLOTS), text.format(1), CHANGED)
    assert many < 1.5 * few


def test_a_condition_on_the_subject_looks_at_its_slots_alone() -> None:
    text = "SELECT after_object FROM beliefs DIFF SINCE TX 1 AS d WHERE d.subject = 'service/4'"
    few = _steps(_history(1), text, 1)
    many = _steps(_history(1, 10 * SLOTS, 10 * CHANGED), text, 1)
    assert many < 1.5 * few


def test_the_causes_of_four_times_the_changes_cost_four_times_as_much() -> None:
    text = "SELECT subject, cause, agent FROM beliefs DIFF SINCE TX 1"
    few = _steps(_history(1), text, CHANGED)
    many = _steps(_history(1, 4 * SLOTS, 4 * CHANGED), text, 4 * CHANGED)
    assert many < 5 * few
