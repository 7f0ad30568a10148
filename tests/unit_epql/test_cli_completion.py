"""The Tab key: what is offered, and that bash, zsh and fish ask for it and show it."""

from __future__ import annotations

import io
import os
import pty
import select
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from argcomplete.finders import CompletionFinder

from epql.cli.completion import complete
from epql.cli.registry import COMMANDS
from tests.docs.console import environment
from tests.unit_epql.cli import epql, story

OFFERED = [
    ("epql ", ["query", "why-not", "kb.epql", "with space.epql", "folder/"]),
    ("epql why", ["why", "why-not"]),
    ("epql kb", ["kb.epql"]),
    ("epql kb.epql --format ", ["table", "json", "markdown"]),
    ("epql kb.epql --js", ["--json", "--jsonl"]),
    ("epql why kb.epql ", ["auth/jwt", "svc/api"]),
    ("epql why kb.epql au", ["auth/jwt"]),
    ("epql why kb.epql auth/jwt ", ["algorithm"]),
    ("epql why kb.epql auth/jwt algorithm ", ["RS256", "ES256"]),
    ("epql check kb.epql svc/api ", ["port"]),
    ("epql check kb.epql auth/jwt algorithm R", ["RS256"]),
    ("epql assert kb.epql auth/jwt al", ["algorithm"]),
    ("epql assert kb.epql a b c --lifecycle pro", ["proposed"]),
    ("epql diff kb.epql --s", ["--since", "--subject"]),
    ("epql diff kb.epql --since ", ["-24h", "yesterday"]),
    ("epql query kb.epql x --lifecycle approved,rev", ["approved,review"]),
    ("epql trace kb.epql --by ", ["architect", "ben"]),
    ("epql schema kb.epql be", ["beliefs"]),
    ("epql help re", ["review", "rebuild", "relations"]),
    ("epql completion ", ["bash", "zsh", "fish"]),
    ("epql verify folder/", ["folder/inner.epql"]),
]
NOT_OFFERED = [
    ("epql ", ["--json", "notes.txt"]),
    ("epql why ", ["notes.txt", "query"]),
    ("epql why kb.epql auth/jwt algorithm RS256 ", ["RS256"]),
    ("epql query kb.epql ", ["notes.txt"]),
    ("epql assert none.epql ", ["auth/jwt"]),
    ("epql why notes.txt ", ["auth/jwt"]),
]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("completion")
    story(folder / "kb.epql")
    shutil.copytree(folder / "kb.epql", folder / "with space.epql")
    (folder / "folder").mkdir()
    shutil.copytree(folder / "kb.epql", folder / "folder" / "inner.epql")
    (folder / "notes.txt").write_text("x")
    return folder


@pytest.fixture
def offered(here: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    """What the program answers to a shell, without the shell."""
    monkeypatch.setattr(CompletionFinder, "_init_debug_stream", lambda finder: None)
    monkeypatch.chdir(here)

    def call(line: str) -> list[str]:
        asked = {
            "_ARGCOMPLETE": "1", "_ARGCOMPLETE_IFS": "\n", "COMP_LINE": line,
            "COMP_POINT": str(len(line)), "_ARGCOMPLETE_SUPPRESS_SPACE": "1",
        }  # fmt: skip
        for name, value in asked.items():
            monkeypatch.setenv(name, value)
        answer = io.StringIO()
        complete(exit_method=lambda code: None, output_stream=answer)
        return [word.strip().replace("\\ ", " ") for word in answer.getvalue().split("\n")]

    return call


def test_what_is_offered(here: Path, offered: Callable[[str], list[str]]) -> None:
    before = sorted(path for path in here.iterdir())
    for line, wanted in OFFERED:
        assert set(wanted) <= set(offered(line)), line
    for line, unwanted in NOT_OFFERED:
        assert not set(unwanted) & set(offered(line)), line
    assert sorted(here.iterdir()) == before, "looking makes nothing"


# ---------------------------------------------------------------- in the real shells


class Terminal:
    """A shell in a terminal, in which keys are typed."""

    def __init__(self, argv: list[str], here: Path, **variables: str) -> None:
        self._pid, self._fd = pty.fork()
        if self._pid == 0:
            os.chdir(here)
            os.execvpe(argv[0], argv, {**environment(here), "TERM": "xterm", **variables})
        self.seen = ""

    def type(self, keys: str) -> None:
        os.write(self._fd, keys.encode())

    def until(self, *wanted: str) -> None:
        """Read until all of it was shown."""
        deadline = time.monotonic() + 60
        while not all(word in self.seen for word in wanted):
            assert time.monotonic() < deadline, f"never shown: {wanted} in {self.seen[-3000:]!r}"
            if select.select([self._fd], [], [], 0.2)[0]:
                self.seen += os.read(self._fd, 65536).decode(errors="replace")

    def close(self) -> None:
        os.close(self._fd)
        os.waitpid(self._pid, 0)


SHELLS = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "-i"],
}
LOADS = {
    "bash": 'eval "$(epql completion bash)"\n',
    "zsh": 'autoload -Uz compinit && compinit -u && eval "$(epql completion zsh)"\n',
    "fish": "epql completion fish | source\n",
}


@pytest.mark.slow
@pytest.mark.parametrize("shell", SHELLS)
def test_tab_in_a_shell(here: Path, shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed here")
    terminal = Terminal(SHELLS[shell], here)
    try:
        terminal.type(LOADS[shell] + "echo rea''dy\n")
        terminal.until("ready\r\n")
        terminal.seen = ""
        terminal.type("epql rev\t")
        terminal.until("review")
        terminal.type(" kb\t")
        terminal.until("kb.epql")
        terminal.type(" --by be\t\n")
        terminal.until("ES256", "8080")  # the completed line was run
        terminal.seen = ""
        terminal.type("epql why kb.epql auth/jwt algorithm \t\t")
        terminal.until("ES256", "RS256")
    finally:
        terminal.close()


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_for_each_shell(shell: str) -> None:
    said = epql("completion", shell)
    assert said.code == 0 and "epql" in said.out
    if shutil.which(shell):
        done = subprocess.run([shell, "-n"], input=said.out, text=True, capture_output=True)
        assert done.returncode == 0, done.stderr
    assert epql("completion", "tcsh").code == 2


def test_every_command_can_be_completed(offered: Callable[[str], list[str]]) -> None:
    assert set(COMMANDS) <= set(offered("epql "))
