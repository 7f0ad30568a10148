"""The inputs kept: corpus/TARGET.jsonl to begin with, found/TARGET.jsonl what was a finding once.

A line is a text in JSON, or {"base64": "…"} for bytes that are none; one of found/ is
{"what": "…", "input": …}.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

HERE = Path(__file__).parent
CORPUS, FOUND = HERE / "corpus", HERE / "found"
BYTES_MAX = {"parser": 64_000, "export": 24_000}
BYTES_OTHER = 11_000
"""Of the inputs of one target that are kept, the shortest first; 200 kB of all targets."""


def written(data: bytes) -> object:
    """An input as JSON has it."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def read(line: object) -> bytes:
    """An input from its JSON."""
    if isinstance(line, str):
        return line.encode()
    assert isinstance(line, dict)
    return base64.b64decode(line["base64"])


def _lines(path: Path) -> Iterator[object]:
    if path.exists():
        yield from map(json.loads, path.read_text().splitlines())


def kept(name: str) -> list[bytes]:
    """The corpus of a target."""
    return [read(line) for line in _lines(CORPUS / f"{name}.jsonl")]


def keep(name: str, inputs: Iterable[bytes]) -> int:
    """Write the corpus of a target; its size in bytes."""
    lines, size = [], 0
    limit = BYTES_MAX.get(name, BYTES_OTHER)
    for data in sorted(inputs, key=lambda one: (len(one), one)):
        line = json.dumps(written(data), ensure_ascii=True)
        size += len(line) + 1
        if size > limit:
            break
        lines.append(line)
    path = CORPUS / f"{name}.jsonl"
    path.write_text("".join(line + "\n" for line in lines))
    return path.stat().st_size


def findings(name: str) -> list[tuple[str, bytes]]:
    """What was found once by a target: (what, input)."""
    found = []
    for line in _lines(FOUND / f"{name}.jsonl"):
        assert isinstance(line, dict)
        found.append((str(line["what"]), read(line["input"])))
    return found


def add_finding(name: str, what: str, data: bytes) -> None:
    """Remember an input, so that test_found.py tries it for ever."""
    FOUND.mkdir(exist_ok=True)
    with (FOUND / f"{name}.jsonl").open("a") as file:
        file.write(json.dumps({"what": what, "input": written(data)}, ensure_ascii=True) + "\n")
