"""The grammar files: no conflict, and the tables made of them."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from epql.parse import tables
from epql.parse.builder import ACTIONS


def test_grammar_builds_strict() -> None:
    pytest.importorskip("interegular")
    assert tables.build(tables.grammar_text(), strict=True).rows


def test_every_rule_that_carries_meaning_has_an_action() -> None:
    made = tables.tables()
    named = {rule.name for rule in made.rules if not rule.through and not rule.helper}
    assert named - set(ACTIONS) == {"signed_number"}  # taken as text


def test_every_action_has_a_rule() -> None:
    rules = {rule.name for rule in tables.tables().rules}
    assert set(ACTIONS) - rules - {"bind"} == set()


def test_grammar_files_hold_no_code() -> None:
    folder = Path(tables.__file__).parents[2] / "grammar"
    names = {path.stem for path in folder.glob("*.lark")}
    assert names == set(tables.GRAMMAR_FILES)


# ---------------------------------------------------------------- the cache


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "epql"


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The grammars that lark was given; it takes seconds each time, so it is not asked here."""
    whole, given = tables.tables(), []

    def build(grammar: str) -> tables.Tables:
        given.append(grammar)
        return whole

    monkeypatch.setattr(tables, "build", build)
    return given


def fresh() -> tables.Tables:
    return tables.tables.__wrapped__()


def test_tables_come_back_from_the_cache_as_they_were(cache: Path, built: list[str]) -> None:
    made = fresh()
    (file,) = cache.iterdir()
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    before = file.stat().st_mtime_ns
    assert fresh() == made and fresh() is not made
    assert file.stat().st_mtime_ns == before
    assert built == [tables.grammar_text()]


def test_a_damaged_cache_is_built_again(cache: Path, built: list[str]) -> None:
    fresh()
    (file,) = cache.iterdir()
    whole = file.read_bytes()
    damages = (b"", b"junk", whole[:-100], b"0\n" + json.dumps({}).encode())
    for number, damage in enumerate(damages, 2):
        file.write_bytes(damage)
        assert fresh() == tables.tables()
        assert len(built) == number and file.read_bytes() == whole


def test_a_cache_that_cannot_be_written_does_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, built: list[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    homes = (tmp_path / "file", Path("relative"), tmp_path / "file" / "deeper")
    for number, home in enumerate(homes, 1):
        monkeypatch.setenv("XDG_CACHE_HOME", os.fspath(home))
        assert fresh().rows
        assert len(built) == number
