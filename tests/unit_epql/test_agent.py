"""The five stories as agent code tells them: typed methods, parameters, table functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

import epql
from epql.engine.vtab.register import RELATIONS
from tests.clock import TestClock

JWT = ("auth/jwt", "algorithm")
OF_JWT = "SELECT object, confidence, lifecycle FROM beliefs WHERE subject = ? AND predicate = ?"
Speak = Callable[[str, str], epql.Connection]


@pytest.fixture
def speak(tmp_path: Path) -> Iterator[Speak]:
    """A connection of an agent at an instant; all are of one database."""
    clock = TestClock()
    made: list[epql.Connection] = []

    def connection(instant: str, agent: str) -> epql.Connection:
        clock.set(instant)
        for one in made:
            one.close()
        made.append(epql.connect(tmp_path / "kb", agent=agent, clock=clock, autocommit=True))
        return made[-1]

    yield connection
    for one in made:
        one.close()


def rows(con: epql.Connection, text: str, *params: Any) -> list[tuple[Any, ...]]:
    return con.execute(text, params).fetchall()


def test_a_proposal_is_read_traced_corrected_and_explained(speak: Speak) -> None:
    speak("2026-01-05T10:00:00Z", "architect").assert_(
        *JWT, "RS256", confidence=0.92, lifecycle="approved", source="adr:12"
    )
    proposal = speak("2026-01-12T14:30:00Z", "research-agent").assert_(
        *JWT, "ES256", confidence=0.87, source="rfc:7518-review"
    )
    con = speak("2026-01-12T20:58:00Z", "lead-orchestrator")
    cursor = con.execute(OF_JWT + " PURPOSE 'jwt config'", JWT)
    assert cursor.fetchall() == [("ES256", 0.87, "proposed")]
    assert "RS256" in cursor.notices[0] and "LIFECYCLE APPROVED" in cursor.notices[0]
    query = cursor.query_id
    assert rows(con, OF_JWT + " LIFECYCLE ?", *JWT, "approved") == [("RS256", 0.92, "approved")]
    assert con.check(*JWT, "RS256") == []

    speak("2026-01-12T21:05:00Z", "implementation-agent").assert_(
        "deploy/auth-service", "jwt_algorithm", "ES256", because=[proposal]
    )
    sre = speak("2026-01-12T22:10:00Z", "sre")
    (traced,) = rows(sre, "TRACE QUERIES BY AGENT ? SINCE ?", "lead-orchestrator", "-24h")[:1]
    assert traced[0] == query and "PROPOSED" in str(traced[-1])
    sre.correct((*JWT, "ES256"), forbid=True, prefer="RS256", reason="every token got 401")
    trust = "SELECT agent, topic, score FROM trust WHERE score < 1 ORDER BY score"
    assert rows(sre, trust) == [
        ("research-agent", "auth", 4 / 5),
        ("lead-orchestrator", "auth", 4 / 4.25),
        ("implementation-agent", "auth", 4 / 4.125),
    ]
    assert rows(sre, trust + " AS OF ?", datetime(2026, 1, 12, 22, tzinfo=UTC)) == []
    assert rows(sre, OF_JWT, *JWT) == [("RS256", 0.92, "approved")]
    winner, excluded = sre.why(*JWT)
    assert (winner.role, winner.object, winner.agent) == ("winner", "RS256", "architect")
    assert (excluded.id, excluded.lifecycle) == (proposal, "incorrect")
    assert proposal in [ground.id for ground in sre.why(proposal)]
    reason, sentence = rows(sre, "SELECT reason, sentence FROM why_not(?, ?, ?)", *JWT, "ES256")[0]
    assert reason == "incorrect" and "22:10" in sentence and "sre" in sentence
    assert rows(sre, f"REPLAY QUERY '{query}'") == [("ES256", 0.87, "proposed")]
    with sre.as_of("2026-01-12 21:00"):
        assert rows(sre, OF_JWT, *JWT) == [("ES256", 0.87, "proposed")]
        assert sre.check(*JWT, "ES256") == []
    assert rows(sre, OF_JWT, *JWT) == [("RS256", 0.92, "approved")]


def test_what_was_corrected_once_is_remembered_after_thirty_days(speak: Speak) -> None:
    speak("2026-01-20T10:00:00Z", "implementation-agent").assert_(
        "http/client", "library", "requests"
    )
    speak("2026-02-01T10:00:00Z", "supervisor").correct(
        ("http/client", "library", "requests"),
        to="axios", forbid=True, prefer="axios", reason="house standard",
    )  # fmt: skip
    con = speak("2026-03-03T10:00:00Z", "implementation-agent")
    triple = ("http/client", "library", "requests")
    (hit,) = con.check(*triple)
    assert (hit.verdict, hit.prefer, hit.reason) == ("DENY", "axios", "house standard")
    assert (hit.agent, hit.recorded_at[:10], hit.freshness) == ("supervisor", "2026-02-01", 0.5)
    (again,) = con.check(*triple)
    assert again.freshness == pytest.approx(1.0)
    assert rows(con, "SELECT verdict, prefer FROM checked(?, ?, ?)", *triple) == [("DENY", "axios")]
    with pytest.raises(epql.IntegrityError, match="house standard") as caught:
        con.assert_(*triple)
    assert caught.value.code == "rule.forbidden" and "axios" in str(caught.value.hint)
    assert con.check("http/client", "library", "axios") == []


def test_every_option_of_assert_is_taken(speak: Speak) -> None:
    con = speak("2026-01-05T10:00:00Z", "a")
    ground = con.assert_("s", "ground", 1)
    made = con.assert_(
        "s", "p", 1.5, confidence=0.5, lifecycle="review", agent="b", source="src",
        valid_from=date(2026, 1, 1), valid_to="2026-02-01", because=[ground],
        qualified={"it's a unit": "ms", "n": 2}, key="k", reason="measured",
    )  # fmt: skip
    told = rows(
        con,
        "SELECT object, confidence, lifecycle, agent, source, valid_from, valid_to, parents,"
        " qualifiers, reason FROM assertions WHERE id = ?",
        made,
    )
    assert told == [
        (
            1.5, 0.5, "review", "b", "src", "2026-01-01T00:00:00.000000Z",
            "2026-02-01T00:00:00.000000Z", f'["{ground}"]', '{"it\'s a unit":"ms","n":2}',
            "measured",
        )
    ]  # fmt: skip


def test_an_open_end_of_valid_time_may_be_left_out(speak: Speak) -> None:
    con = speak("2026-01-05T10:00:00Z", "a")
    con.assert_("s", "p", 1, valid_to="2027-01-01")
    con.correct(("s", "p"), to=2, valid_from="2026-01-02", reason="later")
    found = rows(con, "SELECT object, valid_from, valid_to FROM assertions LIFECYCLE LIVE")
    assert found == [(2, "2026-01-02T00:00:00.000000Z", None)]


def test_as_of_gives_the_session_back_as_it_was_also_after_an_error(speak: Speak) -> None:
    con = speak("2026-01-05T10:00:00Z", "a")
    con.assert_("s", "p", 1)
    con.execute("SET LIFECYCLE ?", ("proposed",))
    with pytest.raises(epql.ProgrammingError) as caught, con.as_of(1) as then:
        then.assert_("s", "p", 2)
    assert caught.value.code == "transaction.in_the_past"
    with pytest.raises(epql.Error), con.as_of("no time at all"):
        raise AssertionError
    assert rows(con, "SELECT object FROM beliefs") == [(1,)]
    assert ("lifecycle", "PROPOSED", "session") in rows(con, "SHOW ALL")
    assert con.assert_("s", "p", 2)


def test_the_fields_are_the_columns_of_the_statements() -> None:
    assert epql.Hit._fields == tuple(column.name for column in RELATIONS["checked"].columns)
    assert epql.Ground._fields == tuple(column.name for column in RELATIONS["why"].columns)
