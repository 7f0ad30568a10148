"""Statements known by their first words: those still to come, and those that never will."""

from __future__ import annotations

import re

from epql.engine.errors import Error, NotSupportedError, ProgrammingError, Span

_WORDS = re.compile(r"(?:[ \t\r\n\f]|--[^\n]*\n|/\*.*?\*/)*([A-Za-z_]+)", re.DOTALL)

NOT_YET = (
    "ASSERT SELECT", "CORRECT", "REVIVE", "CONFIRM", "VOTE", "FORBID", "REPEAL", "CHECK", "WHY",
    "TRACE", "IMPACT", "REPLAY", "BLAME", "BISECT", "DEFINE POLICY", "DEFINE AGENT",
    "DEFINE TOPIC", "EXPORT", "BACKUP", "RESTORE", "ERASE", "SHOW", "DESCRIBE",
    "VERIFY", "HISTORY", "INSERT", "CREATE TEMP TABLE", "CREATE TEMPORARY TABLE", "DROP TABLE",
)  # fmt: skip
"""Statements of the language that are not available yet, by their first words."""

SCOPE = (
    "did the world change: SUPERSEDE; were we wrong: CORRECT; is it withdrawn: RETRACT; "
    "must it vanish: ERASE"
)

FOREIGN = {
    "REPLACE": "a new value for a slot is asserted: ASSERT (subject, predicate, object)",
    "MERGE": "a new value for a slot is asserted: ASSERT (subject, predicate, object)",
    "UPSERT": "a new value for a slot is asserted: ASSERT (subject, predicate, object)",
    "CREATE": "only scratch tables are created: CREATE TEMP TABLE",
    "ALTER": "predicates are declared with DEFINE PREDICATE",
    "TRUNCATE": SCOPE,
    "PRAGMA": "settings are made with SET and DEFINE POLICY",
    "ATTACH": "a database is a folder of its own; open it with epql.connect",
    "DETACH": "a database is a folder of its own; open it with epql.connect",
    "VACUUM": "the engine keeps its files in order itself",
    "ANALYZE": "the engine keeps its statistics itself",
    "REINDEX": "the index is rebuilt from the journal with VERIFY and RESTORE",
    "SAVEPOINT": "a transaction is BEGIN … COMMIT; it has no savepoints",
    "RELEASE": "a transaction is BEGIN … COMMIT; it has no savepoints",
    "START": "a transaction begins with BEGIN",
    "END": "a transaction ends with COMMIT or ROLLBACK",
    "ABORT": "a transaction ends with COMMIT or ROLLBACK",
    "USE": "a database is a folder of its own; open it with epql.connect",
}
"""First words other systems know, with what to do here."""


def check(text: str, place: Span) -> None:
    """Raise for a statement that is known but does not run; return for all others."""
    words: list[str] = []
    position = place.start
    first = position
    end = position
    for _ in range(3):
        found = _WORDS.match(text, position)
        if found is None:
            break
        words.append(found.group(1).upper())
        if len(words) == 1:
            first = found.start(1)
            end = found.end()
            if words[0] not in _FIRST:
                return
        position = found.end()
    if words:
        _refuse(words, Span(first, end))


def _refuse(words: list[str], span: Span) -> None:
    line = " ".join(words) + " "
    for name in NOT_YET:
        if line.startswith(name + " "):
            name = name.replace("TEMPORARY", "TEMP")
            shown = {"HISTORY": "HISTORY OF", "INSERT": "INSERT INTO"}.get(name, name)
            raise NotSupportedError(
                f"{shown} is not available yet", code="statement.not_yet", span=span
            )
    error = _foreign(words[0], span)
    if error is not None:
        raise error


def _foreign(word: str, span: Span) -> Error | None:
    if word in ("UPDATE", "DELETE"):
        return ProgrammingError(
            f"{word} would not say why the belief changes",
            code=f"statement.{word.lower()}",
            span=span,
            hint=SCOPE,
        )
    if word in FOREIGN:
        return ProgrammingError(
            f"EPQL has no {word}",
            code="statement.foreign",
            span=span,
            hint=FOREIGN[word],
        )
    return None


_FIRST = {name.split()[0] for name in NOT_YET} | set(FOREIGN) | {"UPDATE", "DELETE"}
_RUNNING = """
    SELECT WITH VALUES EXPLAIN ASSERT TRANSITION PROMOTE REJECT RETRACT SUPERSEDE DEFINE DROP MARK
    BEGIN COMMIT ROLLBACK SET IMPORT
"""
ALL_FIRST = sorted({name.split()[0] for name in NOT_YET} | set(_RUNNING.split()))
"""The first words of every statement of the language."""
