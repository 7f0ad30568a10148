"""Statements of other systems, known by their first words: what EPQL has instead."""

from __future__ import annotations

import re

from epql.engine.errors import ProgrammingError, Span

_WORDS = re.compile(r"(?:[ \t\r\n\f]|--[^\n]*\n|/\*(?:[^*]|\*+[^*/])*\*+/)*([A-Za-z_]+)")

FOREIGN = {
    "REPLACE": "a new value for a slot is asserted: ASSERT (subject, predicate, object)",
    "MERGE": "a new value for a slot is asserted: ASSERT (subject, predicate, object)",
    "UPSERT": "a new value for a slot is asserted: ASSERT (subject, predicate, object)",
    "CREATE TABLE": "a scratch table is made with CREATE TEMP TABLE",
    "CREATE VIEW": "a query gets a name with DEFINE QUERY name AS SELECT …",
    "CREATE TEMP VIEW": "a query gets a name with DEFINE QUERY name AS SELECT …",
    "CREATE TRIGGER": "EPQL has no triggers; FORBID says what may not be asserted",
    "CREATE TEMP TRIGGER": "EPQL has no triggers; FORBID says what may not be asserted",
    "CREATE VIRTUAL": "a scratch table is made with CREATE TEMP TABLE",
    "DROP VIEW": "a named query goes with DROP QUERY name",
    "DROP TRIGGER": "EPQL has no triggers",
    "CREATE OR REPLACE": "a query gets a name with DEFINE QUERY name AS SELECT …",
    "CREATE FUNCTION": "a query gets a name with DEFINE QUERY name AS SELECT …",
    "CREATE PROCEDURE": "a query gets a name with DEFINE QUERY name AS SELECT …",
    "CREATE DATABASE": "a database is a folder of its own; open it with epql.connect",
    "CREATE SCHEMA": "a database is a folder of its own; open it with epql.connect",
    "CREATE USER": "who says something is an agent: SET AGENT 'ann'",
    "CREATE ROLE": "who says something is an agent: SET AGENT 'ann'",
    "GRANT": "who may read is settled by the files' rights; who said it, by AGENT",
    "REVOKE": "who may read is settled by the files' rights; who said it, by AGENT",
    "COPY": "data goes in and out with IMPORT FROM 'file' and EXPORT (SELECT …) TO 'file'",
    "LOAD": "data goes in and out with IMPORT FROM 'file' and EXPORT (SELECT …) TO 'file'",
    "UNLOAD": "data goes in and out with IMPORT FROM 'file' and EXPORT (SELECT …) TO 'file'",
    "CALL": "there are no procedures; a query with a name is DEFINE QUERY name AS SELECT …",
    "EXEC": "there are no procedures; a query with a name is DEFINE QUERY name AS SELECT …",
    "EXECUTE": "there are no procedures; a query with a name is DEFINE QUERY name AS SELECT …",
    "DECLARE": "values are given as parameters: ? or :name",
    "PREPARE": "statements are kept by their text; give values as parameters: ? or :name",
    "LOCK": "a write guards itself: ASSERT … IF NONE, or IF CURRENT 'a:1f3c9e'",
    "COMMENT": "why something is believed is said with REASON 'text'",
    "OPTIMIZE": "the engine keeps its files in order itself",
    "LISTEN": "what changed is read with SELECT * FROM beliefs DIFF SINCE '-1h'",
    "ALTER": "predicates are declared with DEFINE PREDICATE",
    "TRUNCATE": "DELETE FROM empties a scratch table; beliefs are withdrawn with RETRACT",
    "PRAGMA": "settings are made with SET and DEFINE POLICY",
    "ATTACH": "a database is a folder of its own; open it with epql.connect",
    "DETACH": "a database is a folder of its own; open it with epql.connect",
    "VACUUM": "the engine keeps its files in order itself",
    "ANALYZE": "the engine keeps its statistics itself",
    "REINDEX": "the index is rebuilt from the journal with epql rebuild PATH, on the command line",
    "SAVEPOINT": "a transaction is BEGIN … COMMIT; it has no savepoints",
    "RELEASE": "a transaction is BEGIN … COMMIT; it has no savepoints",
    "START": "a transaction begins with BEGIN",
    "END": "a transaction ends with COMMIT or ROLLBACK",
    "ABORT": "a transaction ends with COMMIT or ROLLBACK",
    "USE": "a database is a folder of its own; open it with epql.connect",
}
"""First words other systems know, with what to do here; TEMPORARY counts as TEMP."""


def check(text: str, place: Span) -> None:
    """Raise for a statement of another system; return for all others."""
    words: list[str] = []
    position = place.start
    span = place
    for _ in range(3):
        found = _WORDS.match(text, position)
        if found is None:
            break
        words.append(found.group(1).upper().replace("TEMPORARY", "TEMP"))
        if len(words) == 1:
            if words[0] not in _FIRST:
                return
            span = Span(*found.span(1))
        position = found.end()
    for size in (3, 2, 1):
        name = " ".join(words[:size])
        if name in FOREIGN:
            raise ProgrammingError(
                f"EPQL has no {name}", code="statement.foreign", span=span, hint=FOREIGN[name]
            )


_FIRST = {name.split()[0] for name in FOREIGN}
