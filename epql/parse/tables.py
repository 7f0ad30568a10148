"""The parsing tables that lark makes of grammar/, built once and kept in the user's cache.

Building takes about half a second and importing lark some 30 ms, so the tables are kept as
JSON (data, never code) under a name that changes with the grammar, lark and Python. The cache
is a convenience: whatever goes wrong with it, the tables are built again.

Not here: reading tokens (lexer), running the tables (driver), what the rules mean (builder).
"""

from __future__ import annotations

import os
import sys
from functools import cache
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec

from epql.engine.digest import digest

GRAMMAR_FILES = (
    "epql", "select", "temporal", "expressions", "verbs", "questions", "declarations", "session",
    "data", "scratch", "lexical",
)  # fmt: skip
LAYOUT = 2
"""Raise when Tables change that are made of the same grammar."""


class Terminal(msgspec.Struct, frozen=True, array_like=True):
    """One terminal. `word` is the keyword or mark itself, None for a regular expression."""

    name: str
    pattern: str
    word: str | None
    priority: int
    ignored: bool


class Rule(msgspec.Struct, frozen=True, array_like=True):
    """One rule. `name` is the alias or the rule's own; `splice` where helper lists stand."""

    origin: str
    name: str
    size: int
    through: bool
    helper: bool
    splice: bool


class Tables(msgspec.Struct, frozen=True):
    """`rows[state][symbol]` is the next state, or -1 - rule for a reduction."""

    terminals: tuple[Terminal, ...]
    rules: tuple[Rule, ...]
    rows: tuple[dict[str, int], ...]
    start: int
    end: int


def grammar_text() -> str:
    """The whole grammar, its files read together in their order."""
    folder = resources.files("epql.grammar")
    names = (folder.joinpath(f"{name}.lark") for name in GRAMMAR_FILES)
    return "\n".join(path.read_text(encoding="utf-8") for path in names)


@cache
def tables() -> Tables:
    """The tables, from the cache if it has them."""
    grammar = grammar_text()
    path = _cache_path(grammar)
    found = _load(path)
    if found is None:
        found = build(grammar)
        _save(path, found)
    return found


def build(grammar: str, *, strict: bool = False) -> Tables:
    """Let lark make the tables; `strict` also refuses every conflict (needs interegular)."""
    from lark import Lark
    from lark.grammar import Rule as LarkRule
    from lark.lexer import TerminalDef

    parser = Lark(
        grammar,
        parser="lalr",
        lexer="contextual",
        keep_all_tokens=True,
        maybe_placeholders=False,
        strict=strict,
    )
    data, memo = parser.memo_serialize([TerminalDef, LarkRule])
    return _from_lark(data["parser"], memo)


def _from_lark(parser: dict[str, Any], memo: dict[int, dict[str, Any]]) -> Tables:
    ignored = set(parser["lexer_conf"]["ignore"])
    terminals = tuple(
        _terminal(memo[ref["@"]], ignored) for ref in parser["lexer_conf"]["terminals"]
    )
    numbers: dict[int, int] = {}
    rules: list[Rule] = []
    symbols = parser["parser"]["tokens"]
    states = parser["parser"]["states"]
    rows: list[dict[str, int]] = []
    for number in range(len(states)):
        row: dict[str, int] = {}
        for symbol, (is_reduction, target) in states[number].items():
            if is_reduction:
                ref = target["@"]
                if ref not in numbers:
                    numbers[ref] = len(rules)
                    rules.append(_rule(memo[ref]))
                row[symbols[symbol]] = -1 - numbers[ref]
            else:
                row[symbols[symbol]] = target
        rows.append(row)
    start = parser["parser"]["start_states"]["start"]
    end = parser["parser"]["end_states"]["start"]
    return Tables(terminals, tuple(rules), tuple(rows), start, end)


def _terminal(data: dict[str, Any], ignored: set[str]) -> Terminal:
    pattern = data["pattern"]
    is_word = pattern["__type__"] == "PatternStr"
    return Terminal(
        name=data["name"],
        # a: of other letters' cases, SQLite knows nothing; İS and ſelect are names
        pattern=("(?ai:%s)" if "i" in pattern["flags"] else "(?:%s)") % pattern["value"],
        word=pattern["value"] if is_word else None,
        priority=data["priority"],
        ignored=data["name"] in ignored,
    )


def _rule(data: dict[str, Any]) -> Rule:
    origin = data["origin"]["name"]
    expansion = data["expansion"]
    return Rule(
        origin=origin,
        name=data["alias"] or origin,
        size=len(expansion),
        through=len(expansion) == 1 and data["options"]["expand1"] and not data["alias"],
        helper=origin.startswith("_"),
        splice=any(
            symbol["__type__"] == "NonTerminal" and symbol["name"].startswith("_")
            for symbol in expansion
        ),
    )


# ---------------------------------------------------------------- the cache


def _cache_path(grammar: str) -> Path | None:
    """Where the tables of this grammar are kept; None without a home or lark."""
    try:
        home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        lark = _lark()
    except Exception:
        return None
    if not os.path.isabs(home):
        return None
    key = "\0".join((grammar, lark, sys.version, str(LAYOUT)))
    return Path(home) / "epql" / f"tables-{digest(key.encode())[:12].hex()}.json"


def _lark() -> str:
    """The first file of lark, which says its version; importlib.metadata would be slow to ask."""
    spec = find_spec("lark")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).read_text(encoding="utf-8")


def _load(path: Path | None) -> Tables | None:
    try:
        if path is None:
            return None
        head, body = path.read_bytes().split(b"\n", 1)
        if digest(body).hex().encode() != head:
            return None
        return msgspec.json.decode(body, type=Tables)
    except Exception:
        return None


def _save(path: Path | None, made: Tables) -> None:
    try:
        if path is None:
            return
        import tempfile  # only where tables were made

        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        body = msgspec.json.encode(made)
        head = digest(body).hex().encode()
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(head + b"\n" + body)
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
    except Exception:
        return
