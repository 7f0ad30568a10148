"""The oracle itself, on histories small enough to work out by hand."""

from __future__ import annotations

import pytest

from tests.property.model import ANY, Content, Refused
from tests.property.oracle import Oracle

A = Content("s", "p", "one", "ann", 0.5)
B = Content("s", "p", "two", "bob", 0.4)


@pytest.fixture
def oracle() -> Oracle:
    """A at 10, B at 20, A again at 30."""
    oracle = Oracle()
    for at, content in ((10, A), (20, B), (30, A)):
        assert oracle.assert_content(content)
        oracle.commit(at)
    return oracle


def objects(oracle: Oracle, clock: int, **clauses: object) -> list[object]:
    return [row["object"] for row in oracle.beliefs(oracle.view(clock, **clauses))]


def test_latest_wins_and_the_past_stays(oracle: Oracle) -> None:
    assert [objects(oracle, t) for t in (9, 10, 20, 30)] == [[], ["one"], ["two"], ["one"]]


def test_confidence_wins_where_asked(oracle: Oracle) -> None:
    assert objects(oracle, 25, resolve="confidence") == ["one"]
    assert objects(oracle, 25, resolve="none") == ["one", "two"]


def test_a_retry_writes_nothing(oracle: Oracle) -> None:
    assert not oracle.assert_content(A)
    oracle.commit(40)
    assert oracle.last_tx == 3


def test_a_rejected_content_cannot_be_asserted_again(oracle: Oracle) -> None:
    oracle.reject(A, "ann")
    oracle.commit(40)
    with pytest.raises(Refused):
        oracle.assert_content(A)
    assert objects(oracle, 40) == ["two"]


def test_supersede_clips_the_head_and_keeps_its_state(oracle: Oracle) -> None:
    oracle.supersede(A, "three", "cid", now=40)
    oracle.commit(40)
    assert objects(oracle, 39) == ["one"]
    assert objects(oracle, 40) == ["three"]
    assert objects(oracle, 40, valid=("at", 39)) == ["one"]
    assert objects(oracle, 40, valid=("at", 40), lifecycle=frozenset({"superseded"})) == ["one"]


def test_history_starts_a_row_at_each_assertion_and_each_cut(oracle: Oracle) -> None:
    oracle.supersede(A, "three", "cid", now=40)
    oracle.commit(40)
    rows = oracle.history(oracle.view(50, lifecycle=ANY, valid=("any",)))
    spans = sorted((r["object"], r["lifecycle"], r["tx_from"], r["tx_to"] or 0) for r in rows)
    assert spans == [
        ("one", "proposed", 1, 3),
        ("one", "proposed", 3, 4),
        ("one", "proposed", 4, 0),
        ("one", "superseded", 4, 0),
        ("three", "proposed", 4, 0),
        ("two", "proposed", 2, 0),
    ]


def test_changes_are_net_and_name_the_last_cause(oracle: Oracle) -> None:
    (row,) = oracle.changes(10, 20)
    assert (row["change"], row["cause"], row["at"]) == ("CHANGED", "ASSERT", 20)
    assert oracle.changes(10, 30) == []


def test_valid_time_changes_an_answer_without_a_commit() -> None:
    oracle = Oracle()
    oracle.assert_content(Content("s", "p", "x", "ann", valid_from=50, valid_to=60))
    oracle.commit(10)
    causes = [[r["cause"] for r in oracle.changes(a, b)] for a, b in ((20, 55), (55, 70), (20, 70))]
    assert causes == [["VALID_START"], ["VALID_END"], []]
