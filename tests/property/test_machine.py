"""A state machine: the engine and the oracle live through the same statements and must agree.

After any sequence of statements, transactions, restarts and rebuilds, each question about any
past instant has the oracle's answer.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.clock import TestClock, text_of
from tests.property.driver import (
    CHANGE,
    COLUMNS,
    Answer,
    Engine,
    comparable,
    compared_columns,
    only_certain,
)
from tests.property.model import ANY, INITIAL, LIVE, Content, Refused, Row
from tests.property.oracle import Oracle

HOUR = 3_600_000_000
START = TestClock().us

# Few of each, so that collisions happen; instants on a grid, so that bounds and commits meet.
OBJECTS = st.sampled_from(["x", "y", "1", 1, 1.0])
GRID = st.integers(-3, 12).map(lambda n: START + n * HOUR)
BOUNDS = st.one_of(
    st.just((None, None)),
    st.tuples(GRID, st.none()),
    st.tuples(st.none(), GRID),
    st.tuples(GRID, GRID).filter(lambda ab: ab[0] < ab[1]),
)
CONTENTS = st.builds(
    lambda s, p, o, agent, confidence, source, bounds: Content(
        s, p, o, agent, confidence, source, *bounds
    ),
    st.sampled_from(["s", "t/u"]),
    st.sampled_from(["p", "q"]),
    OBJECTS,
    st.sampled_from(["ann", "bob"]),
    st.sampled_from([1.0, 0.5, 0.25]),
    st.sampled_from([None, "src"]),
    BOUNDS,
)
REASONS = st.sampled_from([None, "because"])
LIFECYCLES = st.sampled_from(
    [None, LIVE, ANY, frozenset({"approved"}), ANY - LIVE, frozenset({"superseded", "approved"})]
)
VALIDS = st.one_of(
    st.none(),
    st.just(("any",)),
    GRID.map(lambda v: ("at", v)),
    st.tuples(st.just("range"), GRID, GRID).filter(lambda r: r[1] < r[2]),
)
CLAUSES = st.fixed_dictionaries(
    {
        "lifecycle": LIFECYCLES,
        "valid": VALIDS,
        "resolve": st.sampled_from(["latest", "confidence", "none"]),
    }
)

KEYS = [None, ("subject", "predicate"), ("predicate",), ("object",), ("subject", "object")]


class Agreement(RuleBasedStateMachine):
    """One database, one oracle."""

    in_memory = False

    @initialize()
    def open(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="epql-machine-"))
        self.clock = TestClock()
        self.engine = Engine(":memory:" if self.in_memory else self.folder / "kb", self.clock)
        self.oracle = Oracle()
        self.agent = "machine"
        self.seen = (-1, -1)
        self.known: list[Content] = []
        self.open_transaction = False

    def teardown(self) -> None:
        if not hasattr(self, "folder"):
            return
        try:
            self.restart(rebuild=False)
            self.oracle.rollback()
            for at in [START - 1, *(commit.at for commit in self.oracle.commits)]:
                self.every_commit_agrees(at)
            self.engine.con.close()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def every_commit_agrees(self, at: int) -> None:
        """What is asked about each commit in the end."""
        for lifecycle in (LIVE, ANY):
            self.agree(at, {"lifecycle": lifecycle})

    # ------------------------------------------------ writing

    def both(self, engine: Callable[[], Any], oracle: Callable[[], Any]) -> tuple[bool, Any]:
        """Do it on both sides; they succeed or refuse alike. What the engine returned."""
        mark = len(self.oracle.pending)
        try:
            oracle()
            expected = None
        except Refused as refusal:
            del self.oracle.pending[mark:]
            expected = refusal.kind
        try:
            result, got = engine(), None
        except Refused as refusal:
            result, got = None, refusal.kind
            detail = str(refusal.__cause__)
        assert got == expected, f"engine: {got and detail}, oracle: {expected}"
        if not self.open_transaction:
            self.oracle.commit(self.clock.us)
        return got is None, result

    @rule(content=CONTENTS, state=st.sampled_from([None, *sorted(INITIAL)]), reason=REASONS)
    def assert_content(self, content: Content, state: str | None, reason: str | None) -> None:
        worked, engine_id = self.both(
            lambda: self.engine.assert_content(content, state, reason),
            lambda: self.oracle.assert_content(content, state, self.clock.us, reason),
        )
        if worked:
            self.learn(content, engine_id)

    @precondition(lambda self: self.known)
    @rule(data=st.data(), state=st.none() | st.sampled_from(sorted(INITIAL)))
    def assert_again(self, data: st.DataObject, state: str | None) -> None:
        content = self.pick(data)
        if not content.valid_from_tx:
            self.assert_content(content, state, None)

    @precondition(lambda self: self.known)
    @rule(data=st.data(), state=st.sampled_from(sorted(ANY)), reason=REASONS)
    def transition(self, data: st.DataObject, state: str, reason: str | None) -> None:
        target = self.pick(data)
        more, params = (" REASON ?", [reason]) if reason else ("", [])
        self.both(
            lambda: self.engine.run(
                f"TRANSITION ? TO {state}" + more, self.engine.ids[target.id], *params
            ),
            lambda: self.oracle.transition(target, state, self.agent, self.clock.us, reason),
        )

    @precondition(lambda self: self.known)
    @rule(data=st.data(), verb=st.sampled_from(["promote", "reject", "retract"]))
    def move(self, data: st.DataObject, verb: str) -> None:
        target = self.pick(data)
        self.both(
            lambda: self.engine.run(verb.upper() + " ?", self.engine.ids[target.id]),
            lambda: getattr(self.oracle, verb)(target, self.agent, self.clock.us),
        )

    @precondition(lambda self: self.known)
    @rule(data=st.data(), obj=OBJECTS, since=st.none() | GRID, reason=REASONS)
    def supersede(
        self, data: st.DataObject, obj: str | int | float, since: int | None, reason: str | None
    ) -> None:
        target = self.pick(data)
        sql, params = "SUPERSEDE ? WITH ?", [self.engine.ids[target.id], obj]
        for word, value in ((" FROM ?", since and text_of(since)), (" REASON ?", reason)):
            if value is not None:
                sql += word
                params.append(value)
        made: list[Content] = []
        worked, rows = self.both(
            lambda: self.engine.run(sql + " RETURNING id", *params),
            lambda: made.append(
                self.oracle.supersede(target, obj, self.agent, self.clock.us, since, reason)
            ),
        )
        if worked:
            self.learn(made[0], rows[-1][0])

    @rule(
        predicate=st.sampled_from(["p", "q"]),
        many=st.sampled_from([None, True, True, False]),
        days=st.sampled_from([None, 1, 3]),
    )
    def define(self, predicate: str, many: bool | None, days: int | None) -> None:
        sql = f"DEFINE PREDICATE {predicate}"
        if many is not None:
            sql += f" CARDINALITY {'MANY' if many else 'ONE'}"
        self.both(
            lambda: self.engine.run(sql + (f" HALF LIFE '{days}d'" if days else "")),
            lambda: self.oracle.define(predicate, many, days and days * 24 * HOUR),
        )

    def learn(self, content: Content, engine_id: str) -> None:
        self.engine.learn(content, engine_id)
        if content not in self.known or content.id not in {c.id for c in self.known}:
            self.known.append(content)

    def pick(self, data: st.DataObject) -> Content:
        return data.draw(st.sampled_from(self.known))

    # ------------------------------------------------ transactions, time, crashes

    @precondition(lambda self: not self.open_transaction)
    @rule()
    def begin(self) -> None:
        self.engine.run("BEGIN")
        self.open_transaction = True
        self.known_before = list(self.known)

    @precondition(lambda self: self.open_transaction)
    @rule()
    def commit(self) -> None:
        self.engine.run("COMMIT")
        self.oracle.commit(self.clock.us)
        self.open_transaction = False

    @precondition(lambda self: self.open_transaction)
    @rule()
    def rollback(self) -> None:
        self.engine.run("ROLLBACK")
        self.undo()

    def undo(self) -> None:
        if self.open_transaction:
            self.oracle.rollback()
            self.known = self.known_before
            self.open_transaction = False
            self.forget()

    def forget(self) -> None:
        """What else a rollback takes back."""

    @precondition(lambda self: not self.open_transaction)
    @rule(by=st.sampled_from([1, HOUR // 2, HOUR, HOUR, 5 * HOUR]))
    def time_passes(self, by: int) -> None:
        self.clock.set_us(self.clock.us + by)

    @rule(rebuild=st.booleans())
    def restart(self, rebuild: bool) -> None:
        if self.in_memory:
            self.engine.con.rollback()
        else:
            self.engine.restart(rebuild)
            self.agent = self.oracle.agent = "machine"
        self.undo()
        self.seen = (-1, -1)

    # ------------------------------------------------ questions

    @property
    def now(self) -> int:
        commits = self.oracle.commits
        return max(self.clock.us, commits[-1].at if commits else 0)

    @invariant()
    def now_agrees(self) -> None:
        """After each commit, each step in time and each restart."""
        if hasattr(self, "engine") and not self.open_transaction:
            seen = (self.oracle.last_tx, self.now)
            if seen != self.seen:
                self.present_agrees()
            self.seen = seen

    def present_agrees(self) -> None:
        self.agree_on("beliefs", self.now, {}, stated=False)

    @precondition(lambda self: not self.open_transaction)
    @rule(data=st.data(), clauses=CLAUSES)
    def past_agrees(self, data: st.DataObject, clauses: dict[str, Any]) -> None:
        self.agree(data.draw(self.instants()), clauses)

    @precondition(lambda self: not self.open_transaction)
    @rule(data=st.data(), clauses=CLAUSES)
    def history_window_agrees(self, data: st.DataObject, clauses: dict[str, Any]) -> None:
        window = data.draw(st.tuples(self.instants(), self.instants()).map(sorted))
        if window[0] < window[1]:
            del clauses["resolve"]
            self.agree_on("history", self.now, clauses | {"window": tuple(window)})

    @precondition(lambda self: not self.open_transaction)
    @rule(data=st.data(), clauses=CLAUSES)
    def changes_agree(self, data: st.DataObject, clauses: dict[str, Any]) -> None:
        since, until = data.draw(st.tuples(self.instants(), self.instants()).map(sorted))
        self.changes_between(since, until, clauses)

    def changes_between(self, since: int, until: int, clauses: dict[str, Any]) -> None:
        self.oracle.ask(until)
        expected = answer(lambda: self.oracle.changes(since, until, **clauses))
        got = answer(lambda: self.engine.changes(since, until, clauses))
        told = f"DIFF {since} {until} {clauses}"
        if isinstance(expected, list) and isinstance(got, list):
            got = only_certain(expected, got)
        self.same(expected, got, CHANGE, told)

    @precondition(lambda self: not self.open_transaction)
    @rule(data=st.data(), clauses=CLAUSES, key=st.sampled_from(KEYS))
    def whole_answers_agree(
        self, data: st.DataObject, clauses: dict[str, Any], key: tuple[str, ...] | None
    ) -> None:
        since, until = data.draw(st.tuples(self.instants(), self.instants()).map(sorted))
        self.oracle.ask(until)
        expected = answer(lambda: self.oracle.compared(since, until, key, **clauses))
        got = answer(lambda: self.engine.compared(since, until, key, clauses))
        told = f"DIFF {since} {until} KEY {key} {clauses}"
        self.same(_floats(expected), _floats(got), compared_columns(key), told)

    def instants(self) -> st.SearchStrategy[int]:
        """Commits, just before them, and the grid, up to now."""
        points = [self.now, START - HOUR]
        for commit in self.oracle.commits:
            points += [commit.at, commit.at - 1]
        return st.sampled_from(points) | GRID.map(lambda at: min(at, self.now))

    def agree(self, at: int, clauses: dict[str, Any]) -> None:
        self.agree_on("beliefs", at, clauses)
        rest = {name: value for name, value in clauses.items() if name != "resolve"}
        self.agree_on("assertions", at, rest)
        self.agree_on("history", at, rest)

    def agree_on(
        self, relation: str, at: int, clauses: dict[str, Any], stated: bool = True
    ) -> None:
        window = clauses.get("window", ())
        looks = {name: value for name, value in clauses.items() if name != "window"}
        if stated:
            self.oracle.ask(at)
        told = getattr(self.oracle, "commit_rows" if relation == "commits" else relation)
        expected = answer(lambda: told(self.oracle.view(at, **looks), *window))
        asked = clauses | ({"as_of": at} if stated else {})
        got = answer(lambda: self.engine.rows(relation, asked))
        self.same(expected, got, COLUMNS[relation], f"{relation} {asked}")

    def same(self, expected: Answer, got: Answer, names: tuple[str, ...], what: str) -> None:
        """Fail unless both are the same refusal, or the same rows in any order."""
        want, have = comparable(expected, names), comparable(got, names)
        if want != have:
            note(f"{what}\ncommits: {self.oracle.commits}")
            missing = [row for row in want if row not in have]
            extra = [row for row in have if row not in want]
            pytest.fail(f"{what}\nmissing: {missing}\nextra: {extra}\n(of {names})")


def answer(ask: Callable[[], list[Row]]) -> Answer:
    """Rows, or in one word why there are none."""
    try:
        return ask()
    except Refused as refusal:
        return refusal.kind


def _floats(rows: Answer) -> Answer:
    """Rows in which 1 and 1.0 look the same: either may stand for what is equal."""
    if isinstance(rows, str):
        return rows
    return [
        {name: float(v) if isinstance(v, int) else v for name, v in row.items()} for row in rows
    ]


Agreement.TestCase.settings = settings(max_examples=12, stateful_step_count=30, deadline=None)
TestAgreement = Agreement.TestCase


class AgreementInMemory(Agreement):
    """The same without files."""

    in_memory = True


AgreementInMemory.TestCase.settings = settings(Agreement.TestCase.settings, max_examples=10)
TestAgreementInMemory = AgreementInMemory.TestCase
