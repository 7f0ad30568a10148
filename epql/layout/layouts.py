"""How each rule of the grammar is laid out: a table from its name to a layout.

A rule that stands in no table is laid out by `_statement`: on one line if it fits, else with a
new line before each part that starts with a keyword. So a statement that is new to the grammar
needs nothing here.
"""

from __future__ import annotations

from collections.abc import Callable

from epql.layout.document import LINE, SPACE, Doc, Group, Items, Nest, Part, Word
from epql.layout.joining import CHAIN, LIST, is_kind, is_list, is_run, joined, settled

Layout = Callable[[str, list[Part]], Doc]
"""From a rule's name and its parts to its document."""


def layout_of(rule: str) -> Layout:
    """The layout of a rule."""
    return _LAYOUTS.get(rule, _statement)


# ---------------------------------------------------------------- of any rule


def _doc(rule: str, parts: list[Part], items: Items) -> Doc:
    return Doc(rule, items, parts[0].head, parts[-1].last)


def _statement(rule: str, parts: list[Part]) -> Doc:
    """All on one line, or a new line before each part that starts with a keyword."""
    if is_run(parts):
        return _open(LIST, parts)
    nest = Nest(joined(parts, breaks=True))
    made = _doc(rule, parts, [Group([nest])])
    made.nest = nest
    return made


def _open(rule: str, parts: list[Part]) -> Doc:
    """The same, but whether it breaks is for what it stands in to decide."""
    return _doc(rule, parts, joined(parts, breaks=True))


def _phrase(rule: str, parts: list[Part]) -> Doc:
    """Words with spaces between; only brackets break."""
    return _doc(rule, parts, joined(parts, breaks=False))


def _call(rule: str, parts: list[Part]) -> Doc:
    """The same, with no space before a bracket that follows a name."""
    return _doc(rule, parts, joined(parts, breaks=False, is_call=True))


def _tight(rule: str, parts: list[Part]) -> Doc:
    """No spaces at all; - - x stays apart, for -- would be a comment, and - NOT x for its looks."""
    items: Items = []
    for number, part in enumerate(parts):
        is_double = number and parts[number - 1].last.text == part.head.text[:1] == "-"
        if is_double or part.head.is_keyword:
            items.append(SPACE)
        items.append(settled(part))
    return _doc(rule, parts, items)


# ---------------------------------------------------------------- of some


def _chain(rule: str, parts: list[Part]) -> Doc:
    """left AND right …: on one line, or a new line before each operator."""
    left, operator, right = parts
    level = _LEVELS.get(operator.head.kind)
    if level is None:
        return _phrase(rule, parts)
    name = f"{CHAIN} {level}"
    if isinstance(left, Doc) and left.rule == name and left.nest is not None:
        made = left  # grown in place, for it may be very long
        made.last = right.last
    else:
        made = _doc(name, parts, [])
        made.nest = Nest([])
        made.items.append(Group([left, made.nest]))
    assert made.nest is not None
    made.nest.items += [LINE, operator, SPACE, right]
    return made


def _compound(rule: str, parts: list[Part]) -> Doc:
    """A branch a line (or more), each with its own decision whether to break."""
    left, *operator, right = parts
    if isinstance(left, Doc) and left.rule == rule:
        made = left
        made.last = right.last
    else:
        made = _doc(rule, parts, [Group([left])])
    settled(left)
    made.items += [LINE, *joined(operator, breaks=False), LINE, Group([right])]
    made.tail = _taken(right)
    return made


def _query(rule: str, parts: list[Part]) -> Doc:
    """Every clause of it on a line of its own, unless all fits on one."""
    items: Items = []
    for part in parts:
        if items:
            items.append(LINE)
        items += _lines(part)
    return _doc(rule, parts, [Group(items)])


def _select(rule: str, parts: list[Part]) -> Doc:
    """SELECT and its parts, to break where the query does.

    Clauses after a table stay with it if WHERE or the like follows; those at the very end are
    the statement's.
    """
    number = next(i for i, part in enumerate(parts) if is_list(part))
    items = joined(parts[: number + 1], breaks=False)
    tail = _taken(parts[-1])
    for part in parts[number + 1 :]:
        is_from = isinstance(part, Doc) and part.rule == "from"
        items += [LINE, *([settled(part)] if is_from else _lines(part))]
    made = _doc(rule, parts, items)
    made.tail = tail
    return made


def _lines(part: Part) -> Items:
    """A part, and each of its clauses, on a line of its own."""
    if isinstance(part, Doc) and part.rule == "clauses":
        return part.items
    items: Items = [part]
    for clause in _taken(part):
        items += [LINE, clause]
    return items


def _taken(part: Part) -> list[Part]:
    """The clauses that wait at the end of a part; they are the caller's now."""
    if not isinstance(part, Doc):
        return []
    tail, part.tail = part.tail, []
    return tail


def _with(rule: str, parts: list[Part]) -> Doc:
    items: Items = []
    for number, part in enumerate(parts):
        if number and not is_kind(part, "COMMA"):
            items.append(LINE if is_kind(parts[number - 1], "COMMA") else SPACE)
        items.append(settled(part))
    return _doc(rule, parts, items)


def _from(rule: str, parts: list[Part]) -> Doc:
    made = _doc(rule, parts, [parts[0], SPACE, parts[1]])
    made.tail = _taken(parts[1])
    return made


def _joins(rule: str, parts: list[Part]) -> Doc:
    """Each JOIN on a line of its own, with its condition if that fits."""
    left, *more = parts
    if isinstance(left, Doc) and left.rule == rule:
        made = left
    else:
        made = _doc(rule, parts, [left])
    assert isinstance(left, Doc)
    if more:
        settled(left)
        operator, source, *condition = more
        comma = operator.head.kind == "COMMA"
        made.items += [operator, Group([Nest([LINE])])] if comma else [LINE, operator, SPACE]
        made.items.append(settled(source) if condition else source)
        made.items += [Group([Nest([LINE, one])]) for one in condition]
    made.tail = _taken(parts[-1])
    made.last = parts[-1].last
    return made


def _source(rule: str, parts: list[Part]) -> Doc:
    """A table with its alias; clauses at its end wait, but DIFF and HISTORY are the table's."""
    *rest, last = parts
    if not (rest and isinstance(last, Doc) and last.rule == "clauses"):
        return _phrase(rule, parts)
    made = _doc(rule, parts, joined(rest, breaks=False))
    clauses = [item for item in last.items if isinstance(item, Doc)]
    while clauses and clauses[0].rule in ("diff", "history"):
        made.items += [SPACE, clauses.pop(0)]
    made.tail = list(clauses)
    return made


def _before_clauses(rule: str, parts: list[Part]) -> Doc:
    """WHERE, ON and the like; clauses after it are at the end of the query and wait."""
    *rest, last = parts
    if not (isinstance(last, Doc) and last.rule == "clauses"):
        return _open(rule, parts)
    made = _doc(rule, parts, joined(rest, breaks=False))
    made.tail = [item for item in last.items if isinstance(item, Doc)]
    return made


def _case(rule: str, parts: list[Part]) -> Doc:
    """Each WHEN on a line of its own, if not all fits on one."""
    items: Items = [parts[0]]
    inner: Items = []
    for part in parts[1:-1]:
        is_branch = isinstance(part, Doc) and part.rule == "when"
        starts = is_branch or (isinstance(part, Word) and part.kind == "ELSE")
        inner += [LINE if starts else SPACE, part]
    items += [Nest(inner), LINE, parts[-1]]
    return _doc(rule, parts, [Group(items)])


def _clauses(rule: str, parts: list[Part]) -> Doc:
    items: Items = []
    for part in parts:
        items += [LINE, part] if items else [part]
    return _doc(rule, parts, items)


def _flat(rule: str, parts: list[Part]) -> Doc:
    """A type and its size, never broken."""
    items: Items = []
    for number, part in enumerate(parts):
        if number and not (
            is_kind(part, "LPAR") or is_kind(part, "RPAR") or is_kind(part, "COMMA")
        ):
            items += [] if is_kind(parts[number - 1], "LPAR") else [SPACE]
        items.append(part)
    return _doc(rule, parts, items)


_LEVELS = {
    "AND": 1, "OR": 2, "PLUS": 3, "MINUS": 3, "STAR": 4, "SLASH": 4, "PERCENT": 4,
    "CONCAT": 5, "ARROW": 5, "LONG_ARROW": 5, "AMP": 6, "PIPE": 6,
}  # fmt: skip
"""Operators that make chains, with a number for each precedence."""

_BY_LAYOUT: dict[Layout, str] = {
    _query: "query",
    _select: "select",
    _compound: "set_operation",
    _with: "with",
    _from: "from",
    _joins: "joins",
    _source: "source",
    _before_clauses: "join_on join_using where group_by having window values",
    _case: "case",
    _clauses: "clauses",
    _chain: "and_op or_op binary",
    _tight: "sign signed_value signed_number column table_name table_star bare_name quoted_name",
    _flat: "type_name",
    _call: "function_call table_function cte cast",
    _open: "window_definition expr_list names any_names result_columns",
    _phrase: """
        not_op binary_not is_op is_not is_distinct is_not_distinct null_test between like
        like_escape in_list in_query in_table collate exists when literal string number blob null
        boolean current parameter call filter over_name over_window frame_start frame_between
        bound_unbounded bound_current bound_offset exclude join_operator indexed named_table
        source_alias result_expr result_alias result_bare_alias string_name star ordered limit
        value_row triple qualifier state shift instant instant_text instant_tx instant_epoch
        instant_query instant_now paren row_value scalar_query derived_table joined_table
        slot_target query_target
        """,
}
_LAYOUTS: dict[str, Layout] = {
    name: layout for layout, names in _BY_LAYOUT.items() for name in names.split()
}
