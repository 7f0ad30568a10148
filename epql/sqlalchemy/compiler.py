"""Where EPQL's text differs from what SQLAlchemy writes for SQLite. The rest is SQLite's."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy.dialects.sqlite.base import (
    SQLiteCompiler,
    SQLiteDDLCompiler,
    SQLiteIdentifierPreparer,
)
from sqlalchemy.schema import CreateTable, ForeignKeyConstraint

_CREATE = re.compile(r"^(\s*)CREATE TABLE")


class EPQLIdentifierPreparer(SQLiteIdentifierPreparer):
    """Quotes the words that are no names; EPQL's own words mostly are names, too."""

    reserved_words = {*SQLiteIdentifierPreparer.reserved_words, "recursive", "with"}  # noqa: RUF012


class EPQLCompiler(SQLiteCompiler):
    """A hint of a table is its clauses: `select(t).with_hint(t, "AS OF '-24h'")`."""

    def get_from_hint_text(self, table: Any, text: str | None) -> str | None:
        """As it is said, after the table and its alias."""
        return text


class EPQLDDLCompiler(SQLiteDDLCompiler):
    """Tables that are created are scratch tables, if the engine says `scratch=True`.

    They have no foreign keys: those of a Table say how tables are joined, and stay in Python.
    """

    dialect: Any  # an EPQLDialect, which imports this module

    def visit_create_table(self, create: CreateTable, **kw: Any) -> str:
        """CREATE TEMP TABLE …: without TEMP it is EPQL that refuses, and says why."""
        return self._scratch(super().visit_create_table(create, **kw))  # type: ignore[no-untyped-call]

    def visit_create_table_as(self, element: Any, **kw: Any) -> str:
        """CREATE TEMP TABLE … AS."""
        return self._scratch(super().visit_create_table_as(element, **kw))

    def _scratch(self, text: str) -> str:
        if not self.dialect.scratch:
            return text
        return _CREATE.sub(r"\1CREATE TEMPORARY TABLE", text, count=1)

    def visit_foreign_key_constraint(self, constraint: ForeignKeyConstraint, **kw: Any) -> Any:
        """Nothing."""
        return None
