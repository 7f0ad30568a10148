"""Rules found by their keys are those that SQLite's GLOB finds in a loop over all of them."""

from __future__ import annotations

import sqlite3
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import epql
from epql.engine.index import rules

_TEXTS = st.text(alphabet="ab/*?[]^-é\x01", min_size=1, max_size=6).filter(str.strip)
_NAMES = st.sampled_from(["a", "ab", "a/b", "a/b/c", "b", "a*b", "a[b]", "é", "]"]) | _TEXTS
_NUMBERS = st.sampled_from([1, 1.0, 0, -0.0, 2**53 + 1, float(2**53), 0.1 + 0.2, 0.3])
_OBJECTS = _NAMES | _NUMBERS | st.sampled_from(["1", "*", "a\0b"])
_WILD = st.sampled_from(["*", "a*", "a/*", "*b", "?", "[ab]*", "[^a]", "a[*]b", "[[]*", "a[]]*"])
_PATTERNS = _WILD | _NAMES
_LITE = sqlite3.connect(":memory:")


def _globs(text: str, pattern: str) -> bool:
    return bool(_LITE.execute("SELECT ? GLOB ?", (text, pattern)).fetchone()[0])


def _meets(triple: tuple[str, str, Any], rule: tuple[str, str, Any]) -> bool:
    """Whether a triple meets a rule, as the language says it."""
    if not (_globs(triple[0], rule[0]) and _globs(triple[1], rule[1])):
        return False
    obj, pattern = triple[2], rule[2]
    if pattern == "*":
        return True
    if isinstance(obj, str) != isinstance(pattern, str):
        return False
    return _globs(obj, pattern) if isinstance(obj, str) else bool(obj == pattern)


def _is_pattern(value: Any) -> bool:
    try:
        rules.check_object_pattern(value)
    except epql.Error:
        return False
    return True


_RULES = st.tuples(_PATTERNS, _PATTERNS, (_PATTERNS | _NUMBERS)).filter(
    lambda rule: all(map(_is_pattern, rule))
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(_RULES, max_size=25),
    st.lists(st.tuples(_NAMES, _NAMES, _OBJECTS), min_size=1, max_size=10),
)
def test_the_index_finds_what_a_loop_finds(
    made: list[tuple[str, str, Any]], asked: list[tuple[str, str, Any]]
) -> None:
    with epql.connect(":memory:", agent="t", autocommit=True) as con:
        kept: list[tuple[str, tuple[str, str, Any]]] = []
        for number, rule in enumerate(made):
            text = "FORBID (?, ?, ?) REASON ? RETURNING id"
            ((name,),) = con.execute(text, (*rule, str(number))).fetchall()
            kept.append((name, rule))
        for name, _ in kept[::4]:
            con.execute("REPEAL ?", (name,))
        in_force = [one for number, one in enumerate(kept) if number % 4]
        for triple in asked:
            rows = con.execute("CHECK (?, ?, ?)", triple).fetchall()
            expected = [name for name, rule in in_force if _meets(triple, rule)]
            assert [row[4] for row in rows] == expected
            is_refused = False
            try:
                con.execute("ASSERT (?, ?, ?) DRY RUN", triple)
            except epql.IntegrityError as error:
                is_refused = error.code == "rule.forbidden"
            assert is_refused == bool(expected)
