"""The oracle's part on governed knowledge, on histories small enough to work out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.property.model import Content, Identity, Refused
from tests.property.oracle import Oracle

HOUR = 3_600_000_000
ES = Content("auth/jwt", "algorithm", "ES256", "research", 0.87)
RS = Content("auth/jwt", "algorithm", "RS256", "architect", 0.92)


def told(oracle: Oracle, *contents: Content, state: str | None = None) -> None:
    """Assert each in a commit of its own, an hour apart."""
    for content in contents:
        oracle.assert_content(content, state, later(oracle))
        oracle.commit(later(oracle))


def later(oracle: Oracle) -> int:
    return (oracle.last_tx + 1) * HOUR


def objects(oracle: Oracle, resolve: str) -> list[object]:
    view = oracle.view(later(oracle), resolve=resolve)
    return [row["object"] for row in oracle.beliefs(view)]


def scores(oracle: Oracle, clock: int | None = None) -> dict[str, float]:
    rows = oracle.trust(oracle.view(clock or later(oracle)))
    return {row["agent"]: row["score"] for row in rows if row["updated_at"] is not None}


def because(*parents: Content) -> tuple[Identity, ...]:
    return tuple(parent.id for parent in parents)


def test_a_correction_costs_author_promoter_voter_and_deriver_each_once() -> None:
    oracle = Oracle()
    child = Content("deploy/auth", "algorithm", "ES256", "implementer", parents=because(ES))
    grandchild = Content("deploy/all", "algorithm", "ES256", "operator", parents=because(child))
    told(oracle, ES, child, grandchild)
    oracle.promote(ES, "lead", later(oracle))
    oracle.vote(ES, True, 0.5, "voter", later(oracle))
    oracle.vote(ES, True, 1.0, "research", later(oracle))
    oracle.commit(later(oracle))
    before = later(oracle)
    assert scores(oracle) == {"research": 1.0}
    oracle.correct(ES, "sre", before + HOUR)
    oracle.commit(before + HOUR)
    assert oracle.last_tx == 6
    assert scores(oracle) == {
        "research": 4 / 5,
        "lead": 4 / 4.5,
        "voter": 4 / 4.25,
        "implementer": 4 / 4.125,
        "operator": 4 / 4.0625,
    }
    assert scores(oracle, before) == {"research": 1.0}
    flagged = [r["object"] for r in oracle.assertions(oracle.view(later(oracle))) if r["flagged"]]
    assert flagged == ["ES256", "ES256"]


def test_an_approval_counts_once_and_not_by_the_author() -> None:
    oracle = Oracle()
    told(oracle, RS, ES)
    oracle.promote(RS, "architect", later(oracle))
    oracle.commit(later(oracle))
    assert scores(oracle) == {}
    oracle.promote(ES, "lead", later(oracle))
    oracle.retract(ES, "lead", later(oracle))
    oracle.revive(ES, "lead", later(oracle))
    oracle.promote(ES, "lead", later(oracle))
    oracle.commit(later(oracle))
    rows = oracle.trust(oracle.view(later(oracle)))
    assert [(r["agent"], r["successes"], r["failures"]) for r in rows if r["updated_at"]] == [
        ("research", 1.0, 0.0)
    ]


def test_credence_is_confidence_trust_and_freshness() -> None:
    oracle = Oracle()
    told(oracle, replace(ES, object="wrong"))
    oracle.correct(replace(ES, object="wrong"), "sre", later(oracle))
    oracle.define("algorithm", None, half_life=HOUR)
    oracle.commit(later(oracle))
    told(oracle, ES)
    at = oracle.commits[-1].at
    (row,) = oracle.beliefs(oracle.view(at + HOUR))
    assert row["credence"] == pytest.approx(0.87 * 0.8 * 0.5)
    oracle.confirm(ES, "anyone", at + HOUR)
    oracle.commit(at + HOUR)
    (row,) = oracle.beliefs(oracle.view(at + HOUR))
    assert row["credence"] == pytest.approx(0.87 * 0.8)


def test_consensus_counts_each_agent_once_and_votes() -> None:
    oracle = Oracle()
    told(oracle, RS, replace(ES, confidence=0.6), replace(ES, source="again", confidence=0.8))
    assert objects(oracle, "consensus") == ["RS256"]
    oracle.vote(replace(ES, confidence=0.6), True, 0.5, "cyd")
    oracle.commit(later(oracle))
    assert objects(oracle, "consensus") == ["ES256"]
    oracle.vote(replace(ES, source="again", confidence=0.8), False, 0.5, "cyd")
    oracle.commit(later(oracle))
    assert objects(oracle, "consensus") == ["RS256"]


def test_newcomers_are_one_voice_where_they_are_pooled() -> None:
    oracle = Oracle()
    puppets = [replace(ES, agent=f"puppet {n}", confidence=1.0) for n in range(9)]
    told(oracle, replace(RS, confidence=0.2), *puppets)
    assert objects(oracle, "consensus") == objects(oracle, "credence") == ["ES256"]
    oracle.declare("policy", "newcomers", "pooled")
    oracle.declare("agent", "architect")
    oracle.commit(later(oracle))
    assert objects(oracle, "consensus") == objects(oracle, "credence") == ["RS256"]


def test_a_pattern_belongs_to_the_topic_that_named_it_last_and_the_longest_counts() -> None:
    oracle = Oracle()
    oracle.declare("topic", "wide", ("*",))
    oracle.declare("topic", "first", ("auth/*",))
    oracle.declare("topic", "second", ("auth/*",))
    oracle.commit(HOUR)
    assert oracle.past(1).topic("auth/jwt") == "second"
    assert oracle.past(0).topic("auth/jwt") == "auth"
    oracle.declare("topic", "second", ("x",))
    oracle.commit(2 * HOUR)
    assert oracle.past(2).topic("auth/jwt") == "wide"
    assert oracle.past(2).topic("other") == "wide"


def test_a_hard_rule_refuses_and_a_soft_one_lets_pass() -> None:
    oracle = Oracle()
    oracle.forbid("auth/*", "algorithm", "ES*", "HARD", "RS256", "sre")
    oracle.forbid("*", "*", "RS*", "SOFT", None, "sre")
    oracle.commit(HOUR)
    with pytest.raises(Refused):
        oracle.assert_content(ES)
    assert oracle.assert_content(RS)
    (row,) = oracle.check(oracle.view(HOUR), ("auth/jwt", "algorithm", "ES256"))
    assert (row["prefer"], row["freshness"]) == ("RS256", 1.0)
    assert oracle.check(oracle.view(HOUR), ("auth/jwt", "leeway", "ES256")) == []
    oracle.repeal(1)
    oracle.commit(2 * HOUR)
    assert oracle.assert_content(ES)


def test_an_unused_rule_grows_stale_and_a_use_freshens_it() -> None:
    oracle = Oracle()
    oracle.forbid("*", "*", "ES256", "HARD", None, "sre")
    oracle.commit(HOUR)
    month, triple = 30 * 24 * HOUR, ("auth/jwt", "algorithm", "ES256")
    assert oracle.check(oracle.view(HOUR + month), triple)[0]["freshness"] == 0.5
    oracle.use(triple, HOUR + month)
    oracle.commit(HOUR + month)
    assert oracle.check(oracle.view(HOUR + month), triple)[0]["freshness"] == 1.0


def test_policies_hold_from_their_commit_on() -> None:
    oracle = Oracle()
    told(oracle, RS, state="approved")
    told(oracle, ES)
    oracle.declare("policy", "lifecycle", "approved")
    oracle.commit(later(oracle))
    assert objects(oracle, "latest") == ["RS256"]
    assert [r["object"] for r in oracle.beliefs(oracle.view(2 * HOUR))] == ["ES256"]
    oracle.declare("policy", "lifecycle", "required")
    oracle.commit(later(oracle))
    with pytest.raises(Refused):
        objects(oracle, "latest")


def test_revive_makes_a_superseded_part_the_head_and_leaves_the_earlier_one() -> None:
    oracle = Oracle()
    told(oracle, RS, state="approved")
    oracle.supersede(RS, "new", "sre", later(oracle), since=50 * HOUR)
    oracle.commit(later(oracle))
    oracle.revive(RS, "sre", later(oracle))
    oracle.commit(later(oracle))
    pieces = oracle.past(3).standing[RS.id].pieces
    assert [(p.state, p.start, p.end) for p in pieces] == [
        ("approved", None, 50 * HOUR),
        ("proposed", 50 * HOUR, None),
    ]
    oracle.retract(RS, "sre", later(oracle))
    oracle.commit(later(oracle))
    assert {p.state for p in oracle.past(4).standing[RS.id].pieces} == {"retracted"}


def test_four_eyes_keeps_authors_from_approving_their_own() -> None:
    oracle = Oracle()
    oracle.declare("policy", "four_eyes", "on")
    oracle.assert_content(RS)
    oracle.commit(HOUR)
    with pytest.raises(Refused):
        oracle.promote(RS, "architect")
    oracle.promote(RS, "lead")
