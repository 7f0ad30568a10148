"""What the manual shows of the grammar is what the grammar says, and it shows all statements."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

from tests.docs import ebnf, grammar
from tests.docs.generated import refreshed, rules_of
from tests.docs.pages import DOCS, REWRITE, name_of, pages

LANGUAGE = DOCS / "language"
REMEDY = "not current: run make docs-answers and review the diff"


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_made_parts_are_current(page: Path) -> None:
    text = page.read_text()
    assert REWRITE or refreshed(text, page.name) == text, REMEDY


def test_every_statement_has_its_syntax_on_a_page() -> None:
    shown = {rule for page in LANGUAGE.glob("*.md") for rule in rules_of(page.read_text())}
    assert not sorted(set(grammar.statements()) - shown)


def test_what_has_a_page_of_its_own_is_not_said_to_be_missing() -> None:
    coming = LANGUAGE / "not-yet.md"
    others = [page.read_text() for page in LANGUAGE.glob("*.md") if page != coming]
    shown = {rule for text in others for rule in rules_of(text)}
    assert not sorted(shown & set(rules_of(coming.read_text())))


def test_every_clause_has_its_syntax_on_a_page() -> None:
    shown = {rule for page in LANGUAGE.glob("*.md") for rule in rules_of(page.read_text())}
    assert not sorted(set(grammar.clauses()) - shown)


def test_every_term_is_explained_where_its_link_leads() -> None:
    places = {place.partition("#")[0] for _, place in grammar.TERMS.values()}
    assert all((LANGUAGE / place).exists() for place in places)


def test_docstrings_run() -> None:
    for module in (ebnf, grammar):
        result = doctest.testmod(module)
        assert result.attempted and not result.failed
