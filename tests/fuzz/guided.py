"""The parser alone, guided by the branches that a text takes: needs atheris, which is not ours.

    pip install atheris
    python -m tests.fuzz.guided FOLDER -max_total_time=300 [other options of libFuzzer]

FOLDER keeps the texts that took a new branch; it begins with the statements written down.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from random import Random

import atheris

with atheris.instrument_imports(include=["epql.parse", "epql.layout"]):
    import epql.layout
    import epql.parse.builder
    import epql.parse.complain  # noqa: F401

from tests.fuzz import sources
from tests.fuzz.checks import Checker

checker = Checker(Random(0))


def check(data: bytes) -> None:
    """Raises: Finding."""
    text = data.decode("utf-8", "surrogateescape")
    _, parsed = checker.read(text)
    if parsed is not None:
        checker.look(text, parsed)


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(exist_ok=True)
    for text in sources.statements():
        written = text.encode("utf-8", "surrogatepass")
        (folder / hashlib.sha1(written).hexdigest()).write_bytes(written)
    atheris.Setup(sys.argv, check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
