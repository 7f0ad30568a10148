"""Completing dot commands: their names, then what each argument takes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from epql.output.cells import cut, escape
from epql.parse.ahead import Slot
from epql.repl.match import fit
from epql.repl.offer import Command, Completion, Item, Source
from epql.repl.words import KINDS, words

Statements = Callable[[str, int, Source], list[Completion]]
"""Completes a statement."""

_WORD = re.compile(r"""'(?:[^']|'')*(?:'|\Z)|"[^"]*(?:"|\Z)|[^\s'"]\S*""")
_MEANT = {
    "states": "state", "name": "agent", "instant": "instant", "statement": "query",
}  # fmt: skip
"""What the help of a command calls a kind."""
_ASKED = ("subject", "predicate", "object", "agent", "epoch", "topic", "id", "rule")
_SHOWN = 60


def complete(text: str, cursor: int, source: Source, statements: Statements) -> list[Completion]:
    """What may stand at the cursor of a dot command; a query in it is completed as a statement."""
    begin = len(text) - len(text.lstrip())
    if cursor <= begin:
        return []
    line = text[begin:cursor]
    name, blank, rest = _parted(line)
    if not blank:
        return list(_names(name, begin, source))
    known = next((one for one in source.commands() if one.name == name.lower()), None)
    if known is None:
        return []
    arguments = _arguments(known)
    offset = begin + len(name) + len(blank)
    if arguments[:1] == ["query"]:
        found = statements(rest + text[cursor:], len(rest), source)
        return [one._replace(start=one.start + offset) for one in found]
    return list(_values(rest, offset, arguments, source))


def _parted(line: str) -> tuple[str, str, str]:
    name = re.match(r"\S*", line)[0]  # type: ignore[index]
    rest = line[len(name) :]
    blank = rest[: len(rest) - len(rest.lstrip())]
    return name, blank, rest[len(blank) :]


def _arguments(command: Command) -> list[str]:
    return command.takes.replace("[", "").replace("]", "").split()


def _names(typed: str, start: int, source: Source) -> Iterator[Completion]:
    ranked = []
    for place, command in enumerate(source.commands()):
        fits = fit(typed.lstrip("."), command.name.lstrip("."))
        if fits is not None and command.name != typed:
            ranked.append((fits, place, command))
    for _, _, command in sorted(ranked):
        shown = f"{command.name} {command.takes}".strip()
        yield Completion(command.name, start, shown, "command", command.about)


def _values(rest: str, offset: int, arguments: list[str], source: Source) -> Iterator[Completion]:
    """The values of the argument that is being typed."""
    parts = list(_WORD.finditer(rest))
    typed, start = "", len(rest)
    if parts and parts[-1].end() == len(rest):
        typed, start = parts[-1][0], parts[-1].start()
        parts.pop()
    if len(parts) >= len(arguments):
        return
    quote = typed[:1] if typed[:1] in ("'", '"') else ""
    before = [_bare(part[0]) for part in parts]
    kind = arguments[len(parts)]
    for item in _items(_MEANT.get(kind, kind), _bare(typed), before, arguments, source):
        written = _written(item, quote)
        if written != typed:
            shown = cut(escape(item.name), _SHOWN)
            called = "word" if "|" in kind else kind
            yield Completion(written, offset + start, shown, called, item.about)


def _items(
    kind: str, typed: str, before: list[str], arguments: list[str], source: Source
) -> list[Item]:
    if kind == "file":
        return list(source.files(typed))
    if kind in _ASKED:
        is_slot = arguments[:1] == ["subject"] and before
        return list(source.find(kind, typed, Slot(before[0]) if is_slot else Slot()))
    if kind == "relation":
        found = [Item(table.name, table.about) for table in source.tables()]
    elif kind == "command":
        found = [Item(one.name, one.about) for one in source.commands()]
    elif kind in KINDS:
        found = list(words(kind, None))
    else:
        found = [Item(word) for word in kind.split("|")] if "|" in kind else []
    ranked = [
        (fits, n, item)
        for n, item in enumerate(found)
        if (fits := fit(typed, item.name)) is not None
    ]
    return [item for _, _, item in sorted(ranked)]


def _bare(word: str) -> str:
    """An argument without its quotes, which may be open still."""
    quote = word[:1]
    if quote not in ("'", '"'):
        return word
    inner = word[1:-1] if len(word) > 1 and word.endswith(quote) else word[1:]
    return inner.replace("''", "'") if quote == "'" else inner


def _written(item: Item, quote: str) -> str:
    """A value as an argument: in quotes where they are open or where it has blanks."""
    if not quote and not re.search(r"[\s'\"]", item.name):
        return item.name
    quote = quote or "'"
    inner = item.name.replace("'", "''") if quote == "'" else item.name
    return quote + inner + ("" if item.form == "open" else quote)
