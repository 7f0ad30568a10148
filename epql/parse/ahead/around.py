"""Which tables a place in a statement sees, by its words alone.

It is for completion: the statement is being written, so what stands after the place counts too
(`SELECT | FROM beliefs`), and nothing need be complete. What it is not: the planner's scope, which
knows a statement that has been understood. Names are told as they are written; what columns a
relation has is for others to know.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from epql.parse import lexer
from epql.parse.lexer import KEYWORD, NAME, Token

Form = Literal["rows", "history", "diff", "row"]

DEPTH_MAX = 40
"""Queries within queries that are looked into."""


@dataclass(frozen=True)
class Table:
    """A table in FROM. `alias` is how its columns are named.

    Of a query (a CTE or a subquery) the text itself says the columns: `columns`, and all those of
    the tables in `stars`; `name` is empty then. `form`: HISTORY or DIFF made it another relation;
    'row' is the row that is asserted.
    """

    name: str
    alias: str
    form: Form = "rows"
    columns: tuple[str, ...] = ()
    stars: tuple[Table, ...] = ()


class Around(NamedTuple):
    """What a place sees: tables, the nearest query's first, and the names of common tables."""

    tables: tuple[Table, ...]
    common: tuple[str, ...]


Commons = Mapping[str, Table]


def around(tokens: Sequence[Token], place: int) -> Around:
    """What is seen between the tokens `place - 1` and `place` of a statement.

    >>> tokens = list(lexer.tokens("SELECT FROM beliefs b JOIN trust"))
    >>> [(table.name, table.alias) for table in around(tokens, 1).tables]
    [('beliefs', 'b'), ('trust', 'trust')]
    """
    statement = Statement(tokens)
    levels = list(statement.levels(place))
    common: dict[str, Table] = {}
    for level in reversed(levels):
        common.update(statement.commons(level, common))
    tables: list[Table] = []
    for level in levels:
        tables += statement.sources(statement.branch(level, place), common)
        if statement.is_alone(level):
            break
    return Around(tuple(tables), tuple(table.alias for table in common.values()))


class Level(NamedTuple):
    """The tokens from `first` to before `end`; `depth` counts the queries around them."""

    first: int
    end: int
    depth: int = 0


class Statement:
    """The tokens of one statement, with their parentheses."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens = [token for token in tokens if token.kind != lexer.END]
        self.words = [_word(token) for token in self.tokens]
        self.closes: dict[int, int] = {}
        """For each opening parenthesis the closing one, or the end."""
        opened: list[int] = []
        for number, token in enumerate(self.tokens):
            if token.kind == "LPAR":
                opened.append(number)
            elif token.kind == "RPAR" and opened:
                self.closes[opened.pop()] = number
        for number in opened:
            self.closes[number] = len(self.tokens)

    def levels(self, place: int) -> Iterator[Level]:
        """The parentheses around a place, the nearest first, and the whole statement."""
        for number in sorted(self.closes, reverse=True):
            if number < place <= self.closes[number]:
                yield Level(number + 1, self.closes[number])
        yield Level(0, len(self.tokens))

    def here(self, level: Level) -> Iterator[int]:
        """The tokens of a level that stand in no parentheses of their own."""
        number = level.first
        while number < level.end:
            yield number
            number = self.closes.get(number, number)
            number += 1

    def branch(self, level: Level, place: int | None = None) -> Level:
        """The branch of a UNION that a place is in; the first one without a place."""
        first, end = level.first, level.end
        for number in self.here(level):
            if self.words[number] in _SET_OPERATORS:
                if place is None or place <= number:
                    end = number
                    break
                first = number + 1
        return Level(first, end, level.depth)

    def is_alone(self, level: Level) -> bool:
        """Whether a query sees nothing of the query around it: a CTE, a query in FROM."""
        return self._word_at(level.first - 2) in ("AS", "MATERIALIZED", "FROM", "JOIN")

    # ------------------------------------------------------------ WITH

    def commons(self, level: Level, known: Commons) -> dict[str, Table]:
        """The common tables that WITH names at a level, by lower name."""
        found: dict[str, Table] = {}
        numbers = self._with(level) if level.depth <= DEPTH_MAX else []
        for at, number in enumerate(numbers):
            if self.words[number] != "AS" or at == 0:
                continue
            opening = next((n for n in numbers[at + 1 :] if self.words[n] not in _HOW), -1)
            table = self._common(numbers[at - 1], numbers[max(0, at - 2) : at - 1])
            if opening not in self.closes or table is None:
                continue
            if not table.columns:
                inside = Level(opening + 1, self.closes[opening], level.depth + 1)
                table = self.answer(inside, table.alias, {**known, **found})
            found[table.alias.lower()] = table
        return found

    def _with(self, level: Level) -> list[int]:
        """The tokens from WITH to the statement it belongs to."""
        found: list[int] = []
        for number in self.here(level):
            word = self.words[number]
            if word in _STATEMENTS:
                return found
            if found or word == "WITH":
                found.append(number)
        return found

    def _common(self, number: int, before: Sequence[int]) -> Table | None:
        """The name of a common table before AS, with its columns where they are listed."""
        if number not in self.closes:
            return Table("", name_of(self.tokens[number])) if self._is_name(number) else None
        if not before or not self._is_name(before[0]):
            return None
        listed = range(number + 1, self.closes[number])
        columns = tuple(name_of(self.tokens[n]) for n in listed if self._is_name(n))
        return Table("", name_of(self.tokens[before[0]]), columns=columns)

    # ------------------------------------------------------------ FROM

    def sources(self, level: Level, common: Commons, *, in_from: bool = False) -> list[Table]:
        """The tables of FROM, of JOIN, and the table that is written."""
        found: list[Table] = []
        numbers = list(self.here(level))
        wanted = in_from
        at = 0
        while at < len(numbers):
            number = numbers[at]
            word = self.words[number]
            if self._begins_from(number):
                wanted = in_from = True
            elif word == "JOIN" or (in_from and self.tokens[number].kind == "COMMA"):
                wanted = True
            elif word in _AFTER_FROM:
                wanted = in_from = False
            elif wanted and (number in self.closes or self._is_name(number)):
                size, tables = self._source(numbers[at:], level, common)
                found += tables
                at += size
                wanted = False
                continue
            at += 1
        return found

    def _begins_from(self, number: int) -> bool:
        """FROM of a query, or what stands before a table that is written."""
        word, before = self.words[number], self._word_at(number - 1)
        if word == "FROM":
            is_time = before in _BEFORE_A_TIME and self._is_time(number + 1)
            return before != "DISTINCT" and not is_time
        return word == "INTO" or (word == "UPDATE" and before != "DO")

    def _is_time(self, number: int) -> bool:
        if number >= len(self.tokens):
            return True
        return self.words[number] in _TIMES or self.tokens[number].kind in ("STRING", "PARAMETER")

    def _source(
        self, numbers: Sequence[int], level: Level, common: Commons
    ) -> tuple[int, list[Table]]:
        """The table at the first of these tokens, and how many of them say it."""
        first = numbers[0]
        if first in self.closes:
            inside = Level(first + 1, self.closes[first], level.depth + 1)
            if self._word_at(inside.first) not in _QUERIES:  # joins in parentheses
                return 1, [] if inside.depth > DEPTH_MAX else self.sources(
                    inside, common, in_from=True
                )
            size, alias, _ = self._more(numbers, 1)
            return size, [self.answer(inside, alias, common)]
        size = 1
        if len(numbers) > 2 and self.tokens[numbers[1]].kind == "DOT":
            size = 3
        name = name_of(self.tokens[numbers[size - 1]])
        if size < len(numbers) and numbers[size] in self.closes:  # a table function's arguments
            size += 1
        size, alias, form = self._more(numbers, size)
        table = common.get(name.lower())
        if table is not None:
            return size, [replace(table, alias=alias or name)]
        return size, [Table(name, alias or name, form)]

    def _more(self, numbers: Sequence[int], at: int) -> tuple[int, str, Form]:
        """What follows a table: where that ends, its alias, what clauses made of it."""
        alias = ""
        form: Form = "rows"
        while at < len(numbers):
            number = numbers[at]
            word, before = self.words[number], self.words[number - 1]
            if word in _AFTER_SOURCE or self.tokens[number].kind == "COMMA":
                break
            if word == "DIFF":
                form = "diff"
            elif word == "HISTORY":
                form = "history"
            elif before == "AS" or (not alias and self._is_bare_alias(number)):
                alias = name_of(self.tokens[number])
            at += 1
        return at, alias, form

    def _is_bare_alias(self, number: int) -> bool:
        if self.tokens[number].kind == "QUOTED_NAME":
            return True
        word, before = self.words[number], self.words[number - 1]
        is_word = self.tokens[number].kind == NAME and word not in lexer.keywords()
        return is_word and before not in ("LIFECYCLE", "BY")

    # ------------------------------------------------------------ SELECT

    def answer(self, level: Level, alias: str, known: Commons) -> Table:
        """A query as a table: the columns of its answer, as far as its text says them."""
        if level.depth > DEPTH_MAX:
            return Table("", alias)
        common = {**known, **self.commons(level, known)}
        branch = self.branch(level)
        columns: list[str] = []
        stars: list[Table] = []
        for item in self._items(branch):
            words = [self.tokens[number] for number in item]
            if words[-1].kind == "STAR" and len(words) in (1, 3):
                tables = self.sources(branch, common)
                wanted = name_of(words[0]).lower() if len(words) == 3 else None
                stars += [t for t in tables if wanted in (None, t.alias.lower())]
            elif self._is_name(item[-1]) and (len(words) == 1 or _ends_in_name(words)):
                columns.append(name_of(words[-1]))
        return Table("", alias, columns=tuple(columns), stars=tuple(stars))

    def _items(self, branch: Level) -> Iterator[list[int]]:
        """The tokens of each result column of a SELECT."""
        item: list[int] = []
        is_inside = False
        for number in self.here(branch):
            word = self.words[number]
            if word == "SELECT":
                is_inside = True
            elif is_inside and (word == "FROM" or word in _AFTER_FROM):
                break
            elif is_inside and self.tokens[number].kind == "COMMA":
                if item:
                    yield item
                item = []
            elif is_inside and word not in ("DISTINCT", "ALL"):
                item.append(number)
        if item:
            yield item

    def _word_at(self, number: int) -> str:
        return self.words[number] if 0 <= number < len(self.words) else ""

    def _is_name(self, number: int) -> bool:
        token = self.tokens[number]
        if token.kind == NAME:
            return self.words[number] not in _NEVER_A_TABLE
        return token.kind in ("QUOTED_NAME", "STRING")


def _word(token: Token) -> str:
    """A word in capitals; empty for anything else."""
    if token.kind in (NAME, KEYWORD):
        return token.value.upper()
    return token.kind if token.kind in ("AS_OF", "ON_CONFLICT") else ""


def name_of(token: Token) -> str:
    """What a name means, without its quotes."""
    return unquoted(token.value) if token.kind != NAME else token.value


def unquoted(text: str) -> str:
    """A quoted name or a string without its quotes."""
    first = text[:1]
    if first == "[":
        return text[1:-1]
    return text[1:-1].replace(first * 2, first) if first in ("'", '"', "`") else text


def _ends_in_name(words: Sequence[Token]) -> bool:
    """Whether the last name of a result column names it: an alias, or a column alone. Of what
    stands in parentheses there is only the first."""
    before = words[-2]
    if before.kind == "DOT":
        return len(words) in (3, 5)
    return before.kind in (NAME, KEYWORD, "LPAR", "STRING", "NUMBER", "QUOTED_NAME")


_SET_OPERATORS = ("UNION", "INTERSECT", "EXCEPT")
_QUERIES = ("SELECT", "WITH", "VALUES")
_STATEMENTS = ("SELECT", "INSERT", "UPDATE", "DELETE")
_HOW = ("NOT", "MATERIALIZED")
"""What may stand between AS and the query of a common table."""
_AFTER_FROM = ("WHERE", "GROUP", "HAVING", "WINDOW", "ORDER", "LIMIT", "RETURNING", "SET", "SELECT")
"""What ends FROM, and the columns of SELECT."""
_AFTER_SOURCE = frozenset(
    [*_AFTER_FROM, "ON", "USING", "JOIN", "NATURAL", "LEFT", "RIGHT", "FULL", "INNER", "CROSS",
     "OUTER", "VALUES", "DEFAULT", "ON_CONFLICT"]
)  # fmt: skip
"""What ends one table of FROM."""
_BEFORE_A_TIME = ("VALID", "HISTORY", "SYSTEM_TIME", "VALID_TIME", "IMPORT", "RESTORE")
"""Words after which FROM may begin a time, or name a file."""
_TIMES = ("TX", "EPOCH", "NOW", "QUERY")
_NEVER_A_TABLE = frozenset(["SELECT", "WITH", "VALUES", "OR"])
