"""Tampering is seen against a head kept elsewhere, however well the attacker made all fit.

Each rewrite is consistent: the journal's own check finds nothing, and on disk, with an index made
of it, neither does `epql verify`. The head of the honest journal shows it.
"""

from __future__ import annotations

from contextlib import closing
from functools import cache
from pathlib import Path

import pytest

import epql
from epql.engine.check import check
from epql.engine.clock import system_clock
from epql.engine.files import OsFiles, write_atomically
from epql.engine.folder import FORMAT
from epql.engine.head import Head
from epql.engine.journal.reader import read_frames
from epql.engine.journal.verify import CUT, GROWN, OTHER, REWRITTEN, SAME, verify
from epql.engine.opening import Options
from epql.engine.rebuild import rebuild
from tests.rows import Row
from tests.unit_engine.rewrites import REWRITES, Commits, Plan, build, commits_of, rewrite

HONEST = Plan()
OPTIONS = Options(system_clock, audit="off")


@cache
def honest() -> Commits:
    """Commits of many kinds, as the program makes them."""
    with closing(epql.connect(":memory:", agent="ann", autocommit=True)) as connection:
        for number in range(4):
            connection.execute("ASSERT (?, 'n', ?), (?, 'm', 'x')", (f"s{number}", number, "t"))
        for text in (
            "PROMOTE ('s1', 'n')",
            "SUPERSEDE ('s1', 'n') WITH 7 REASON 'counted again'",
            "RETRACT ('s2', 'n')",
            "FORBID ('*', 'n', 13) REASON 'unlucky'",
            "CORRECT ('s3', 'n') TO 8 REASON 'misread'",
            "MARK EPOCH 'end'",
        ):
            connection.execute(text)
        commits = commits_of(connection.runner.database.files)
    for number, commit in enumerate(commits):
        commit.recorded_at = 1_704_067_200_000_000 + 1000 * number
    return commits


@cache
def heads() -> list[Head]:
    """The heads of the honest journal, one after each commit."""
    return [
        Head(frame.tx, frame.digest, HONEST.database_id)
        for frame in read_frames(build(honest(), HONEST))
    ]


def kept(number: int) -> Head:
    """One of the heads, with or without the database's id."""
    head = heads()[-1 - number % min(8, len(heads()))]
    return head if number % 3 else head._replace(database=None)


def found(seed: object, number: int) -> bool:
    """Make a rewrite and look for it; False if it happens to change nothing."""
    head = kept(number)
    made = rewrite(f"{seed}/{number}", honest(), HONEST, head.tx)
    if made.commits == honest() and made.plan == HONEST:
        return False
    files = made.build()
    tell = f"rewrite({f'{seed}/{number}'!r}, honest(), HONEST, {head.tx}): {made.names}"
    alone = verify(files)
    assert alone.is_sound, f"not consistent: {tell}: {alone.findings}"
    digests = {frame.tx: frame.digest for frame in read_frames(files)}
    if digests.get(head.tx) == head.digest:
        return False
    report = verify(files, expect=[head.expected()])
    ((_, stand),) = report.stands
    assert not report.is_sound and stand in (CUT, REWRITTEN, OTHER), f"not found: {tell}"
    return True


def on_disk(path: Path, seed: object, number: int) -> None:
    """The same through all of `epql verify`, with an index that the attacker made."""
    head = kept(number)
    made = rewrite(f"{seed}/{number}", honest(), HONEST, head.tx)
    path.mkdir()
    made.build(OsFiles(path))
    write_atomically(OsFiles(path), FORMAT, [b"EPQL database\nversion 1\n"])
    rebuild(str(path), OPTIONS)
    verdict = check(path)
    tell = f"rewrite({f'{seed}/{number}'!r}, honest(), HONEST, {head.tx}): {made.names}"
    assert verdict.is_sound, f"{tell}: {verdict.faults} {verdict.journal.findings}"
    assert not check(path, heads=[head]).is_sound, tell


def test_what_the_attacker_builds_is_what_the_program_reads() -> None:
    files = build(honest(), HONEST)
    assert commits_of(files) == honest()
    assert verify(files).is_sound and verify(files).segments == 3


def test_an_honest_journal_has_its_heads() -> None:
    report = verify(build(honest(), HONEST), expect=[head.expected() for head in heads()])
    assert report.is_sound
    assert [stand for _, stand in report.stands] == [GROWN] * (len(heads()) - 1) + [SAME]


@pytest.mark.parametrize("name", REWRITES)
def test_each_way_is_found(name: str) -> None:
    seen = 0
    for number in range(200):
        made = rewrite(f"1/{number}", honest(), HONEST, kept(number).tx)
        if made.names == [name] and found(1, number):
            seen += 1
    assert seen >= 3


def test_the_whole_folder(tmp_path: Path) -> None:
    for number in (4, 5, 8, 213):  # in 213 a commit's records are there twice: they do not fit
        if found(1, number):
            on_disk(tmp_path / str(number), 1, number)


@pytest.mark.row("S5", "rewrites")
def test_rewrites(row: Row, tmp_path: Path) -> None:
    number = whole = 0
    while row.ran < row.count and not row.is_over():
        if found(row.seed, number):
            row.ran += 1
            if number % 200 == 0:
                on_disk(tmp_path / str(number), row.seed, number)
                whole += 1
        number += 1
    row.tell("found", row.ran)
    row.tell("of them through all of epql verify, on disk", whole)
