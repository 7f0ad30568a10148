"""`epql garden`: what it does, what it tells, and that a second time changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from epql.cli.main import main
from tests.unit_engine.corrected import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A database in which corrections are left to others."""
    return World(tmp_path / "kb", gardener=False)


def garden(world: World, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What `epql garden` says, line by line, cells apart by one blank."""
    world.connection.close()
    assert main(["garden", str(world.path)]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    world.connection = world.connect()
    return [" ".join(line.split()) for line in said.out.splitlines()]


def test_it_finishes_corrections_and_shows_how_trust_moved(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    name = world.claim("ann", "auth/jwt")
    world.say("bob", "PROMOTE ?", name)
    world.say("near", "CONFIRM ?", world.claim("near", "a/x", because=name))
    world.correct("sre", name)
    told = garden(world, capsys)
    assert told[0] == "1 correction tended, 1 assertion flagged"
    assert told[1] == "agent topic trust before trust after"
    assert told[3:6] == ["ann auth 1.0 0.8", "bob auth 1.0 0.8889", "near auth 1.0 0.9697"]
    again = garden(world, capsys)
    assert again[0] == "no correction waits for the gardener"
    assert again[1:] == told[6:]


def test_it_tells_stale_proposals_until_something_happens_to_them(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    for subject in ("a", "b", "c", "d", "e"):
        world.claim("ann", subject)
    told = garden(world, capsys)  # by its own clock all that is long ago
    assert told[1] == "5 stale proposals waiting: PROMOTE, REJECT or CONFIRM"
    world.say("ann", "DEFINE POLICY stale_after = '9000d'")
    assert garden(world, capsys) == ["no correction waits for the gardener"]


def test_votes_confirmations_and_moves_keep_a_proposal_fresh(world: World) -> None:
    from epql.engine.governance.upkeep import stale_proposals

    for subject in ("old", "voted", "confirmed", "moved", "again", "approved", "rejected"):
        world.claim("ann", subject)
    world.clock.move(days=29)
    world.say("bob", "VOTE FOR ('voted', 'p')")
    world.say("bob", "CONFIRM ('confirmed', 'p')")
    world.say("bob", "TRANSITION ('moved', 'p') TO REVIEW")
    world.say("bob", "PROMOTE ('approved', 'p')")
    world.say("bob", "REJECT ('rejected', 'p')")
    world.say("bob", "ASSERT ('again', 'p', 2)")
    world.claim("ann", "again")
    world.clock.move(days=2)
    world.say("bob", "MARK EPOCH 'now'")
    database = world.connection.runner.database
    assert [one.subject for one in stale_proposals(database)] == ["old"]
    world.say("bob", "SUPERSEDE ('old', 'p') WITH 2")
    world.clock.move(days=29)
    stale = [one.subject for one in stale_proposals(database)]
    assert stale == ["voted", "confirmed", "moved", "again", "again"]


def test_it_tells_flags_until_they_are_answered(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.say("ann", "DEFINE POLICY stale_after = '9000d'")
    name = world.claim("ann", "auth/jwt")
    near, far = world.claim("near", "a/x", because=name), world.claim("far", "b/x", because=name)
    world.correct("sre", name)
    told = garden(world, capsys)
    (place,) = [number for number, line in enumerate(told) if "flagged assertions waiting" in line]
    assert told[place] == "2 flagged assertions waiting: CONFIRM or RETRACT"
    assert told[place + 3].startswith(f"{near[:14]} a/x p 1 proposed")
    assert told[place + 3].endswith("which sre corrected: wrong")
    world.say("near", "CONFIRM ?", near)
    world.say("far", "RETRACT ?", far)
    assert garden(world, capsys) == ["no correction waits for the gardener"]


def test_it_forgets_reads_as_the_policy_says(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    name = world.claim("ann", "auth/jwt")
    world.say("ann", "DEFINE POLICY stale_after = '9000d'")
    world.say("ann", "DEFINE POLICY audit_retention = '1d'")
    world.read("bob", name)
    assert "1 audited read forgotten, as audit_retention says" in garden(world, capsys)


def test_there_must_be_a_database(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["garden", str(tmp_path / "none")]) == 1
    assert "hint" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()
