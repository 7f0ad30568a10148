"""WHY NOT's way out and BISECT's commit, compared with what trying everything finds."""

from __future__ import annotations

import contextlib
import json
import random
import re

import pytest

import epql
from tests.clock import TestClock

STATES = ("approved", "rejected", "deprecated", "retracted", "incorrect")
QUERIES = (
    "SELECT object FROM beliefs WHERE subject = 's1' AND predicate = 'p'",
    "SELECT object FROM beliefs WHERE subject = 's1' AND predicate = 'p' LIFECYCLE APPROVED",
    "SELECT count(*) FROM beliefs WHERE subject GLOB 's[01]' RESOLVE BY CONSENSUS",
    "SELECT a.object, b.object FROM beliefs a JOIN beliefs b ON b.subject = a.object",
    "SELECT object, agent FROM beliefs WHERE predicate = 'q' RESOLVE BY CONFIDENCE",
)


def history(seed: int) -> tuple[epql.Connection, TestClock]:
    """A connection over some forty commits about three subjects and two predicates."""
    choose = random.Random(seed)
    clock = TestClock("2026-01-01T00:30:00Z")  # no commit at midnight, where times end
    con = epql.connect(":memory:", agent="ann", clock=clock, autocommit=True)
    for _ in range(40):
        clock.move(hours=1)
        con.execute(f"SET AGENT '{choose.choice(('ann', 'bob', 'cid'))}'")
        with contextlib.suppress(epql.IntegrityError, epql.ProgrammingError):
            _step(con, choose)
    clock.move(hours=1)
    return con, clock


def _step(con: epql.Connection, choose: random.Random) -> None:
    subject, predicate = choose.choice(("s0", "s1", "s2")), choose.choice("pq")
    if choose.random() < 0.5:
        confidence = choose.choice((0.5, 0.7, 0.9))
        ends = choose.choice(("", f" VALID TO '2026-01-0{choose.randint(2, 4)}'"))
        con.execute(
            f"ASSERT (?, ?, ?) CONFIDENCE {confidence}{ends}",
            (subject, predicate, choose.choice(("s0", "s1", "x"))),
        )
    elif choose.random() < 0.3:
        con.execute(f"VOTE FOR ('{subject}', '{predicate}')")
    elif choose.random() < 0.3:
        con.execute(f"SUPERSEDE ('{subject}', '{predicate}') WITH 'y'")
    else:
        ids = con.execute("SELECT id FROM assertions LIFECYCLE ANY VALID ANYTIME").fetchall()
        if ids:
            to = choose.choice(STATES)
            con.execute(f"TRANSITION '{choose.choice(ids)[0]}' TO {to}")


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("query", QUERIES)
def test_bisect_finds_what_trying_every_commit_finds(seed: int, query: str) -> None:
    con, _ = history(seed)
    commits = con.execute("SELECT tx, recorded_at FROM commits ORDER BY tx DESC").fetchall()
    found = con.execute(f"BISECT ({query}) BETWEEN TX 1 AND NOW").fetchall()
    commit = next((tx for tx, at in commits[:-1] if _differs(con, query, tx)), None)
    if commit is None:
        assert [row[0] for row in found] in ([], [None])
        return
    assert found[0][0] == commit
    before, after = (sorted(map(tuple, json.loads(side)), key=repr) for side in found[0][-2:])
    assert before != after


def _differs(con: epql.Connection, query: str, tx: int) -> bool:
    before = con.execute(f"SELECT * FROM ({query}) AS OF BEFORE TX {tx}").fetchall()
    after = con.execute(f"SELECT * FROM ({query}) AS OF TX {tx}").fetchall()
    return sorted(before, key=repr) != sorted(after, key=repr)


CLAUSE = re.compile(r"(AS OF|LIFECYCLE|VALID|RESOLVE BY)")


@pytest.mark.parametrize("asked", ["", "LIFECYCLE APPROVED", "RESOLVE BY CONSENSUS", "AS OF TX 20"])
@pytest.mark.parametrize("seed", range(3))
def test_the_clause_of_why_not_leads_to_the_answer(seed: int, asked: str) -> None:
    con, _ = history(seed)
    triples = con.execute(
        "SELECT DISTINCT subject, predicate, object FROM assertions LIFECYCLE ANY VALID ANYTIME"
    ).fetchall()
    tried = 0
    for triple in triples:
        for reason, _, _, _, _, clause, name in con.execute(
            f"WHY NOT (?, ?, ?) {asked}", triple
        ).fetchall():
            text = "SELECT id FROM beliefs WHERE subject = ? AND predicate = ? "
            kept = asked if asked and CLAUSE.findall(asked)[0] not in (clause or "") else ""
            ids = con.execute(f"{text} {kept} {clause or ''}", triple[:2]).fetchall()
            assert (name,) in ids, (triple, reason, clause)
            tried += 1
    assert tried > 5


@pytest.mark.parametrize("resolve", ["LATEST", "CONFIDENCE", "CREDENCE", "CONSENSUS", "NONE"])
@pytest.mark.parametrize("seed", range(2))
def test_why_has_the_winners_that_beliefs_has(seed: int, resolve: str) -> None:
    con, _ = history(seed)
    for subject in ("s0", "s1", "s2"):
        believed = con.execute(
            f"SELECT id FROM beliefs WHERE subject = ? AND predicate = 'p' RESOLVE BY {resolve}",
            (subject,),
        ).fetchall()
        told = con.execute(
            f"SELECT id FROM why(?, 'p') WHERE role = 'winner' RESOLVE BY {resolve}", (subject,)
        ).fetchall()
        assert sorted(told) == sorted(believed)


def test_the_cost_of_bisect_is_that_of_what_touched_the_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    con, clock = history(0)
    for number in range(300):
        clock.move(minutes=1)
        con.execute("ASSERT (?, 'other', 1)", (f"t{number}",))
    asked = []
    run = con.runner.queries.run
    monkeypatch.setattr(
        con.runner.queries, "run", lambda plan, resolver: asked.append(1) or run(plan, resolver)
    )
    text = "SELECT object FROM beliefs WHERE subject = 's1' AND predicate = 'p' LIFECYCLE REVIEW"
    assert con.execute(f"BISECT ({text}) BETWEEN TX 1 AND NOW").fetchall() == []
    assert len(asked) < 60
