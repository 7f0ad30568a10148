"""What is fuzzed: a name, the function of bytes that raises only on a finding, and its guide.

Light on purpose: it imports nothing of ours, because atheris must instrument the modules that
guide it (`guide`) before anything else imports them (child.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from typing import NamedTuple


class Target(NamedTuple):
    """`check` is 'module:function' in tests/fuzz. `length`: of an input at most.

    `mutator` and `seeds`: likewise, or None: bytes are changed as libFuzzer does, and the corpus
    is all there is to begin with.
    """

    check: str
    guide: tuple[str, ...]
    length: int = 4096
    mutator: str | None = None
    seeds: str | None = None


_TEXT = ("language:mutator", "language:seeds")
_FOLD = ("epql.engine.index", "epql.engine.ingest", "epql.engine.journal", "epql.engine.records")

TARGETS: dict[str, Target] = {
    "parser": Target("language:parser", ("epql.parse", "epql.layout"), 4096, *_TEXT),
    "splitter": Target("language:splitter", ("epql.parse.splitter", "epql.parse.lexer"), 2048, *_TEXT),
    "completion": Target("language:completion", ("epql.parse.ahead", "epql.repl"), 1024, *_TEXT),
    "highlighter": Target("language:highlighter", ("epql.output",), 2048, *_TEXT),
    "instants": Target("language:instant", ("epql.instants",), 128, None, "language:instants"),
    "frames": Target(
        "decoders:frames", ("epql.engine.journal",), 8192, None, "decoders:segments"
    ),
    "records": Target(
        "decoders:records",
        ("epql.engine.records", "epql.engine.index", "epql.engine.check", "epql.exchange.dump"),
        4096, None, "decoders:payloads",
    ),
    "audit": Target("decoders:audit", ("epql.engine.audit",), 4096, None, "decoders:reads"),
    "notes": Target(
        "decoders:notes", ("epql.engine.lock", "epql.engine.folder", "epql.engine.backup"), 512,
        None, "decoders:notes_written",
    ),
    "export": Target("decoders:export", ("epql.exchange.dump",), 8192, None, "decoders:exports"),
    "history": Target(
        "decoders:history_lines", ("epql.exchange.history",), 4096, None, "decoders:histories"
    ),
    "rows": Target(
        "decoders:rows",
        ("epql.exchange.jsonlines", "epql.exchange.delimited", "epql.exchange.nquads",
         "epql.exchange.mapping", "epql.exchange.importing"),
        4096, None, "decoders:row_files",
    ),
    "journals": Target(
        "folders:journals", (*_FOLD, "epql.engine.governance", "epql.engine.audit"), 2048,
        None, "folders:plans",
    ),
    "indexes": Target(
        "folders:indexes", ("epql.engine.database", "epql.engine.check", *_FOLD), 1024,
        None, "folders:plans",
    ),
    "damage": Target(
        "folders:damage", ("epql.engine.database", "epql.engine.audit", *_FOLD), 512,
        None, "folders:plans",
    ),
}  # fmt: skip
"""Every target by name."""


def found_in(where: str) -> Callable[..., object]:
    """The function that 'module:function' names."""
    module, _, name = where.partition(":")
    found: Callable[..., object] = getattr(import_module(f"tests.fuzz.{module}"), name)
    return found


def check_of(name: str) -> Callable[[bytes], object]:
    """What is called with each input."""
    return found_in(TARGETS[name].check)


def seeds_of(name: str) -> Iterable[bytes]:
    """Inputs to begin with, besides the corpus."""
    where = TARGETS[name].seeds
    if where is None:
        return ()
    made = found_in(where)()
    assert isinstance(made, Iterable)
    return made
