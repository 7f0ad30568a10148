"""The gardener: one commit for each correction, once, whoever comes by and whenever."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import epql
from epql.engine.database import Database
from epql.engine.governance import gardener
from tests.unit_engine.corrected import World

TABLES = ("trust", "flag", "tended", "correction", "txn", "agent")


def commits(world: World) -> list[str]:
    return [row[0] for row in world.connection.execute("SELECT agent FROM commits ORDER BY tx")]


def derived_world(path: Any = ":memory:", **options: Any) -> tuple[World, str]:
    """ann's claim, promoted by bob, with a deriver one and two steps away."""
    world = World(path, **options)
    name = world.claim("ann", "auth/jwt")
    world.say("bob", "PROMOTE ?", name)
    world.claim("far", "b/x", because=world.claim("near", "a/x", because=name))
    return world, name


def test_the_effects_are_there_when_the_correcting_call_returns() -> None:
    world, name = derived_world()
    world.correct("sre", name)
    assert commits(world)[-2:] == ["sre", "gardener"]
    assert world.failures() == {"ann": 1.0, "bob": 0.5, "near": 0.125, "far": 0.0625}
    assert [row[0] for row in world.table("tended")] == [r[0] for r in world.table("correction")]


def test_dependents_that_stand_are_flagged_with_the_reason() -> None:
    world, name = derived_world()
    gone = world.claim("gone", "c/x", because=name)
    world.say("gone", "RETRACT ?", gone)
    world.correct("sre", name)
    rows = world.connection.execute("SELECT subject, reason FROM flags ORDER BY subject").fetchall()
    assert rows == [
        ("a/x", f"derived from {name[:14]}…, which sre corrected: wrong"),
        ("b/x", f"derived from {name[:14]}…, in 2 steps, which sre corrected: wrong"),
    ]
    assert world.failures()["gone"] == 0.125  # it was derived, though it stands no more


def test_a_long_reason_is_written_once_and_not_with_each_dependent() -> None:
    world, name = derived_world()
    for number in range(80):  # with the reason in each flag this would be over a commit's limit
        world.claim("near", f"a/{number}", because=name)
    long = "r" * 1_000_000
    world.say("sre", "CORRECT ? REASON ?", name, long)
    sql = "SELECT count(*), max(length(reason)) FROM flags"
    count, longest = world.connection.execute(sql).fetchone()
    assert count == 82 and longest < 400
    told = world.connection.execute("SELECT reason FROM corrections").fetchone()
    assert told == (long,)


def test_several_corrections_of_one_commit_are_tended_one_by_one() -> None:
    world = World()
    first, second = world.claim("ann", "auth/jwt"), world.claim("bob", "http/client")
    world.correct("sre", first, second)
    assert commits(world)[-3:] == ["sre", "gardener", "gardener"]
    assert world.record() == {("ann", "auth"): (0.0, 1.0), ("bob", "http"): (0.0, 1.0)}


def test_a_rolled_back_correction_has_no_effects() -> None:
    world, name = derived_world()
    runner = world.connection.runner
    with runner._open_transaction().statement():
        world._correct("sre", bytes.fromhex(name[2:]))
    runner.rollback()
    assert world.failures() == {}
    assert "gardener" not in commits(world)


def test_gardening_again_changes_nothing(tmp_path: Path) -> None:
    world, name = derived_world(tmp_path / "kb")
    world.correct("sre", name)
    before = [world.table(table) for table in TABLES]
    assert world.connection.garden() == []
    world.reopen()
    assert [world.table(table) for table in TABLES] == before


def test_what_another_gardener_does_meanwhile_is_not_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, name = derived_world(tmp_path / "kb", gardener=False)
    world.correct("sre", name)
    other = epql.connect(tmp_path / "kb", gardener=False)
    careless = gardener.careless

    def and_meanwhile(database: Any, case: Any) -> list[str]:
        """It has chosen its case, and does not have the lock yet."""
        if database is world.connection.runner.database:
            assert len(other.garden()) == 1
        return careless(database, case)

    monkeypatch.setattr(gardener, "careless", and_meanwhile)
    assert world.connection.garden() == []
    assert commits(world).count("gardener") == 1
    other.close()


def test_what_was_left_undone_is_done_at_the_next_opening(tmp_path: Path) -> None:
    world, name = derived_world(tmp_path / "kb", gardener=False)
    world.correct("sre", name)
    assert world.failures() == {}
    world.reopen()
    assert world.failures() == {}
    world.reopen(gardener=True)
    assert world.failures() == {"ann": 1.0, "bob": 0.5, "near": 0.125, "far": 0.0625}


def test_or_by_the_next_correction_or_when_asked(tmp_path: Path) -> None:
    world, name = derived_world(tmp_path / "kb", gardener=False)
    other = world.claim("ann", "auth/other")
    world.correct("sre", name)
    assert [done.flagged for done in world.connection.garden()] == [2]
    last = world.claim("ann", "auth/last")
    world.correct("sre", other)
    world.connection.runner.database.options = world.connection.runner.database.options._replace(
        gardener=True
    )
    world.correct("sre", last)
    assert world.failures()["ann"] == 3.0


def test_it_does_not_matter_when_the_gardener_comes(tmp_path: Path) -> None:
    """What happens between a correction and its effects does not change them."""
    found = []
    for number, is_late in enumerate((False, True)):
        world, name = derived_world(tmp_path / f"kb{number}", gardener=not is_late)
        world.correct("sre", name)
        world.say("sre", "DEFINE POLICY share_author = 0.1")
        world.say("sre", "DEFINE POLICY damping = 1")
        world.say("sre", "DEFINE TOPIC elsewhere (subjects = 'auth/*')")
        world.say("near", "RETRACT ('a/x', 'p', 1)")
        world.claim("late", "c/x", because=name)
        world.reopen(gardener=True)
        flagged = world.connection.execute(
            "SELECT subject, reason FROM flags ORDER BY 1, 2"
        ).fetchall()
        found.append((world.record(), flagged))
    assert found[0] == found[1]
    assert found[0][0]["ann", "auth"] == (0.0, 1.0)


def test_a_rebuilt_index_has_the_same_tables(tmp_path: Path) -> None:
    world, name = derived_world(tmp_path / "kb")
    world.correct("sre", name)
    before = [world.table(table) for table in (*TABLES, "parent", "vote", "span")]
    world.connection.close()
    for file in (tmp_path / "kb").glob("index.db*"):
        file.unlink()
    world.connection = world.connect()
    assert [world.table(table) for table in (*TABLES, "parent", "vote", "span")] == before


def test_trust_as_of_before_the_correction(tmp_path: Path) -> None:
    world, name = derived_world(tmp_path / "kb")
    (tx,) = world.connection.execute("SELECT max(tx) FROM commits").fetchone()
    world.correct("sre", name)
    assert world.record(f"TX {tx}") == {("ann", "auth"): (1.0, 0.0)}
    assert world.record(f"TX {tx + 1}") == {("ann", "auth"): (1.0, 0.0)}
    assert world.record(f"TX {tx + 2}")["ann", "auth"] == (0.0, 1.0)


def test_a_busy_lock_puts_it_off_and_says_so(tmp_path: Path) -> None:
    world, name = derived_world(tmp_path / "kb", timeout=0.05)
    database = world.connection.runner.database
    other = epql.connect(tmp_path / "kb", agent="other", clock=world.clock)
    finish = database.finish

    def finish_and_lose_the_lock(transaction: Any) -> int:
        tx = finish(transaction)
        database.finish = finish  # type: ignore[method-assign]
        other.execute("ASSERT ('s', 'p', 1)")  # holds the lock from now on
        return tx

    database.finish = finish_and_lose_the_lock  # type: ignore[method-assign]
    world.correct("sre", name)
    (notice,) = world.connection.notices
    assert "epql garden finishes it" in notice
    assert world.failures() == {}
    third = world.connect()  # opening does not wait for the lock, nor complain
    assert third.notices == []
    third.close()
    other.rollback()
    world.correct("sre", world.claim("ann", "auth/more"))
    assert world.failures()["ann"] == 2.0
    other.close()


def test_a_full_disk_puts_it_off_and_the_correction_stays(tmp_path: Path) -> None:
    world, name = derived_world(tmp_path / "kb")
    database = world.connection.runner.database
    finish = database.finish

    def finish_and_fill_the_disk(transaction: Any) -> int:
        tx = finish(transaction)
        database.finish = finish  # type: ignore[method-assign]
        db = database.db
        db.pragma("max_page_count", db.pragma("page_count"))
        db.execute("CREATE TEMP TABLE filler(x)")
        return tx

    for number in range(40):  # each derived assertion is a flag: more than a page of them
        world.claim("near", f"n/{number}", because=name)
    database.finish = finish_and_fill_the_disk  # type: ignore[method-assign]
    world.correct("sre", name)
    state = "SELECT lifecycle FROM assertions WHERE subject = 'auth/jwt' LIFECYCLE ANY"
    assert world.connection.execute(state).fetchall() == [("incorrect",)]
    assert "epql garden finishes it" in world.connection.notices[-1]
    assert world.failures() == {}
    database.db.pragma("max_page_count", 1_000_000)
    assert [done.flagged for done in world.connection.garden()] == [42]
    assert world.failures()["ann"] == 1.0


def test_a_read_only_connection_leaves_it_to_others(tmp_path: Path) -> None:
    world, name = derived_world(tmp_path / "kb", gardener=False)
    world.correct("sre", name)
    world.reopen(read_only=True, gardener=True)
    assert world.failures() == {}
    with pytest.raises(epql.OperationalError) as caught:
        world.connection.garden()
    assert caught.value.code == "database.read_only"


def test_it_does_not_commit_an_open_transaction() -> None:
    world, _ = derived_world()
    world.say("ann", "BEGIN")
    world.say("ann", "ASSERT ('x', 'y', 'z')")
    with pytest.raises(epql.InterfaceError) as caught:
        world.connection.garden()
    assert caught.value.code == "transaction.open"


# ---------------------------------------------------------------- very many dependents


def many_derived(path: Any) -> tuple[World, str]:
    """ann's claim, from which seven others are derived, and a gardener that is away."""
    world = World(path, gardener=False)
    name = world.claim("ann", "auth/jwt")
    for number in range(7):
        world.claim("near", f"a/{number}", because=name)
    world.correct("sre", name)
    return world, name


def flags_of(world: World) -> list[int]:
    """How many flags each of the gardener's commits wrote."""
    sql = (
        "SELECT count(f.id) FROM txn c JOIN agent g ON g.id=c.agent"
        " LEFT JOIN flag f ON f.id >> 20 = c.tx WHERE g.name='gardener' GROUP BY c.tx ORDER BY c.tx"
    )
    return [row[0] for row in world.connection.runner.database.db.execute(sql)]


@pytest.mark.parametrize(
    ("limit", "parts"), [(3, [3, 3, 1]), (7, [7]), (6, [6, 1]), (1, [1] * 7), (100, [7])]
)
def test_more_flags_than_a_commit_holds_come_in_parts(
    monkeypatch: pytest.MonkeyPatch, limit: int, parts: list[int]
) -> None:
    monkeypatch.setattr(gardener, "FLAGS_MAX", limit)
    world, _ = many_derived(":memory:")
    (done,) = world.connection.garden()
    assert done.flagged == 7
    assert flags_of(world) == parts
    assert world.failures() == {"ann": 1.0, "near": 0.125}


@pytest.mark.parametrize("stop", range(4))
def test_a_stop_between_the_parts_neither_loses_nor_doubles_anything(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, stop: int
) -> None:
    monkeypatch.setattr(gardener, "FLAGS_MAX", 2)
    world, _ = many_derived(tmp_path / "kb")
    begins = iter(range(100))
    begin = Database.begin

    def begin_or_stop(self: Database, *args: Any, **options: Any) -> Any:
        if next(begins) == stop:
            raise KeyboardInterrupt
        return begin(self, *args, **options)

    with monkeypatch.context() as patched:
        patched.setattr(Database, "begin", begin_or_stop)
        with pytest.raises(KeyboardInterrupt):
            world.connection.garden()
    assert sum(flags_of(world)) == 2 * stop
    world.reopen(gardener=True)
    assert sum(flags_of(world)) == 7
    sql = "SELECT count(*), count(DISTINCT assertion) FROM flag"
    assert world.connection.runner.database.db.execute(sql).fetchone() == (7, 7)
    assert world.failures() == {"ann": 1.0, "near": 0.125}
    assert world.connection.garden() == []
    world.connection.close()
