"""When the index has no room: nothing acknowledged is lost, reads go on and say so."""

from __future__ import annotations

from pathlib import Path

import pytest

import epql


def count(connection: epql.Connection) -> tuple[int, list[str]]:
    cursor = connection.execute("SELECT count(*) FROM assertions")
    return cursor.fetchall()[0][0], cursor.notices


def test_a_commit_the_index_has_no_room_for_is_shown_once_there_is(tmp_path: Path) -> None:
    connection = epql.connect(tmp_path / "kb", agent="a", autocommit=True)
    db = connection.runner.database.db
    db.pragma("max_page_count", db.pragma("page_count") + 3)
    written = 0

    def fill() -> None:
        nonlocal written
        for number in range(10_000):
            connection.execute("ASSERT (?, 'p', ?)", (f"s{number}", "x" * 500))
            written += 1

    with pytest.raises(epql.OperationalError) as caught:
        fill()
    assert caught.value.code == "index.failed"
    seen, notices = count(connection)
    assert seen in (written - 1, written)
    assert bool(notices) == (seen < written)
    db.pragma("max_page_count", 1_000_000)
    assert count(connection) == (written, [])
    connection.execute("ASSERT ('s', 'p', 'more')")
    assert count(connection) == (written + 1, [])
    connection.close()
    (tmp_path / "kb" / "index.db").unlink()
    assert count(epql.connect(tmp_path / "kb")) == (written + 1, [])
