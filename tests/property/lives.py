"""Lives of a database without an oracle: statements at random, whatever they do, and what was
answered as of past instants, which must be answered again.

What it is: the machine that test_histories.py bends into its rows (crashes, clock steps,
everything that may be done to an index). The statements are those of test_governance_machine.py;
one that is refused is no failure here, because the oracle's machines look after that.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import HealthCheck, Phase, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

import epql
from tests.clock import TestClock, text_of
from tests.rows import Row

HOUR = 3_600_000_000
START = TestClock().us
SHM = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
"""These lives are about answers, not about disks: files in memory where there are some."""
CHUNK = 25
"""Lives of one run of hypothesis; each run has a seed of its own."""

REFUSED = (epql.IntegrityError, epql.DataError, epql.ProgrammingError)
ID = object()
"""Stands in a statement's values for an id that was returned before."""

AGENTS = st.sampled_from(["ann", "bob", "cyd"])
OBJECTS = st.sampled_from(["x", "y", "1", 1, 1.5])
STATES = st.sampled_from(["proposed", "review", "approved", "deprecated", "rejected", "retracted"])
GRID = st.integers(-3, 12).map(lambda n: text_of(START + n * HOUR))
Said = tuple[str, tuple[Any, ...]]


def said(text: str, *values: st.SearchStrategy[Any]) -> st.SearchStrategy[Said]:
    """A statement with values drawn for its parameters."""
    return st.tuples(st.just(text), st.tuples(*values))


ASSERT = said(
    "ASSERT (?, ?, ?) AGENT ? CONFIDENCE ? LIFECYCLE ? VALID FROM ? TO ? RETURNING id",
    st.sampled_from(["s", "t/u"]),
    st.sampled_from(["p", "q"]),
    OBJECTS,
    AGENTS,
    st.sampled_from([1.0, 0.5]),
    st.sampled_from(["proposed", "approved"]),
    GRID,
    GRID,
)
PLAIN = said(
    "ASSERT (?, 'p', ?) AGENT ? RETURNING id", st.sampled_from(["s", "t/u"]), OBJECTS, AGENTS
)
LONG = said(  # so that frames are of many pages, too
    "ASSERT (?, 'long', ?) AGENT ? RETURNING id",
    st.sampled_from(["s", "v"]),
    st.integers(1, 9).map(lambda n: "long " * n * 1000),
    AGENTS,
)
an_id = st.just(ID)
SAYINGS = st.one_of(
    PLAIN,
    ASSERT,
    LONG,
    said("ASSERT ('d', 'p', ?) AGENT ? BECAUSE ? RETURNING id", OBJECTS, AGENTS, an_id),
    said("SUPERSEDE ? WITH ? RETURNING id", an_id, OBJECTS),
    STATES.flatmap(lambda state: said(f"TRANSITION ? TO {state}", an_id)),
    said("PROMOTE ?", an_id),
    said("RETRACT ? CASCADE", an_id),
    said("VOTE FOR ? WEIGHT ?", an_id, st.sampled_from([1.0, 0.5])),
    said("VOTE AGAINST ?", an_id),
    said("CONFIRM ?", an_id),
    said("REVIVE ?", an_id),
    said("CORRECT ? TO ? REASON 'wrong'", an_id, OBJECTS),
    said("CORRECT ? FORBID REASON 'wrong'", an_id),
    said("FORBID (?, 'p', ?) SEVERITY SOFT", st.sampled_from(["*", "s"]), OBJECTS),
    said("CHECK ('s', 'p', ?)", OBJECTS),
    said("DEFINE PREDICATE q CARDINALITY MANY"),
    said("DEFINE PREDICATE p HALF LIFE '1d'"),
    said("DEFINE TOPIC one (subjects = ?)", st.sampled_from(["*", "t/*", "s"])),
    said("DEFINE POLICY trust_strength = ?", st.sampled_from([4, 1])),
    AGENTS.flatmap(lambda agent: said(f"SET AGENT '{agent}'")),
)
QUESTIONS = st.sampled_from(
    [
        "SELECT * FROM beliefs{}",
        "SELECT * FROM beliefs RESOLVE BY CREDENCE{}",
        "SELECT * FROM beliefs RESOLVE BY CONSENSUS{}",
        "SELECT * FROM assertions LIFECYCLE ANY VALID ANYTIME{}",
        "SELECT * FROM history LIFECYCLE ANY VALID ANYTIME{}",
        "SELECT * FROM trust{}",
        "SELECT * FROM constraints{}",
        # not their digests: an export, restored, has frames of its own (decision 0027)
        "SELECT tx, recorded_at, agent, records, origin FROM commits{}",
        "SELECT count(*), max(object) FROM beliefs WHERE subject = 's'{}",
    ]
)


class Life(RuleBasedStateMachine):
    """One database; `row` counts its lives."""

    row: ClassVar[Row | None] = None

    @initialize()
    def open(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="epql-life-", dir=SHM))
        self.folder = self.root / "kb"
        self.clock = TestClock()
        self.asked: dict[tuple[str, Any], str] = {}
        self.ids: list[str] = []
        self.names = 0
        self.connect()

    def connect(self) -> None:
        self.con = epql.connect(
            self.folder, agent="ann", clock=self.clock, autocommit=True, audit="off"
        )

    def new_path(self, what: str) -> Path:
        """A path that is not taken yet."""
        self.names += 1
        return self.root / f"{what}{self.names}"

    def teardown(self) -> None:
        if not hasattr(self, "root"):
            return
        try:
            if self.con.in_transaction:
                self.con.rollback()
            self.end()
            self.con.close()
            if self.row is not None:
                self.row.ran += 1
        finally:
            shutil.rmtree(self.root, ignore_errors=True)

    def end(self) -> None:
        """What is looked at when a life is over."""
        self.all_is_answered_as_before("at the end")

    # ------------------------------------------------ writing

    @rule(saying=SAYINGS, number=st.integers(0, 20))
    def say(self, saying: Said, number: int) -> None:
        self.run(saying, number)

    @rule(saying=PLAIN)
    def plainly(self, saying: Said) -> None:
        self.run(saying, 0)

    def run(self, saying: Said, number: int) -> bool:
        """Whether the statement worked; an id in it is one of those returned before."""
        text, values = saying
        if ID in values and not self.ids:
            return False
        chosen = [self.ids[number % len(self.ids)] if v is ID else v for v in values]
        try:
            cursor = self.con.execute(text, chosen)
            rows = cursor.fetchall() if cursor.description else []
        except REFUSED:
            return False
        if text.endswith("RETURNING id"):
            self.ids.append(str(rows[-1][0]))
        return True

    @precondition(lambda self: not self.con.in_transaction)
    @rule()
    def begin(self) -> None:
        self.con.execute("BEGIN")

    @precondition(lambda self: self.con.in_transaction)
    @rule(word=st.sampled_from(["COMMIT", "COMMIT", "ROLLBACK"]))
    def finish(self, word: str) -> None:
        self.con.execute(word)

    @rule(by=st.sampled_from([1, HOUR // 2, HOUR, 5 * HOUR]))
    def time_passes(self, by: int) -> None:
        self.clock.set_us(self.clock.us + by)

    # ------------------------------------------------ asking

    @precondition(lambda self: not self.con.in_transaction)
    @rule(question=QUESTIONS, place=st.integers(0, 40), before=st.sampled_from([0, 0, 1, HOUR]))
    def ask(self, question: str, place: int, before: int) -> None:
        """As of a commit, just before one, an hour before one, or now."""
        database = self.con.runner.database
        tx, now = database.present()
        place %= tx + 2
        at = now if place > tx else (database.recorded_at(place) or START) - before
        if place == tx and not before:
            self.remember(question.format(f" AS OF TX {place}"), ())
        else:
            self.remember(question.format(" AS OF ?"), (text_of(at),))

    def remember(self, text: str, values: tuple[Any, ...]) -> None:
        """Ask, and keep the answer; one that was kept must be the same."""
        got = self.answer(text, values)
        kept = self.asked.setdefault((text, values), got)
        assert got == kept, f"{text} {values}\nwas {kept}\nis  {got}"
        self.clock.move(microseconds=1)

    def answer(self, text: str, values: tuple[Any, ...]) -> str:
        """Rows in one order, or the code of the error."""
        try:
            return str(sorted(map(repr, self.con.execute(text, values).fetchall())))
        except REFUSED as error:
            return str(error.code)

    def all_is_answered_as_before(self, when: str) -> None:
        """Every question once more."""
        for (text, values), kept in self.asked.items():
            got = self.answer(text, values)
            if got != kept:
                note(f"{when}: {text} {values}")
            assert got == kept, f"{when}: {text} {values}\nwas {kept}\nis  {got}"


def live(row: Row, machine: type[RuleBasedStateMachine], steps: int) -> None:
    """Run a machine `row.count` times, in chunks with seeds of their own, until time is over.

    A machine counts itself: `row.ran` grows by one at the end of each sound life.
    """
    chunk = 0
    while row.ran < row.count and not row.is_over():
        number = min(CHUNK, row.count - row.ran)
        seed = row.seed * 1_000_000 + chunk
        one = type(
            machine.__name__, (machine,), {"row": row, "_hypothesis_internal_use_seed": seed}
        )
        before = row.ran
        try:
            run_state_machine_as_test(one, settings=sized(number, steps))
        except BaseException as error:
            again = f"--seed {row.seed}; chunk {chunk}, hypothesis seed {seed}, {number} × {steps}"
            error.add_note(f"{row.name} {row.part}: {again}")
            raise
        assert row.ran > before, "hypothesis ran nothing"
        chunk += 1


def sized(number: int, steps: int) -> settings:
    """Settings of a run: nothing is kept between runs, the seed says it all."""
    return settings(
        max_examples=number,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        print_blob=True,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )


def counted(machine: type[RuleBasedStateMachine]) -> type[RuleBasedStateMachine]:
    """A machine that does not count its lives, made one that does."""

    class Counted(machine):  # type: ignore[misc,valid-type]
        row: ClassVar[Row]

        def teardown(self) -> None:
            super().teardown()
            self.row.ran += 1

    Counted.__name__ = machine.__name__
    return Counted
