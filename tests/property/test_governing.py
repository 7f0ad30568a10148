"""Random programs of the statements that govern: every past stays what it was, after a restart,
after a rebuild, and a fresh fold of the journal has the same tables."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

import epql
from epql.engine.check import check
from tests.clock import TestClock

AGENTS = ("ann", "bob", "cid")
SUBJECTS = ("a/x", "a/y", "b/*")
OBJECTS = ("A", "B?", "[C]", 1, 1.0)
STATES = ("proposed", "review", "approved", "deprecated", "rejected", "retracted")
FROMS = ("2023-06-01", "2024-01-01", "2025-01-01")
READS = {
    "assertions": "SELECT id, lifecycle, valid_from, valid_to, tx, recorded_at, superseded_by,"
    " corrected_by, flagged, reason FROM assertions{} LIFECYCLE ANY VALID ANYTIME",
    "beliefs": "SELECT subject, id, support, disputed FROM beliefs{}",
    "votes": "SELECT tx, id, agent, vote, weight, counts FROM votes{}",
    "uses": "SELECT tx, what, id, agent FROM uses{}",
    "corrections": "SELECT correction, tx, id, replacement, rule, tended FROM corrections{}",
    "flags": "SELECT tx, id, reason, answered FROM flags{}",
    "topics": "SELECT * FROM topics{}",
    "policies": "SELECT name, value, tx FROM policies{}",
    "agents": "SELECT agent, tx, defined, properties FROM agents{}",
}


class Program:
    """One database and the statements it was given; `kept` are its answers after some commits."""

    def __init__(self, path: Path, seed: int) -> None:
        self.path, self.random, self.clock = path, random.Random(seed), TestClock()
        self.kept: dict[int, dict[str, list[Any]]] = {}
        self.said: list[str] = []
        self.open()

    def open(self) -> None:
        self.connection = epql.connect(self.path, clock=self.clock, autocommit=True)

    def say(self) -> None:
        """A random statement as a random agent; one that is refused changes nothing."""
        self.clock.move(hours=self.random.randrange(1, 400))
        self.connection.runner.state.agent = self.random.choice(AGENTS)
        text, params = self.statement()
        try:
            self.connection.execute(text, params)
        except (epql.IntegrityError, epql.ProgrammingError, epql.DataError):
            return
        self.said.append(text.split()[0])
        last = self.connection.execute("SELECT max(tx) FROM commits").fetchall()[0][0]
        if last and self.random.random() < 0.3:
            self.kept[last] = self.read("")

    def statement(self) -> tuple[str, tuple[Any, ...]]:
        pick = self.random.choice
        target, names = self.target()
        state, start, other = pick(STATES), pick(FROMS), pick(OBJECTS)
        choices: list[tuple[str, tuple[Any, ...]]] = [
            (f"ASSERT (?, 'p', ?) LIFECYCLE {pick(STATES[:4])}", (pick(SUBJECTS), other)),
            ("ASSERT (?, 'p', ?)", (pick(SUBJECTS), other)),
            (f"ASSERT (?, 'p', ?) VALID FROM '{start}'", (pick(SUBJECTS), other)),
            ("ASSERT (?, 'p', ?) BECAUSE ?", (pick(SUBJECTS), other, self.some_id())),
            (f"TRANSITION {target} TO {state} REASON 'why'", names),
            (f"RETRACT {target}{pick(('', ' CASCADE'))} REASON 'why'", names),
            (f"SUPERSEDE {target} WITH ? FROM '{start}'", (*names, other)),
            (f"SUPERSEDE {target} WITH ?", (*names, other)),
            (f"CORRECT {target} REASON 'why'", names),
            (f"CORRECT {target} TO ? FORBID REASON 'why'", (*names, other)),
            (f"CORRECT {target} VALID FROM '{start}' REASON 'why'", names),
            (f"REVIVE {target}", names),
            (f"REVIVE {target}", names),
            (f"CONFIRM {target} SOURCE 'src'", names),
            (f"VOTE {pick(('FOR', 'AGAINST'))} {target} WEIGHT 0.5", names),
            (f"DEFINE POLICY four_eyes = {pick(('on', 'off'))}", ()),
            (f"DEFINE POLICY default_state = {pick(STATES[:3])}", ()),
            (f"DEFINE TOPIC {pick('tu')} (subjects = ?)", (pick(("a/*", "b*, a/x", None)),)),
            (f"DEFINE AGENT {pick(AGENTS)} (level = ?)", (other,)),
        ]
        return pick(choices)

    def target(self) -> tuple[str, tuple[Any, ...]]:
        kind = self.random.randrange(4)
        subject = self.random.choice(SUBJECTS)
        if kind == 0:
            return "(?, 'p')", (subject,)
        if kind == 1:
            return "(?, 'p', ?)", (subject, self.random.choice(OBJECTS))
        if kind == 2:
            return "(SELECT id FROM assertions WHERE subject = ? ORDER BY id LIMIT 2)", (subject,)
        return "?", (self.some_id(),)

    def some_id(self) -> str:
        sql = "SELECT id FROM assertions LIFECYCLE ANY VALID ANYTIME ORDER BY id"
        ids = [name for (name,) in self.connection.execute(sql).fetchall()]
        return str(self.random.choice(ids)) if ids else "a:0000"

    def read(self, clause: str) -> dict[str, list[Any]]:
        return {
            name: sorted(self.connection.execute(sql.format(clause)).fetchall(), key=repr)
            for name, sql in READS.items()
        }

    def check_past(self) -> None:
        for tx, answers in self.kept.items():
            assert self.read(f" AS OF TX {tx}") == answers, tx

    def run(self, count: int) -> None:
        for _ in range(count):
            self.say()
        self.check_past()
        now = self.read("")
        self.connection.close()
        verdict = check(self.path)
        assert verdict.is_sound, verdict.faults
        for name in self.path.glob("index.db*"):
            name.unlink()
        self.open()
        assert self.read("") == now
        self.check_past()
        self.connection.close()


@pytest.mark.parametrize("seed", range(4))
def test_every_past_stays_and_a_rebuild_gives_the_same(tmp_path: Path, seed: int) -> None:
    program = Program(tmp_path / "kb.epql", seed)
    program.run(150)
    told = set(program.said)
    assert {"CORRECT", "REVIVE", "VOTE", "CONFIRM", "RETRACT", "SUPERSEDE"} <= told


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 120))
def test_many_programs(tmp_path: Path, seed: int) -> None:
    Program(tmp_path / "kb.epql", seed).run(600)
