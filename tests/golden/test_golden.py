"""Runs every golden file; *.slow.test only in `make test-all`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.golden.disturbed import WAYS, Disturbed
from tests.golden.runner import GoldenError, Run, cells, parse, render, show

HERE = Path(__file__).parent
STORIES = HERE / "stories"
FILES = sorted(HERE.rglob("*.test"))


def _parameter(path: Path) -> object:
    marks = [pytest.mark.slow] if path.name.endswith(".slow.test") else []
    return pytest.param(path, id=str(path.relative_to(HERE))[: -len(".test")], marks=marks)


@pytest.mark.parametrize("path", [_parameter(path) for path in FILES])
def test_file(path: Path, tmp_path: Path) -> None:
    Run(path, tmp_path).run()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("path", [_parameter(path) for path in FILES if path.parent == STORIES])
def test_a_story_survives(path: Path, way: str, tmp_path: Path) -> None:
    run = Disturbed(path, tmp_path, rewrite=False)
    run.way = way
    run.run()


@pytest.mark.parametrize("path", [_parameter(path) for path in FILES])
def test_rewriting_changes_nothing_but_answers(path: Path) -> None:
    text = path.read_text()
    assert render(*parse(text)) == text


def test_values_that_differ_look_different() -> None:
    values = [None, "NULL", 1, 1.0, "1", "1.0", "", " ", "a", "a  b", b"a"]
    shown = [show(value) for value in values]
    assert len(set(shown)) == len(values)
    assert cells("a b  NULL\t'1'") == ("a b", "NULL", "'1'")
    assert cells("  ".join(map(show, ["  a  b", "", "'c'", "d"]))) == tuple(
        map(show, ["  a  b", "", "'c'", "d"])
    )


def test_an_unknown_directive_is_an_error() -> None:
    with pytest.raises(GoldenError, match="expected one of"):
        parse("SELECT 1\n")


def test_an_unknown_tag_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "x.test"
    for tag in ("[plan]", "[journal]", "[nonsense]"):
        file.write_text(f"statement ok {tag}\nSELECT 1\n")
        with pytest.raises(GoldenError, match="tag"):
            Run(file, tmp_path).run()
