"""The manual is complete: codes, relations, statements, clauses; its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from epql import nodes
from epql.carried_out import NOT_YET
from epql.engine.vtab.register import RELATIONS
from tests.docs.codes import codes
from tests.docs.pages import DOCS, ROOT, anchor, headings_of, links_of, name_of, pages

LANGUAGE = DOCS / "language"
ERRORS = (LANGUAGE / "errors.md").read_text()
FINDINGS = ERRORS.partition("## What epql verify finds")[2]
ROWS = re.findall(r"^\| `([a-z]+\.[a-z_]+)` \| ([\w, ]+) \|", ERRORS, re.MULTILINE)
STATEMENTS = {
    nodes.Query: ["SELECT"],
    nodes.Transition: ["TRANSITION", "PROMOTE", "REJECT"],
    nodes.Impact: ["IMPACT OF"],
    nodes.Replay: ["REPLAY QUERY"],
    nodes.Trace: ["TRACE QUERIES"],
    nodes.ScratchChange: ["UPDATE", "DELETE"],
    nodes.ScratchDefinition: ["CREATE TEMP TABLE", "CREATE INDEX", "DROP TABLE", "DROP INDEX"],
}
"""What a node is called where that is not its own name in capitals."""


def _headings() -> set[str]:
    found: set[str] = set()
    for page in LANGUAGE.glob("*.md"):
        for heading in headings_of(page.read_text()):
            found.update(heading.split(", "))
    return found


def test_every_code_of_the_source_is_in_the_page() -> None:
    told = {code for code, _ in ROWS} | set(re.findall(r"`([a-z]+\.[a-z_]+)`", FINDINGS))
    missing = sorted(set(codes()) - told)
    assert not missing, f"not in docs/language/errors.md: {', '.join(missing)}"


def test_every_code_of_the_page_is_in_the_source() -> None:
    told = [code for code, _ in ROWS]
    assert len(told) == len(set(told)), "a code stands twice"
    assert not sorted(set(told) - set(codes())), "no longer in the source"


def test_every_code_is_provoked_by_a_test() -> None:
    texts = [
        path.read_text(errors="replace")
        for path in (ROOT / "tests").rglob("*")
        if path.suffix in (".py", ".test", ".txt") and path.parent.name != "docs"
    ]
    assert [code for code in sorted(codes()) if not any(code in text for text in texts)] == []


def test_codes_have_the_classes_the_page_says() -> None:
    wrong = [
        f"{code}: the source has {', '.join(sorted(classes))}"
        for code, told in ROWS
        if not (classes := codes()[code]) <= set(told.split(", "))
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", RELATIONS)
def test_relations_have_the_columns_the_page_says(name: str) -> None:
    page = (LANGUAGE / "relations.md").read_text()
    section = page.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    told = re.findall(r"^\| `(\w+)` \| (\w+) \| (.+) \|$", section, re.MULTILINE)
    assert [(column, kind, meaning.replace("`", "")) for column, kind, meaning in told] == [
        (c.name, c.type or "any", c.doc) for c in RELATIONS[name].columns
    ]
    hidden = re.findall(r"^Hidden, in this order: (.*)\.$", section, re.MULTILINE)
    assert hidden == [", ".join(f"`{one}`" for one in RELATIONS[name].hidden)]


@pytest.mark.parametrize("node", get_args(nodes.Statement))
def test_every_statement_has_a_section(node: type) -> None:
    if node in NOT_YET:
        return
    words = " ".join(re.findall(r"[A-Z][a-z]+", node.__name__)).upper()
    for name in STATEMENTS.get(node, [words]):
        assert name in _headings()


@pytest.mark.parametrize("clause", nodes.Clauses.__struct_fields__)
def test_every_clause_has_a_section(clause: str) -> None:
    name = "RESOLVE BY" if clause == "resolve" else clause.replace("_", " ").upper()
    assert name in _headings()


def test_what_is_not_available_is_listed() -> None:
    page = (LANGUAGE / "not-yet.md").read_text()
    assert not [name for name in sorted(NOT_YET.values()) if f"\n### {name}" not in page]


def test_every_decision_is_listed() -> None:
    folder = DOCS / "decisions"
    listed = set(links_of((folder / "README.md").read_text()))
    assert listed == {page.name for page in folder.glob("[0-9]*.md")}


def test_every_page_of_the_language_is_listed() -> None:
    listed = set(links_of((LANGUAGE / "index.md").read_text()))
    assert {page.name for page in LANGUAGE.glob("*.md")} - {"index.md"} <= listed


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_files_that_are_named_exist(page: Path) -> None:
    named = re.findall(r"`((?:epql|engine|grammar|repl|tests)/[\w/]*(?:\.\w+)?)`", page.read_text())
    assert not [name for name in named if not (ROOT / name).exists()]


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for link in links_of(page.read_text()):
        if "://" in link:
            continue
        path, _, place = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        name = str(target.relative_to(ROOT))
        assert target.exists(), f"{link}: there is no {name}"
        if place:
            anchors = {anchor(heading) for heading in headings_of(target.read_text())}
            assert place in anchors, f"{link}: {name} has no heading for #{place}"


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_every_page_is_in_the_nav_of_the_site(page: Path) -> None:
    nav = (ROOT / "mkdocs.yml").read_text().partition("\nnav:\n")[2].partition("\n\n")[0]
    name = str(page.relative_to(DOCS))
    if re.match(r"decisions/\d", name):  # decisions/README.md lists them
        return
    assert re.search(rf"(: |- ){re.escape(name)}$", nav, re.MULTILINE), (
        f"docs/{name} is a new page: give it a line in the nav of mkdocs.yml"
    )
