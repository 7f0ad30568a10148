"""Plant one bug after another and run the tests that must notice.

    python -m tests.crash.mutants             all of them; first their tests without any bug
    python -m tests.crash.mutants NAME …      these, with what the tests say
    python -m tests.crash.mutants --list

One line for each: `caught NAME SECONDS` or `SURVIVED NAME SECONDS`; exit code 1 if one survived.
Each runs in a fork of this process, so that nothing of it is left.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.crash.mutants import MUTANTS, VARIABLE, plant_from_environment

TESTS = Path(__file__).parents[2]
HANGS_AFTER_S = 120
PASSED, FAILED = 0, 1


def run(tests: list[str], name: str, *, silent: bool) -> int:
    """Run tests with a bug planted ("": none) in a process of its own; pytest's exit code."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 70
    with suppress(BaseException):
        signal.alarm(HANGS_AFTER_S)
        os.environ[VARIABLE] = name
        plant_from_environment()
        if silent:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 1)
            os.dup2(nowhere, 2)
        quiet = ["-x", "-q", "--no-header", "-p", "no:cacheprovider", "-p", "no:xdist"]
        code = int(pytest.main([*quiet, *(str(TESTS / test) for test in tests)]))
    os._exit(code)


def judge(name: str, *, silent: bool) -> bool:
    """Whether the tests notice a bug; says so."""
    began = time.monotonic()
    code = run(list(MUTANTS[name].caught_by), name, silent=silent)
    seconds = f"{time.monotonic() - began:.1f}"
    if code == FAILED:
        print("caught", name, seconds, flush=True)
    elif code == PASSED:
        print("SURVIVED", name, seconds, flush=True)
    else:
        print("SURVIVED", name, seconds, f"its tests could not run: {code}", flush=True)
    return code == FAILED


def are_sound(names: list[str]) -> bool:
    """Whether the tests of these mutants pass where no bug is planted; says so."""
    began = time.monotonic()
    tests = dict.fromkeys(test for name in names for test in MUTANTS[name].caught_by)
    whole = [test for test in tests if test.partition("::")[0] == test or
             test.partition("::")[0] not in tests]  # fmt: skip
    code = run(whole, "", silent=False)
    print("sound" if code == PASSED else "UNSOUND", f"{time.monotonic() - began:.1f}", flush=True)
    return code == PASSED


def main(names: list[str]) -> int:
    """See the module."""
    if names == ["--list"]:
        for mutant in MUTANTS.values():
            print(f"{mutant.rule:4} {mutant.name:28} {mutant.what}")
        return 0
    chosen = names or list(MUTANTS)
    if not names and not are_sound(chosen):
        return 2
    caught = sum([judge(name, silent=not names) for name in chosen])
    print(f"{caught} of {len(chosen)} caught")
    return 0 if caught == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
