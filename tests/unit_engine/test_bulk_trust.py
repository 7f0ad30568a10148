"""Approvals in history that is loaded move trust as those made here do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import epql


def line(at: int, agent: str, state: str, author: str | None = None, obj: str = "A") -> str:
    fact: dict[str, Any] = {"subject": "auth/jwt", "predicate": "p", "object": obj}
    fact |= {"lifecycle": state} | ({"agent": author} if author else {})
    return json.dumps({"at": at, "agent": agent, "facts": [fact]})


def loaded(path: Path, *lines: str, into: Any = ":memory:") -> epql.Connection:
    file = path / "history.jsonl"
    file.write_text("\n".join(lines))
    connection = epql.connect(into, autocommit=True)
    connection.import_history(file)
    return connection


def changes(connection: epql.Connection) -> list[Any]:
    sql = "SELECT tx, agent, topic, success, role FROM trust_changes"
    return connection.execute(sql).fetchall()


def test_the_first_approval_by_another_is_a_success_of_the_author(tmp_path: Path) -> None:
    history = line(1000, "ann", "proposed"), line(2000, "bob", "approved")
    connection = loaded(tmp_path, *history)
    assert changes(connection) == [(2, "ann", "auth", 1.0, "approved")]
    score = "SELECT agent, successes FROM trust AS OF '1970-01-01T00:{}:00Z'"
    assert connection.execute(score.format(17)).fetchall() == [("ann", 0.0)]
    assert connection.execute(score.format(34)).fetchall() == [("ann", 1.0)]
    moves = connection.execute("SELECT count(*) FROM trust_changes WHERE cause GLOB 'l:*'")
    assert moves.fetchall() == [(1,)]


def test_one_s_own_approval_and_landing_there_are_none(tmp_path: Path) -> None:
    own = line(1000, "ann", "proposed"), line(2000, "ann", "approved")
    assert changes(loaded(tmp_path, *own)) == []
    assert changes(loaded(tmp_path, line(1000, "bob", "approved", author="ann"))) == []


def test_once_per_assertion_however_often_it_is_approved(tmp_path: Path) -> None:
    history = [
        line(1000 * (2 * n + k), agent, state)
        for n in range(1, 4)
        for k, agent, state in ((0, "ann", "proposed"), (1, f"editor-{n}", "approved"))
    ]
    connection = loaded(tmp_path, *history)
    assert connection.execute("SELECT count(*) FROM transitions").fetchall()[0][0] > 3
    assert changes(connection) == [(2, "ann", "auth", 1.0, "approved")]


def test_also_over_two_loads(tmp_path: Path) -> None:
    first = line(1000, "ann", "proposed"), line(2000, "bob", "approved")
    again = line(3000, "ann", "proposed"), line(4000, "cyd", "approved")
    loaded(tmp_path, *first, into=tmp_path / "kb").close()
    connection = loaded(tmp_path, *again, into=tmp_path / "kb")
    assert changes(connection) == [(2, "ann", "auth", 1.0, "approved")]


def test_a_loaded_approval_counts_as_one_made_here_and_is_undone_like_one(tmp_path: Path) -> None:
    history = line(1000, "ann", "proposed"), line(2000, "bob", "approved")
    connection = loaded(tmp_path, *history)
    connection.execute("CORRECT ('auth/jwt', 'p') REASON 'wrong'")
    found = connection.execute("SELECT agent, successes, failures FROM trust ORDER BY agent")
    assert found.fetchall() == [("ann", 0.0, 1.0), ("bob", 0.0, 0.5)]
