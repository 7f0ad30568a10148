"""One run of libFuzzer over one target; run.py starts it, because atheris takes the process over.

    python -m tests.fuzz.child TARGET FOUND FOLDER [options of libFuzzer]

FOLDER is libFuzzer's corpus. A finding does not end the run: the input goes to FOUND, one for
each kind. FOUND/current is the input being tried, so that it is known after a crash or a hang.
A crash of the interpreter leaves the lines it was at (faulthandler); libFuzzer alone would not say.
"""

from __future__ import annotations

import faulthandler
import hashlib
import mmap
import os
import re
import struct
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from tests.fuzz.targets import TARGETS, found_in

_HEAD = struct.Struct("<QI")
"""Number of the input, its length."""
AGAIN = "FUZZ_AGAIN"
"""How libFuzzer starts itself again, which it does to merge: the path of a program."""
_ROOM = 64 * 2**10


class Current:
    """The input being tried, in a file that outlives the process."""

    def __init__(self, path: Path) -> None:
        path.write_bytes(bytes(_ROOM))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _ROOM)
        self.number = 0

    def set(self, data: bytes) -> None:
        self.number += 1
        self._map[: _HEAD.size] = _HEAD.pack(self.number, len(data))
        self._map[_HEAD.size : _HEAD.size + len(data)] = data


def read_current(path: Path) -> tuple[int, bytes]:
    """How many inputs were tried, and the last of them."""
    data = path.read_bytes()
    number, length = _HEAD.unpack_from(data)
    return number, data[_HEAD.size : _HEAD.size + length]


def kind_of(error: BaseException) -> str:
    """What a finding is, whatever its input says: its last lines without texts and numbers."""
    lines = [line.strip() for line in str(error).strip().splitlines() if "^" not in line]
    said = " | ".join(lines[-2:])
    said = re.sub(r"'.*?'|\".*?\"|b'.*", "…", said)
    return "".join("" if c.isdigit() else c for c in said)[:160]


def main() -> None:
    import atheris  # not everywhere, and run.py reads this module

    faulthandler.enable()
    name, found, *arguments = sys.argv[1:]
    target, folder = TARGETS[name], Path(found)
    with atheris.instrument_imports(include=list(target.guide)):
        check = found_in(target.check)
    mutator = None if target.mutator is None else found_in(target.mutator)
    current = Current(folder / "current")

    def once(data: bytes) -> None:
        current.set(data)
        try:
            check(data)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # also SystemExit, which would end the run unexplained
            _keep(folder, data, error)

    more: dict[str, Callable[..., object]] = {}
    if mutator is not None:
        more["custom_mutator"] = mutator
    atheris.Setup([os.environ.get(AGAIN, sys.argv[0]), *arguments], once, **more)
    atheris.Fuzz()


def _keep(folder: Path, data: bytes, error: BaseException) -> None:
    """The shortest input of each kind of finding, and what was said."""
    kind = f"{type(error).__name__} {kind_of(error)}"
    path = folder / f"finding-{hashlib.sha1(kind.encode()).hexdigest()[:12]}"
    if not path.exists() or len(path.read_bytes()) > len(data):
        path.write_bytes(data)
        told = f"{kind}\n\n{error}\n"
        if type(error).__name__ != "Finding":
            told += "".join(traceback.format_exception(error))
        path.with_suffix(".txt").write_text(told, errors="backslashreplace")


if __name__ == "__main__":
    main()
