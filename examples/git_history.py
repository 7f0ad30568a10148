"""The history of a settings file in git, as lines that `epql import --history` takes.

Each commit that touched the file becomes a commit of the database, at the instant of the commit
and in its author's name; each `key = value` line in it a fact. A key that is gone is retracted.
Git allows commits of the same second, or of an earlier one; a history does not: they move on.

    python examples/git_history.py REPOSITORY FILE > history.jsonl
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

_FIELDS = "%H%x09%ct%x09%an"


def git(repository: str, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", repository, *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout


def settings(text: str) -> dict[str, str]:
    """The keys and values of a file; what follows a # is a comment."""
    lines = (line.partition("#")[0] for line in text.splitlines())
    pairs = (line.partition("=") for line in lines if "=" in line)
    return {key.strip(): value.strip() for key, _, value in pairs}


def history(repository: str, file: str) -> Iterator[dict[str, object]]:
    """One line per commit, oldest first: what the file said from then on."""
    before: dict[str, str] = {}
    last = 0
    log = git(repository, "log", "--reverse", "--first-parent", f"--format={_FIELDS}", "--", file)
    for line in log.splitlines():
        commit, committed, author = line.split("\t")
        present = git(repository, "ls-tree", "--name-only", commit, "--", file).strip()
        after = settings(git(repository, "show", f"{commit}:{file}")) if present else {}
        changed: dict[str, str | None] = {
            key: value for key, value in after.items() if before.get(key) != value
        }
        changed |= {key: None for key in before if key not in after}
        if changed:
            last = max(int(committed), last + 1)
            yield {
                "at": last,
                "agent": author,
                "source": f"commit:{commit[:12]}",
                "facts": [[file, key, value] for key, value in changed.items()],
            }
        before = after


if __name__ == "__main__":
    for entry in history(*sys.argv[1:]):
        print(json.dumps(entry, ensure_ascii=False))
