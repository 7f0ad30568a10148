"""Backfill where the lifecycle has no direct move: the very same content is revived."""

from __future__ import annotations

import json
from pathlib import Path

import epql


def line(at: int, state: str) -> str:
    fact = {"subject": "s", "predicate": "p", "object": "A", "lifecycle": state}
    return json.dumps({"at": at, "agent": "a", "facts": [fact]})


def test_each_move_says_what_it_moved_from(tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    file.write_text("\n".join([line(1000, "approved"), line(2000, "proposed")]))
    with epql.connect(":memory:") as connection:
        connection.import_history(file)
        moves = connection.execute("SELECT from_state, to_state, via FROM transitions ORDER BY tx")
        assert moves.fetchall() == [
            ("approved", "retracted", "RETRACT"),
            ("retracted", "proposed", "REVIVE"),
        ]
