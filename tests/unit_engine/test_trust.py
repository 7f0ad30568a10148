"""What moves an agent's trust, by numbers worked out on paper."""

from __future__ import annotations

from itertools import permutations

import pytest

from epql.engine.governance.trust import Part, charges, score
from epql.engine.index.declarations import Declared
from tests.unit_engine.corrected import World

AUTHOR, READER, DERIVER = 4 / 5, 4 / 4.25, 4 / 4.125


def declared(**policies: float) -> Declared:
    return Declared({}, (), {}, dict(policies), {}, (), 0)


# ---------------------------------------------------------------- pure


@pytest.mark.parametrize(
    ("record", "expected"),
    [((0, 1, 1, 4), AUTHOR), ((1, 0, 1, 4), 1.0), ((3, 1, 0.5, 4), 5 / 8), ((0, 0, 0.3, 0), 0.3)],
)
def test_the_score_is_the_mean_of_a_beta_distribution(
    record: tuple[float, float, float, float], expected: float
) -> None:
    assert score(*record) == pytest.approx(expected)


def test_each_agent_pays_once_its_largest_share_in_whatever_order_the_parts_come() -> None:
    parts = [
        Part("ann", "author"), Part("ann", "deriver", 1), Part("bob", "voter"),
        Part("bob", "reader"), Part("cyd", "deriver", 3), Part("cyd", "deriver", 2),
    ]  # fmt: skip
    expected = [
        (Part("ann", "author"), 1.0), (Part("bob", "voter"), 0.25),
        (Part("cyd", "deriver", 2), 0.0625),
    ]  # fmt: skip
    for order in permutations(parts):
        assert charges(order, declared()) == expected


def test_a_share_of_nothing_is_no_charge() -> None:
    parts = [Part("ann", "author"), Part("bob", "reader")]
    found = charges(parts, declared(share_reader=0, share_author=0.3))
    assert found == [(Part("ann", "author"), 0.3)]


# ---------------------------------------------------------------- success


def test_an_approval_by_another_is_a_success_of_the_author_once() -> None:
    world = World()
    name = world.claim("ann", "auth/jwt")
    world.say("ann", "TRANSITION ? TO REVIEW", name)
    assert world.record() == {}
    world.say("bob", "PROMOTE ?", name)
    assert world.record() == {("ann", "auth"): (1.0, 0.0)}
    assert world.record("TX 2") == {}
    row = world.say("ann", "SELECT tx, agent, role, success, failure, id FROM trust_changes")
    assert row.fetchall() == [(3, "ann", "approved", 1.0, 0.0, name)]


def test_who_approves_his_own_earns_nothing() -> None:
    world = World()
    name = world.claim("ann", "auth/jwt")
    world.say("ann", "PROMOTE ?", name)
    assert world.record() == {}


def test_an_approval_that_was_undone_or_only_tried_leaves_nothing() -> None:
    world = World()
    name = world.claim("ann", "auth/jwt")
    world.say("bob", "PROMOTE ? DRY RUN", name)
    world.say("bob", "BEGIN")
    world.say("bob", "PROMOTE ?", name)
    world.say("bob", "ROLLBACK")
    assert world.record() == {}
    world.say("bob", "PROMOTE ?", name)
    assert world.record() == {("ann", "auth"): (1.0, 0.0)}


def test_trust_is_kept_by_declared_topic() -> None:
    world = World()
    name = world.claim("ann", "http/client")
    world.say("ann", "DEFINE TOPIC web (subjects = 'http/*')")
    world.say("bob", "PROMOTE ?", name)
    assert world.record() == {("ann", "web"): (1.0, 0.0)}


# ---------------------------------------------------------------- failure


def test_the_shares_of_the_third_story() -> None:
    world = World()
    es256 = world.claim("research-agent", "auth/jwt")
    world.read("lead-orchestrator", es256)
    world.claim("implementation-agent", "deploy/auth-service", because=es256)
    world.correct("sre", es256)
    assert world.scores() == pytest.approx(
        {"research-agent": AUTHOR, "lead-orchestrator": READER, "implementation-agent": DERIVER}
    )
    assert {topic for _, topic in world.record()} == {"auth"}


def test_promoters_voters_and_derivers_at_each_hop_pay_their_share() -> None:
    world = World()
    name = world.claim("ann", "auth/jwt")
    world.say("rev", "TRANSITION ? TO REVIEW", name)
    world.say("app", "PROMOTE ?", name)
    world.say("for", "VOTE FOR ?", name)
    world.say("torn", "VOTE FOR ?", name)
    world.say("torn", "VOTE AGAINST ?", name)
    near = world.claim("near", "a/x", because=name)
    far = world.claim("far", "b/x", because=near)
    world.claim("farther", "c/x", because=far)
    world.correct("sre", name)
    assert world.failures() == {
        "ann": 1.0, "rev": 0.5, "app": 0.5, "for": 0.25,
        "near": 0.125, "far": 0.0625, "farther": 0.03125,
    }  # fmt: skip
    assert world.record()["ann", "auth"] == (0.0, 1.0)  # the success is undone


def test_what_was_said_after_the_correction_costs_nothing() -> None:
    world = World(gardener=False)
    name = world.claim("ann", "auth/jwt")
    world.correct("sre", name)
    world.read("late-reader", name)
    world.claim("late-deriver", "x/y", because=name)
    world.connection.garden()
    assert world.failures() == {"ann": 1.0}


def test_a_revived_assertion_begins_another_life() -> None:
    world = World()
    name = world.claim("ann", "auth/jwt")
    world.say("bob", "PROMOTE ?", name)
    world.correct("sre", name)
    runner = world.connection.runner
    with runner._open_transaction().statement():
        digest = bytes.fromhex(name[2:])
        runner._open_transaction().move(digest, "incorrect", "proposed", "REVIVE", "sre", None)
    runner.commit()
    world.say("cyd", "PROMOTE ?", name)  # no second success: once per assertion ever
    assert world.record()["ann", "auth"] == (0.0, 1.0)
    world.correct("sre", name)
    assert world.record() == {
        ("ann", "auth"): (0.0, 2.0), ("bob", "auth"): (0.0, 0.5), ("cyd", "auth"): (0.0, 0.5),
    }  # fmt: skip


@pytest.mark.parametrize(
    "spared",
    [
        {"state": "approved"}, {"unfiltered": False}, {"kind": "impact"}, {"how": "scanned"},
        {"relations": ("transitions",)}, {"kind": "diff"},
    ],
)  # fmt: skip
def test_a_careful_read_costs_nothing(spared: dict[str, str]) -> None:
    world = World()
    name = world.claim("ann", "auth/jwt")
    world.read("reader", name, **spared)
    world.read("sre", name)
    world.correct("sre", name)
    assert world.failures() == {"ann": 1.0}


def test_policies_set_the_shares_and_the_formula() -> None:
    world = World()
    world.say("ann", "DEFINE POLICY share_deriver = 0.4")
    world.say("ann", "DEFINE POLICY damping = 1")
    name = world.claim("ann", "auth/jwt")
    world.claim("far", "b/x", because=world.claim("near", "a/x", because=name))
    world.correct("sre", name)
    assert world.failures() == {"ann": 1.0, "near": 0.4, "far": 0.4}
    world.say("ann", "DEFINE POLICY trust_prior = 0.5")
    world.say("ann", "DEFINE POLICY trust_strength = 2")
    assert world.scores()["ann"] == pytest.approx(1 / 3)
