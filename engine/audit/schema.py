"""The tables of audit.db, folded from the chains. docs/formats/audit.md explains them.

What is said again and again (who asked what, how) stands once, in `form`; an assertion that was
read is a number here, whatever the index of the database calls it.
"""

from __future__ import annotations

NAME = "audit.db"
SCHEMA_VERSION = 1

SCHEMA = """
CREATE TABLE chain(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, digest BLOB,
  offset INTEGER, last_at INTEGER, seen INTEGER NOT NULL, problem TEXT);

CREATE TABLE agent(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE form(id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, text TEXT NOT NULL,
  purpose TEXT, kind TEXT NOT NULL, relations TEXT NOT NULL, zone TEXT NOT NULL,
  lifecycle TEXT NOT NULL, resolve TEXT NOT NULL, clauses TEXT NOT NULL,
  unfiltered INTEGER NOT NULL);
CREATE TABLE query(id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, chain INTEGER NOT NULL,
  offset INTEGER NOT NULL, place INTEGER NOT NULL, at INTEGER NOT NULL, agent INTEGER NOT NULL,
  form INTEGER NOT NULL, params TEXT, tx INTEGER NOT NULL, clock INTEGER NOT NULL,
  count INTEGER, reads INTEGER, complete INTEGER, answer BLOB, findings TEXT, error TEXT);
CREATE INDEX query_at ON query(at);
CREATE INDEX query_agent ON query(agent, at);
CREATE INDEX query_chain ON query(chain);

CREATE TABLE assertion(id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE);
CREATE TABLE read(assertion INTEGER NOT NULL, query INTEGER NOT NULL, state INTEGER NOT NULL,
  exact INTEGER NOT NULL, PRIMARY KEY(assertion, query, state)) WITHOUT ROWID;
CREATE INDEX read_query ON read(query);
CREATE TABLE early(query BLOB PRIMARY KEY, chain INTEGER NOT NULL, record BLOB NOT NULL)
  WITHOUT ROWID;
"""
