"""The examples of every --help are run, in a folder that has what they name; help never lies."""

from __future__ import annotations

import gzip
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from epql.cli.arguments import EXAMPLES, main_parser, parser_of
from epql.cli.registry import COMMANDS, GROUPS, command
from tests.docs.console import environment
from tests.unit_epql.cli import epql, story

HISTORY = '{"at": "2020-01-01", "agent": "ada", "facts": [["db", "engine", "pg"]]}\n'
CODES = {
    "epql check kb.epql http/client library urllib3 -q || exit 1": 1,
    "epql fmt --check scripts/*.epql": 1,
    "epql review kb.epql --jsonl | head -1 > oldest.json": 141,  # or 0: head may end first
}
"""How an example ends, if not with 0."""
ALL = [("", *example) for example in EXAMPLES] + [
    (name, *example) for name in COMMANDS for example in command(name).EXAMPLES
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the examples name."""
    folder = tmp_path_factory.mktemp("examples")
    story(folder / "kb.epql")
    (folder / "history.jsonl").write_text(HISTORY)
    (folder / "history.jsonl.gz").write_bytes(gzip.compress(HISTORY.encode()))
    (folder / "facts.csv").write_text("subject,predicate,object\na,b,c\n")
    (folder / "facts.jsonl.gz").write_bytes(gzip.compress(b'["a", "b", 1]\n'))
    (folder / "people.csv").write_text("Name,Team,Note\nada,platform,\n")
    (folder / "backup").mkdir()
    kb = str(folder / "kb.epql")
    assert epql("backup", kb, str(folder / "backup" / "kb")).code == 0
    assert epql("export", kb, str(folder / "all.jsonl.gz"), "--all").code == 0
    (folder / "heads.txt").write_text(epql("head", kb).out)
    (folder / "scripts").mkdir()
    for name in ("script.epql", "scripts/one.epql"):
        (folder / name).write_text("select 1 as one;\n")
    return folder


@pytest.mark.parametrize(("name", "typed", "remark"), ALL, ids=[typed for _, typed, _ in ALL])
def test_an_example_does_what_it_says(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    name: str, typed: str, remark: str,
) -> None:  # fmt: skip
    folder = shutil.copytree(made, tmp_path / "here")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("EPQL_AGENT", "carol")
    if re.search(r"[|&<>$*;]", re.sub(r"'[^']*'|\"[^\"$]*\"", "", typed)):
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", typed], env=environment(folder),
            capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        code, err = done.returncode, done.stderr
    else:
        code, _, err = epql(*shlex.split(typed)[1:], agent="carol")
    assert code == CODES.get(typed, 0) or (code == 0 and "| head" in typed), err
    assert "Error" not in err and '"error"' not in err, err


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_an_example_of_its_own_and_says_what_it_does(name: str) -> None:
    assert all(f"epql {name}" in typed for typed, _ in command(name).EXAMPLES)
    assert command(name).EXAMPLES
    assert (command(name).__doc__ or "").startswith(f"`epql {name}"), "its docstring"
    for action in parser_of(name)._actions:
        assert action.help or action.dest in ("subject", "predicate", "object"), action.dest


@pytest.mark.parametrize("columns", [60, 80])
@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_fits(monkeypatch: pytest.MonkeyPatch, name: str, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    said = epql("help", *([name] if name else []))
    assert said == epql(name, "--help") if name else said.code == 0
    quoted = re.compile(r"^ *(['\"]).*\1(?: \\)?$")  # one word for a shell: not to be broken
    long = [line for line in said.out.splitlines() if len(line) > columns]
    assert not [line for line in long if not quoted.match(line)]
    assert said.out.startswith("usage: epql")


@pytest.mark.parametrize("columns", [40, 60])
def test_a_folded_example_is_the_same_command(
    monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    for name in COMMANDS:
        shown = parser_of(name).format_help().replace(" \\\n", "")
        for typed, _ in command(name).EXAMPLES:
            assert " ".join(typed.split()) in " ".join(shown.split())


def test_groups_and_names() -> None:
    text = main_parser().format_help()
    for group, commands in GROUPS.items():
        assert f"\n{group}:\n" in text
        for name in commands:
            assert re.search(rf"^  {name} ", text, re.MULTILINE)
    assert len(COMMANDS) == sum(map(len, GROUPS.values())), "a name stands twice"
