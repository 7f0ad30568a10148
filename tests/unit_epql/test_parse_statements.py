"""The statements that are not SELECT, scripts, and parameters."""

from __future__ import annotations

from typing import Any

import pytest
from sqlglot import exp

from epql import nodes
from epql.engine.errors import Error
from epql.parse import is_complete, parse, parse_script, split


def value(node: Any) -> Any:
    """A literal's or parameter's own value; the rest as it is."""
    if isinstance(node, exp.Neg):
        return "-" + node.this.this
    return node.this if isinstance(node, exp.Expr) else node


def test_assert_takes_every_option_in_any_order() -> None:
    text = (
        "ASSERT ('s', 'p', 'o'), (?, ?, 5) RETURNING id, tx DRY RUN REASON 'r' IF CURRENT 'a:12' "
        "KEY 'k' QUALIFIED (unit = 'm', 'a b' = -2) BECAUSE 'a:1', 'a:2' VALID FROM 'f' TO 't' "
        "SOURCE 'x' LIFECYCLE APPROVED CONFIDENCE 0.9 AGENT 'me'"
    )
    found = parse(text).statement
    assert isinstance(found, nodes.Assert)
    assert [value(item.object) for item in found.triples] == ["o", "5"]
    assert [value(found.triples[1].subject), value(found.triples[1].predicate)] == [0, 1]
    options = (found.agent, found.confidence, found.lifecycle, found.source, found.key)
    assert [value(item) for item in options] == ["me", "0.9", "approved", "x", "k"]
    assert [value(item) for item in found.because] == ["a:1", "a:2"]
    assert [(name, value(item)) for name, item in found.qualified] == [("unit", "m"), ("a b", "-2")]
    assert found.valid is not None and found.valid.form == "from_to"
    assert (value(found.if_current), found.if_none) == ("a:12", False)
    assert (value(found.reason), found.returning, found.dry_run) == ("r", ("id", "tx"), True)


def test_assert_alone() -> None:
    found = parse("ASSERT ('s', 'p', NULL)").statement
    assert isinstance(found, nodes.Assert)
    assert found == nodes.Assert(found.triples, found.span)


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("'a:1f3c'", nodes.IdTarget),
        ("?", nodes.IdTarget),
        ("('s', 'p')", nodes.SlotTarget),
        ("('s', :p, 'o')", nodes.SlotTarget),
        ("(SELECT id FROM assertions)", nodes.QueryTarget),
    ],
)
def test_targets(text: str, target: type) -> None:
    for verb in ("PROMOTE {}", "TRANSITION {} TO review", "RETRACT {}", "SUPERSEDE {} WITH 'o'"):
        found: Any = parse(verb.format(text)).statement
        assert isinstance(found.target, target)


def test_transition_promote_reject() -> None:
    found = parse("TRANSITION 'a:12' TO Review REASON 'x' RETURNING *").statement
    assert isinstance(found, nodes.Transition)
    assert (found.verb, value(found.state), found.returning) == ("transition", "review", ("*",))
    for verb in ("promote", "reject"):
        found = parse(f"{verb} 'a:12' DRY RUN").statement
        assert isinstance(found, nodes.Transition)
        assert (found.verb, found.state, found.dry_run) == (verb, None, True)


def test_retract_and_supersede() -> None:
    retract = parse("RETRACT ('s', 'p') REASON 'x' CASCADE").statement
    assert isinstance(retract, nodes.Retract) and retract.cascade
    supersede = parse("SUPERSEDE ('s', 'p') WITH 5 FROM '2026' CONFIDENCE 1 SOURCE 'x'").statement
    assert isinstance(supersede, nodes.Supersede) and supersede.since is not None
    assert (value(supersede.object), value(supersede.confidence)) == ("5", "1")


def test_declarations() -> None:
    text = "DEFINE PREDICATE speaks TYPE text CARDINALITY MANY HALF LIFE '180d'"
    found = parse(text).statement
    assert isinstance(found, nodes.DefinePredicate)
    assert (value(found.name), found.cardinality, found.type) == ("speaks", "many", "text")
    assert value(found.half_life) == "180d"
    epoch = parse("MARK EPOCH 'r1'").statement
    assert isinstance(epoch, nodes.MarkEpoch) and value(epoch.name) == "r1"


@pytest.mark.parametrize(
    ("text", "read_only", "clause"),
    [
        ("BEGIN", False, None),
        ("BEGIN TRANSACTION", False, None),
        ("BEGIN READ ONLY", True, None),
        ("BEGIN READ ONLY TRANSACTION AS OF TX 1", True, "as_of"),
        ("BEGIN LIFECYCLE approved", False, "lifecycle"),
    ],
)
def test_begin(text: str, read_only: bool, clause: str | None) -> None:
    found = parse(text).statement
    assert isinstance(found, nodes.Begin) and found.read_only is read_only
    assert [name for name in nodes.Clauses.__struct_fields__ if getattr(found.clauses, name)] == (
        [clause] if clause else []
    )


@pytest.mark.parametrize("text", ["COMMIT", "commit transaction", "ROLLBACK", "ROLLBACK;"])
def test_commit_and_rollback(text: str) -> None:
    assert isinstance(parse(text).statement, nodes.Commit | nodes.Rollback)


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("SET AGENT 'me'", "agent", "me"),
        ("SET AGENT ?", "agent", 0),
        ("SET PURPOSE 'p'", "purpose", "p"),
        ("SET TIME ZONE 'Europe/Berlin'", "time zone", "Europe/Berlin"),
        ("SET NOTICES off", "notices", "off"),
        ("SET FUSE ON", "fuse", "on"),
    ],
)
def test_set_of_a_name(text: str, name: str, expected: Any) -> None:
    found = parse(text).statement
    assert isinstance(found, nodes.Set)
    assert (found.name, value(found.value)) == (name, expected)


def test_set_of_clauses() -> None:
    found = parse("SET AS OF NOW LIFECYCLE approved").statement
    assert isinstance(found, nodes.Set) and found.name is None
    assert found.clauses.as_of and found.clauses.lifecycle


def test_import_and_explain() -> None:
    found = parse("IMPORT HISTORY FROM 'f.jsonl' FORMAT JSONL").statement
    assert isinstance(found, nodes.ImportHistory)
    assert (value(found.path), found.format) == ("f.jsonl", "jsonl")
    for text in ("EXPLAIN SELECT 1 AS OF TX 1", "EXPLAIN QUERY PLAN SELECT 1 AS OF TX 1"):
        explain = parse(text).statement
        assert isinstance(explain, nodes.Explain) and explain.query.clauses.as_of


# ---------------------------------------------------------------- parameters


@pytest.mark.parametrize(
    ("text", "positional", "named"),
    [
        ("SELECT 1", 0, ()),
        ("SELECT ?, ?", 2, ()),
        ("SELECT ?3", 3, ()),
        ("SELECT ?2, ?", 3, ()),
        ("SELECT ? FROM b LIFECYCLE ? AS OF ? - ?", 4, ()),
        ("SELECT :a, @b, $a", 0, ("a", "b")),
        ("ASSERT (?, ?, ?) AGENT ? LIFECYCLE ? VALID FROM ?", 6, ()),
    ],
)
def test_parameters_are_counted(text: str, positional: int, named: tuple[str, ...]) -> None:
    parsed = parse(text)
    assert (parsed.positional, tuple(parsed.named)) == (positional, named)


# ---------------------------------------------------------------- scripts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" ;; -- x\n; /* y; */ ", []),
        ("SELECT 1", ["SELECT 1"]),
        ("SELECT 1;", ["SELECT 1"]),
        ("SELECT ';' ; SELECT \";\"; SELECT [;]; SELECT `;`", None),
        ("-- a; b\nSELECT 1; /* ; */ COMMIT", ["SELECT 1", "COMMIT"]),
        ("SELECT 'a''; b'; x", ["SELECT 'a''; b'", "x"]),
        ("broken ( ; SELECT 2", ["broken (", "SELECT 2"]),
        ("SELECT 'open; SELECT 2", ["SELECT 'open; SELECT 2"]),
        ("SELECT 1 - -1; SELECT 4 / 2", ["SELECT 1 - -1", "SELECT 4 / 2"]),
    ],
)
def test_split(text: str, expected: list[str] | None) -> None:
    found = split(text)
    assert found == expected if expected is not None else len(found) == 4


@pytest.mark.parametrize(
    ("text", "complete"),
    [
        ("", True),
        ("-- x", True),
        ("SELECT 1", False),
        ("SELECT 1;", True),
        ("SELECT 1; -- x", True),
        ("SELECT ';", False),
        ("SELECT ';'", False),
        ("SELECT 1; SELECT", False),
        ("SELECT 1; /* x", False),
        ("SELECT '\n;\n", False),
    ],
)
def test_is_complete(text: str, complete: bool) -> None:
    assert is_complete(text) is complete


def test_a_script_is_parsed_one_by_one() -> None:
    script = parse_script("COMMIT; SELECT 1; nonsense")
    assert isinstance(next(script).statement, nodes.Commit)
    assert next(script).text == "SELECT 1"
    with pytest.raises(Error):
        next(script)


def test_text_before_and_after_a_statement_is_kept_for_the_spans() -> None:
    parsed = parse("\n  -- hello\n  SELECT 1 ; ")
    assert isinstance(parsed.statement, nodes.Query)
    assert parsed.text[slice(*parsed.statement.span)] == "SELECT 1"
