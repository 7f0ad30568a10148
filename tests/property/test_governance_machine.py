"""The same machine with governed knowledge: agents that vote, confirm, correct and are trusted.

All that test_machine.py does happens here too, between statements of three agents about few
objects, so that they compete, are judged, and lose and win trust.
"""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.property.driver import CHECKED
from tests.property.model import Content, Object
from tests.property.test_machine import CLAUSES, HOUR, Agreement

AGENTS = ["ann", "bob", "cyd"]
SUBJECTS = ["s", "t/u"]
OBJECTS = st.sampled_from(["x", "y", 1])
CONTESTED = st.builds(
    Content,
    st.sampled_from(SUBJECTS),
    st.just("p"),
    OBJECTS,
    st.sampled_from(AGENTS),
    st.sampled_from([1.0, 0.5, 0.8]),
)
RELATIONS = ["trust", "constraints", "commits"]
STRATEGIES = ["latest", "confidence", "none", "credence", "consensus"]
WEIGHED = st.builds(
    lambda clauses, resolve: clauses | {"resolve": resolve},
    CLAUSES,
    st.sampled_from(["credence", "consensus"]),
)
POLICIES: dict[str, list[Any]] = {
    "lifecycle": ["live", "live", "approved", "required"],
    "default_state": ["proposed", "approved"],
    "four_eyes": ["on", "off", "off"],
    "newcomers": ["pooled", "pooled", "equal"],
    "newcomer_weight": [0.1, 1, 0],
    "trust_prior": [1, 0.5],
    "trust_strength": [4, 1, 0],
    "share_author": [1, 0.5, 0],
    "share_deriver": [0.125, 1],
    "damping": [0.5, 1, 0],
    "rule_half_life": ["2h", "30d"],
}
HALF_LIVES = {"2h": 2 * HOUR, "30d": 30 * 24 * HOUR}
DECLARED = st.sampled_from(sorted(POLICIES)).flatmap(
    lambda name: st.tuples(st.just(name), st.sampled_from(POLICIES[name]))
)
PATTERNS = st.sampled_from(["*", "s", "t/*", "t/u", "?", "[st]*"])
RULES = st.tuples(
    st.sampled_from(["*", "s", "t/*", "x"]),
    st.sampled_from(["*", "p", "q"]),
    st.sampled_from(["*", "x", "[xy]", "1", 1]),
)


class Governed(Agreement):
    """One database, one oracle, three agents."""

    def forget(self) -> None:
        self.engine.learn_rules()

    # ------------------------------------------------ who speaks, and what they say

    @precondition(lambda self: not self.open_transaction)
    @rule(agent=st.sampled_from(AGENTS))
    def speak(self, agent: str) -> None:
        self.engine.run(f"SET AGENT '{agent}'")
        self.agent = self.oracle.agent = agent

    @rule(content=CONTESTED, state=st.sampled_from([None, "approved"]))
    def contest(self, content: Content, state: str | None) -> None:
        self.assert_content(content, state, None)

    @precondition(lambda self: self.known)
    @rule(data=st.data(), content=CONTESTED)
    def derive(self, data: st.DataObject, content: Content) -> None:
        ground = self.pick(data)
        derived = Content(
            content.subject, content.predicate, content.object, content.agent, parents=(ground.id,)
        )
        self.assert_content(derived, None, None)

    @precondition(lambda self: self.known)
    @rule(data=st.data(), is_for=st.booleans(), weight=st.sampled_from([1.0, 0.5]))
    def vote(self, data: st.DataObject, is_for: bool, weight: float) -> None:
        target = self.pick(data)
        side = "FOR" if is_for else "AGAINST"
        self.both(
            lambda: self.engine.run(f"VOTE {side} ? WEIGHT ?", self.engine.ids[target.id], weight),
            lambda: self.oracle.vote(target, is_for, weight, self.agent, self.clock.us),
        )

    @precondition(lambda self: self.known)
    @rule(
        data=st.data(),
        verb=st.sampled_from(["CONFIRM", "REVIVE"]),
    )
    def say(self, data: st.DataObject, verb: str) -> None:
        target = self.pick(data)
        self.both(
            lambda: self.engine.run(f"{verb} ?", self.engine.ids[target.id]),
            lambda: getattr(self.oracle, verb.lower())(target, self.agent, self.clock.us),
        )

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def retract_cascade(self, data: st.DataObject) -> None:
        target = self.pick(data)
        self.both(
            lambda: self.engine.run("RETRACT ? CASCADE", self.engine.ids[target.id]),
            lambda: self.oracle.retract_cascade(target, self.agent, self.clock.us),
        )

    @precondition(lambda self: self.known)
    @rule(
        data=st.data(),
        obj=st.none() | OBJECTS,
        forbid=st.booleans(),
        prefer=st.none() | OBJECTS,
    )
    def correct(
        self, data: st.DataObject, obj: Object | None, forbid: bool, prefer: Object | None
    ) -> None:
        target = self.pick(data)
        sql, params = "CORRECT ?", [self.engine.ids[target.id]]
        if obj is not None:
            sql, params = sql + " TO ?", [*params, obj]
        if forbid:
            sql += " FORBID"
            if prefer is not None:
                sql, params = sql + " PREFER ?", [*params, prefer]
        made: list[Content | None] = []
        worked, _ = self.both(
            lambda: self.engine.run(sql + " REASON 'wrong'", *params),
            lambda: made.append(
                self.oracle.correct(target, self.agent, self.clock.us, obj, forbid, prefer, "wrong")
            ),
        )
        if worked and made[0] is not None:
            sql = (
                "SELECT corrected_by FROM assertions WHERE id = ? LIFECYCLE INCORRECT VALID ANYTIME"
            )
            ((replacement,),) = self.engine.run(sql, self.engine.ids[target.id])
            self.learn(made[0], replacement)
        if worked and forbid:
            self.engine.learn_rules()

    # ------------------------------------------------ declarations and rules

    @rule(declared=DECLARED)
    def declare_policy(self, declared: tuple[str, Any]) -> None:
        name, value = declared
        self.both(
            lambda: self.engine.run(f"DEFINE POLICY {name} = ?", value),
            lambda: self.oracle.declare("policy", name, HALF_LIVES.get(value, value)),
        )

    @rule(agent=st.sampled_from(AGENTS))
    def name_agent(self, agent: str) -> None:
        self.both(
            lambda: self.engine.run(f"DEFINE AGENT '{agent}' (kind = 'human')"),
            lambda: self.oracle.declare("agent", agent),
        )

    @rule(
        topic=st.sampled_from(["one", "two"]), patterns=st.lists(PATTERNS, min_size=1, max_size=2)
    )
    def name_topic(self, topic: str, patterns: list[str]) -> None:
        self.both(
            lambda: self.engine.run(f"DEFINE TOPIC {topic} (subjects = ?)", ",".join(patterns)),
            lambda: self.oracle.declare("topic", topic, tuple(patterns)),
        )

    @rule(
        pattern=RULES,
        severity=st.sampled_from(["HARD", "SOFT"]),
        prefer=st.none() | OBJECTS,
    )
    def forbid(
        self, pattern: tuple[str, str, Object], severity: str, prefer: Object | None
    ) -> None:
        sql, params = f"FORBID (?, ?, ?) SEVERITY {severity}", list(pattern)
        if prefer is not None:
            sql, params = sql + " PREFER ?", [*params, prefer]
        made: list[int] = []
        worked, rows = self.both(
            lambda: self.engine.run(sql + " RETURNING id", *params),
            lambda: made.append(
                self.oracle.forbid(*pattern, severity, prefer, self.agent, self.clock.us)
            ),
        )
        if worked:
            self.engine.learn_rules()
            assert self.engine.rules[rows[0][0]] == made[0]

    @precondition(lambda self: self.engine.rules)
    @rule(data=st.data())
    def repeal(self, data: st.DataObject) -> None:
        rule_id = data.draw(st.sampled_from(sorted(self.engine.rules)))
        self.both(
            lambda: self.engine.run("REPEAL ?", rule_id),
            lambda: self.oracle.repeal(self.engine.rules[rule_id], self.clock.us),
        )

    @precondition(lambda self: self.engine.rules and not self.open_transaction)
    @rule(subject=st.sampled_from(SUBJECTS), obj=OBJECTS)
    def check(self, subject: str, obj: Object) -> None:
        triple = (subject, "p", obj)
        expected = self.oracle.check(self.oracle.view(self.now), triple)
        _, got = self.both(
            lambda: self.engine.check(triple), lambda: self.oracle.use(triple, self.clock.us)
        )
        self.same(expected, got, CHECKED, f"CHECK {triple}")

    # ------------------------------------------------ questions

    def present_agrees(self) -> None:
        for resolve in STRATEGIES:
            self.agree_on("beliefs", self.now, {"resolve": resolve}, stated=False)
        self.agree_on("assertions", self.now, {}, stated=False)
        for relation in RELATIONS:
            self.agree_on(relation, self.now, {}, stated=False)

    def every_commit_agrees(self, at: int) -> None:
        super().every_commit_agrees(at)
        for resolve in STRATEGIES:
            self.agree_on("beliefs", at, {"resolve": resolve})
        for relation in RELATIONS:
            self.agree_on(relation, at, {})

    @precondition(lambda self: not self.open_transaction)
    @rule(data=st.data(), clauses=WEIGHED)
    def weighed_past_agrees(self, data: st.DataObject, clauses: dict[str, Any]) -> None:
        at = data.draw(self.instants())
        self.agree(at, clauses)
        for relation in RELATIONS:
            self.agree_on(relation, at, {})

    @precondition(lambda self: not self.open_transaction)
    @rule(data=st.data(), clauses=WEIGHED)
    def weighed_changes_agree(self, data: st.DataObject, clauses: dict[str, Any]) -> None:
        since, until = data.draw(st.tuples(self.instants(), self.instants()).map(sorted))
        self.changes_between(since, until, clauses)


Governed.TestCase.settings = settings(max_examples=15, stateful_step_count=30, deadline=None)
TestGoverned = Governed.TestCase


class GovernedInMemory(Governed):
    """The same without files."""

    in_memory = True


GovernedInMemory.TestCase.settings = settings(Governed.TestCase.settings, max_examples=10)
TestGovernedInMemory = GovernedInMemory.TestCase
