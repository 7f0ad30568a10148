"""The parts of a rule, put together: spaces, commas, brackets, and where a line may break."""

from __future__ import annotations

from epql.layout.document import LINE, SOFT, SPACE, Doc, Gap, Group, Item, Items, Nest, Part, Word

CHAIN = "chain"
"""What the name of a chain of operators begins with."""
LIST = "list"
"""What a rule is called here that is nothing but parts with commas between."""
LISTS = (LIST, "result_columns", "expr_list", "names", "any_names")
"""Such rules, and those that are even with one part."""


def joined(parts: list[Part], *, breaks: bool, is_call: bool = False) -> Items:
    """The parts in their order, with spaces; `breaks` allows a new line before a keyword.

    With `is_call`, no space stands before a bracket that follows a name, nor around a dot.
    """
    items: Items = []
    previous: Part | None = None
    number = 0
    while number < len(parts):
        end = _end_of_run(parts, number)
        part, run = parts[number], parts[number:end]
        is_a_list = is_list(part) or any(is_kind(one, "COMMA") for one in run)
        if previous is not None and is_a_list and not is_kind(part, "LPAR"):
            items.append(Group([Nest([LINE, *_run(run, breaks)])]))
        else:
            if previous is not None and not (is_call and _is_tight(previous, part)):
                items.append(_gap(previous, part, breaks))
            items += _run(run, breaks)
        previous = parts[end - 1]
        number = end
    return items


def settled(part: Part) -> Part:
    """The part, with the clauses that still waited at its end put there."""
    if isinstance(part, Doc):
        for clause in part.tail:
            part.items += [SPACE, clause]
        part.tail = []
    return part


def is_run(parts: list[Part]) -> bool:
    """Whether all of the parts are one list with commas."""
    return any(is_kind(part, "COMMA") for part in parts) and _end_of_run(parts, 0) == len(parts)


def is_list(part: Part) -> bool:
    return isinstance(part, Doc) and part.rule in LISTS


def is_kind(part: Part, kind: str) -> bool:
    return isinstance(part, Word) and part.kind == kind


def _run(parts: list[Part], breaks: bool) -> Items:
    """One part, a bracket, or such with commas between."""
    items: Items = []
    number = 0
    while number < len(parts):
        end = _end_of_one(parts, number)
        if items and not is_kind(parts[number], "COMMA"):
            items.append(LINE)
        items.append(_one(parts[number:end], breaks))
        number = end
    return items


def _one(parts: list[Part], breaks: bool) -> Item:
    if len(parts) > 1:
        return _bracketed(parts)
    part = settled(parts[0])
    if not breaks and isinstance(part, Doc) and part.rule == "clauses":
        return Group([Nest([part])])
    return part


def _bracketed(parts: list[Part]) -> Group:
    """( … ): on one line, or what is in it on lines of its own."""
    opening, *inner, closing = parts
    if not inner:
        return Group([opening, closing])
    if len(inner) == 1 and isinstance(inner[0], Doc):
        only = inner[0]
        if only.rule.startswith(CHAIN) and only.nest is not None:
            only.nest.by = 0
    content = [SOFT, *joined(inner, breaks=True)]
    if closing.head.before:  # comments at the end of what is inside, and indented like that
        content.append(Word("", "COMMENT", before=closing.head.before))
        closing.head.before = ()
    return Group([opening, Nest(content), SOFT, closing])


def _end_of_run(parts: list[Part], number: int) -> int:
    end = _end_of_one(parts, number)
    while end + 1 < len(parts) and is_kind(parts[end], "COMMA"):
        end = _end_of_one(parts, end + 1)
    return end


def _end_of_one(parts: list[Part], number: int) -> int:
    """Where a part ends; an opening bracket goes to its closing one."""
    if not is_kind(parts[number], "LPAR"):
        return number + 1
    depth = 0
    for end in range(number, len(parts)):
        depth += is_kind(parts[end], "LPAR") - is_kind(parts[end], "RPAR")
        if depth == 0:
            return end + 1
    raise AssertionError("a rule closes the brackets it opens")


def _gap(previous: Part, part: Part, breaks: bool) -> Gap:
    """A new line may stand before what a keyword begins, unless a keyword precedes it.

    A query stands below the words before it: EXPLAIN, DEFINE QUERY … AS.
    """
    follows_keyword = isinstance(previous, Word) and previous.is_keyword
    if not breaks or is_kind(part, "AS"):
        return SPACE
    if follows_keyword:
        return LINE if isinstance(part, Doc) and part.rule == "query" else SPACE
    return LINE if part.head.is_keyword else SPACE


def _is_tight(previous: Part, part: Part) -> bool:
    if is_kind(part, "DOT") or is_kind(previous, "DOT"):
        return True
    if not is_kind(part, "LPAR"):
        return False
    return is_kind(previous, "CAST") or not (isinstance(previous, Word) and previous.is_keyword)
