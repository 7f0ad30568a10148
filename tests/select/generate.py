"""Random SELECT statements: all that SQLite's SELECT has, drawn from a seed.

A statement is text. Not each one is accepted by SQLite (a row value may stand where none may, a
column may be ambiguous); those that are must mean the same in EPQL.

    random.Random(seed) -> Generator -> statement(size) -> text
"""

from __future__ import annotations

from random import Random

from tests.select.expressions import PATHS, Expressions
from tests.select.tables import COLUMNS, Column

WORDS = (
    "x", "y", "n", "total", '"A b"', "[q r]", "`z`", "key", "no", "plan", "query", "row", "view",
    "temp", "cast_", "é", '"select"', "'text'", "action", "desc_", "rows", "abort", "replace",
)  # fmt: skip
"""Names for results: quoted in every way, and keywords that SQLite takes as names."""
JOINS = (
    ",", "JOIN", "INNER JOIN", "CROSS JOIN", "LEFT JOIN", "LEFT OUTER JOIN", "RIGHT JOIN",
    "RIGHT OUTER JOIN", "FULL JOIN", "FULL OUTER JOIN", "NATURAL JOIN", "NATURAL LEFT JOIN",
    "NATURAL INNER JOIN", "NATURAL FULL OUTER JOIN", "LEFT NATURAL JOIN", "INNER CROSS JOIN",
    "OUTER LEFT JOIN", "NATURAL CROSS JOIN", "LEFT RIGHT JOIN", "left join", "Natural Right Join",
)  # fmt: skip
AGGREGATES = (
    "count", "sum", "total", "avg", "min", "max", "group_concat", "json_group_array", "median",
    "string_agg", "percentile",
)  # fmt: skip
WINDOWS = (
    "row_number()", "rank()", "dense_rank()", "percent_rank()", "cume_dist()", "ntile(2)",
)  # fmt: skip
COMPOUNDS = ("UNION", "UNION ALL", "INTERSECT", "EXCEPT", "union all")


class Generator(Expressions):
    """Draws statements; everything it draws comes from the one Random it is given."""

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.ctes: list[tuple[str, list[str]]] = []
        self.names = 0
        self.depth = 0

    def statement(self, size: int) -> str:
        self.parameters = None
        self.ctes, self.names, self.depth = [], 0, 0
        return self.whole([], size, None)

    # ------------------------------------------------------------ queries

    def query(self, scope: list[Column], size: int, columns: int | None) -> str:
        if self.depth > 2 or size < 2:
            return self.tiny(scope, columns)
        self.depth += 1
        known = len(self.ctes)
        made = self.whole(scope, max(1, size - 2), columns)
        del self.ctes[known:]
        self.depth -= 1
        return made

    def tiny(self, scope: list[Column], columns: int | None) -> str:
        items = ", ".join(self.leaf(scope) for _ in range(columns or 1))
        return self.one(f"SELECT {items}", f"VALUES ({items})", f"SELECT {items} FROM t3")

    def whole(self, scope: list[Column], size: int, columns: int | None) -> str:
        """WITH, branches, ORDER BY and LIMIT."""
        text = self.with_(scope, size) if self.chance(0.15) else ""
        if columns is None:
            columns = self.random.choice((1, 1, 2, 2, 3, 4))
        branches = self.random.choice((2, 2, 3)) if self.chance(0.17) else 1
        body, names = self.branch(scope, size, columns, branches == 1)
        for _ in range(branches - 1):
            other, _ = self.branch(scope, size // 2, columns, False)
            body += f" {self.one(*COMPOUNDS)} {other}"
        text += body
        if not other_is_values(body) and self.chance(0.5):
            text += self.order_by(scope if branches == 1 else [], names, columns, branches > 1)
            text += self.limit(scope) if self.chance(0.4) else ""
        return text

    def with_(self, scope: list[Column], size: int) -> str:
        items: list[str] = []
        recursive = self.chance(0.4)
        for _ in range(self.random.choice((1, 1, 2))):
            self.names += 1
            name = f"c{self.names}"
            hint = self.one("", "", "MATERIALIZED ", "NOT MATERIALIZED ", "not materialized ")
            if recursive and self.chance(0.7):
                union = self.one("UNION", "UNION ALL")
                start = self.one("VALUES (1)", "SELECT 1", "SELECT a FROM t2")
                step = self.one(f"SELECT n + 1 FROM {name}", f"SELECT t1.id FROM t1, {name} AS r")
                limit = self.one("LIMIT 5", "LIMIT 4 OFFSET 1", "ORDER BY 1 DESC LIMIT 3")
                items.append(f"{name}(n) AS {hint}({start} {union} {step} WHERE n < 4 {limit})")
                self.ctes.append((name, ["n"]))
                continue
            number = self.random.choice((1, 2, 3))
            names = [f"v{place}" for place in range(number)]
            inner = self.query([], size // 2, number)
            items.append(f"{name}({', '.join(names)}) AS {hint}({inner})")
            self.ctes.append((name, names))
        return f"WITH {'RECURSIVE ' if recursive else ''}{', '.join(items)} "

    def branch(
        self, outer: list[Column], size: int, columns: int, is_alone: bool
    ) -> tuple[str, list[str]]:
        if self.chance(0.06):
            return self.values(outer, columns), []
        source, own, extra = ("", [], []) if self.chance(0.12) else self.from_(outer, size)
        scope = own + ([self.random.choice(outer)] if outer and self.chance(0.5) else [])
        where = f" WHERE {self.expression(scope, size)}" if self.chance(0.45) else ""
        if own and self.chance(0.22):
            items, rest = self.grouped(scope, size, columns)
        elif own and self.chance(0.14):
            items, rest = self.windowed(scope, size, columns)
        else:
            items, rest = [self.expression(scope, max(1, size // 2)) for _ in range(columns)], ""
        names: list[str] = []
        text = ", ".join(self.named(item, names) for item in items)
        if is_alone and extra and self.chance(0.2) and columns > 1:
            text = self.one("*", f"*, {text}", f"{self.one(*extra)}.*", f"{text}, {extra[0]}.*")
        distinct = self.one("", "", "", "", "DISTINCT ", "ALL ")
        return f"SELECT {distinct}{text}{source}{where}{rest}", names

    def values(self, scope: list[Column], columns: int) -> str:
        rows = [
            "(" + ", ".join(self.leaf(scope) for _ in range(columns)) + ")"
            for _ in range(self.random.choice((1, 2, 3)))
        ]
        return f"VALUES {', '.join(rows)}"

    def named(self, item: str, names: list[str]) -> str:
        if self.chance(0.7):
            return item
        name = self.one(*WORDS)
        names.append(name)
        return f"{item} AS {name}" if self.chance(0.6) else f"{item} {name}"

    # ------------------------------------------------------------ FROM

    def from_(self, outer: list[Column], size: int) -> tuple[str, list[Column], list[str]]:
        text, scope, names = self.source(outer, size)
        for _ in range(self.random.choices((0, 1, 2), (60, 30, 10))[0]):
            right, columns, more = self.source(outer + scope, size)
            joined = self.one(*JOINS)
            text += (", " if joined == "," else f" {joined} ") + right
            shared = self.shared(scope, columns)
            scope, names = scope + columns, names + more
            if "NATURAL" not in joined.upper():
                text += self.condition(scope, size, shared)
        return f" FROM {text}", scope, names

    def shared(self, left: list[Column], right: list[Column]) -> list[str]:
        last = [{item.text.rsplit(".", 1)[-1] for item in side} for side in (left, right)]
        return sorted(last[0] & last[1])

    def condition(self, scope: list[Column], size: int, shared: list[str]) -> str:
        kind = self.random.randrange(5)
        if kind < 2:
            return f" ON {self.expression(scope, max(1, size // 2))}"
        if kind == 2 and shared:
            return f" USING ({', '.join(self.random.sample(shared, 1))})"
        if kind == 3 and scope:
            one, two = self.random.choice(scope).text, self.random.choice(scope).text
            return f" ON {one} = {two}"
        return ""

    def source(self, outer: list[Column], size: int) -> tuple[str, list[Column], list[str]]:
        draw = self.random.choices(
            (self.table, self.derived, self.function, self.tree, self.cte), (60, 14, 8, 8, 10)
        )[0]
        return draw(outer, size)

    def alias(self) -> tuple[str, str]:
        """A fresh name for a source, and what to write for it."""
        self.names += 1
        name = self.one("s", "q", "r") + str(self.names)
        return name, self.one(f" AS {name}", f" {name}", f' AS "{name}"', f" AS '{name}'")

    def columns(self, names: list[str], table: str) -> list[Column]:
        is_long = self.chance(0.6)
        return [Column(f"{table}.{name}" if is_long else name, "n") for name in names]

    def table(self, outer: list[Column], size: int) -> tuple[str, list[Column], list[str]]:
        name = self.one(*COLUMNS)
        known = [column.text for column in COLUMNS[name]]
        if name == "t1" and self.chance(0.2):
            known.append(self.one("rowid", "oid", "_rowid_", "ROWID"))
        index = ""
        if self.chance(0.08):
            index = self.one(" NOT INDEXED", *{"t1": (" INDEXED BY i1",)}.get(name, ()))
        written = self.one(name, name, name.upper(), f'"{name}"', f"[{name}]", f"'{name}'")
        if self.chance(0.5):
            return written + index, self.columns(known, name), [name]
        alias, text = self.alias()
        return written + text + index, self.columns(known, alias), [alias]

    def derived(self, outer: list[Column], size: int) -> tuple[str, list[Column], list[str]]:
        number = self.random.choice((1, 2, 3))
        alias, text = self.alias()
        if self.chance(0.25):
            names = [f"column{place + 1}" for place in range(number)]
            return f"({self.values([], number)}){text}", self.columns(names, alias), [alias]
        names = [f"v{place}" for place in range(number)]
        inner = self.query([], size // 2, number)
        if self.chance(0.5):  # its columns are known only by what the texts are called
            return f"({inner}){text}", [], [alias]
        self.names += 1
        cte = f"c{self.names}"
        whole = f"(WITH {cte}({', '.join(names)}) AS ({inner}) SELECT * FROM {cte}){text}"
        return whole, self.columns(names, alias), [alias]

    def function(self, outer: list[Column], size: int) -> tuple[str, list[Column], list[str]]:
        alias, text = self.alias()
        document = '\'[1,2,{"a":["x"]}]\''
        if outer and self.chance(0.5):
            document = self.random.choice(outer).text
            document = f"iif(json_valid({document}), {document}, '[1]')"
        path = f", {self.one(*PATHS[:3])}" if self.chance(0.3) else ""
        name = self.one("json_each", "json_tree", "JSON_EACH")
        known = ["key", "value", "type", "atom", "fullkey", "path"]
        return f"{name}({document}{path}){text}", self.columns(known, alias), [alias]

    def tree(self, outer: list[Column], size: int) -> tuple[str, list[Column], list[str]]:
        text, scope, names = self.from_(outer, size // 2)
        return f"({text.removeprefix(' FROM ')})", scope, names

    def cte(self, outer: list[Column], size: int) -> tuple[str, list[Column], list[str]]:
        if not self.ctes:
            return self.table(outer, size)
        name, names = self.random.choice(self.ctes)
        alias, text = self.alias()
        return name + text, self.columns(names, alias), [alias]

    # ------------------------------------------------------------ groups and windows

    def grouped(self, scope: list[Column], size: int, columns: int) -> tuple[list[str], str]:
        keys = [self.expression(scope, max(1, size // 4)) for _ in range(self.random.randrange(3))]
        part = max(1, size // 3)
        items = [
            self.one(*keys) if keys and self.chance(0.4) else self.mixed(scope, part)
            for _ in range(columns)
        ]
        by = [
            str(items.index(key) + 1) if key in items and self.chance(0.2) else key for key in keys
        ]
        rest = f" GROUP BY {', '.join(by)}" if by else ""
        if self.chance(0.35):
            compared = self.one("> 0", "IS NOT NULL", "= NOT 1", "BETWEEN 0 AND 3", "< 'x'")
            rest += f" HAVING {self.aggregate(scope, part)} {compared}"
        return items, rest

    def mixed(self, scope: list[Column], size: int) -> str:
        made = self.aggregate(scope, size)
        kind = self.random.randrange(5)
        if kind == 0:
            return f"{made} {self.one('+', '||', '=', 'IS', '<', '->>')} {self.leaf([])}"
        if kind == 1:
            return f"{self.one('coalesce', 'max', 'ifnull')}({made}, {self.leaf([])})"
        return made

    def aggregate(self, scope: list[Column], size: int) -> str:
        name = self.one(*AGGREGATES)
        argument = self.expression(scope, size)
        if self.chance(0.2):
            made = self.one("count(*)", "COUNT ( * )", "count()")
        elif name == "percentile":
            made = f"percentile({argument} IS NULL, 50)"
        elif name == "median":
            made = f"median({argument} IS TRUE)"
        elif name == "string_agg":
            made = f"string_agg({argument}, {self.one(chr(39) * 2, chr(39) + '-' + chr(39))}"
            made += self.maybe(f" ORDER BY {self.leaf(scope)} DESC", 0.4) + ")"
        else:
            order = f" ORDER BY {self.leaf(scope)}{self.maybe(' DESC NULLS LAST')}"
            kept = self.one("", "", "DISTINCT ", "distinct ", "ALL ")
            made = f"{name}({kept}{argument}{self.maybe(order, 0.15)})"
        if self.chance(0.2):
            made += f" FILTER (WHERE {self.expression(scope, size)})"
        return made

    def windowed(self, scope: list[Column], size: int, columns: int) -> tuple[list[str], str]:
        rest, names = "", []
        if self.chance(0.5):
            names = self.random.sample(["w1", "w2", '"w 3"'], self.random.choice((1, 2)))
            items = [f"{names[0]} AS ({self.definition(scope, None, is_base=True)})"]
            if len(names) > 1:
                items.append(f"{names[1]} AS ({self.definition(scope, self.one('', names[0]))})")
            rest = f" WINDOW {', '.join(items)}"
        made = [self.over(scope, size, names) for _ in range(columns)]
        return made, rest

    def over(self, scope: list[Column], size: int, names: list[str]) -> str:
        kind = self.random.randrange(3)
        if kind == 0:
            call = self.one(*WINDOWS)
        elif kind == 1:
            name = self.one("lag", "lead", "first_value", "last_value", "nth_value")
            more = {"nth_value": ", 2", "lag": self.one("", ", 1", ", 2, 'none'")}.get(name, "")
            call = f"{name}({self.leaf(scope)}{more})"
        else:
            call = f"{self.one('count', 'sum', 'max', 'group_concat')}({self.leaf(scope)})"
            call += self.maybe(f" FILTER (WHERE {self.expression(scope, 2)})", 0.3)
        if names and self.chance(0.6):
            name = self.one(*names)
            chained = f"({name}{self.maybe(f' ORDER BY {self.leaf(scope)}')})"
            call += f" OVER {self.one(name, name, chained)}"
        else:
            call += f" OVER ({self.definition(scope, None)})"
        return call + self.maybe(f" {self.one('+', '||', '=', '<')} {self.leaf([])}", 0.2)

    def definition(self, scope: list[Column], base: str | None, *, is_base: bool = False) -> str:
        parts = [base] if base else []
        if not base and self.chance(0.5):
            parts.append(f"PARTITION BY {self.expression(scope, 2)}")
        if not is_base or self.chance(0.3):
            order = self.chance(0.7)
            if order:
                parts.append(f"ORDER BY {self.expression(scope, 2)}{self.maybe(' DESC', 0.3)}")
            if self.chance(0.5):
                parts.append(self.frame(order))
        return " ".join(parts)

    def frame(self, is_ordered: bool) -> str:
        unit = self.one("ROWS", "RANGE", "GROUPS") if is_ordered else "ROWS"
        offset = self.one("1", "2", "1 + 1", "0", "(SELECT 1)", "abs(-1)")
        first = self.one("UNBOUNDED PRECEDING", "CURRENT ROW", f"{offset} PRECEDING")
        text = f"{unit} {first}"
        if self.chance(0.7):
            last = self.one("UNBOUNDED FOLLOWING", "CURRENT ROW", f"{offset} FOLLOWING")
            text = f"{unit} BETWEEN {first} AND {last}"
        exclude = self.one("NO OTHERS", "CURRENT ROW", "GROUP", "TIES")
        return text + self.maybe(f" EXCLUDE {exclude}", 0.4)

    # ------------------------------------------------------------ the end

    def order_by(
        self, scope: list[Column], names: list[str], columns: int, is_compound: bool
    ) -> str:
        items: list[str] = []
        for _ in range(self.random.choice((1, 1, 2))):
            kind = self.random.randrange(3)
            item = str(self.random.randint(1, columns))
            if kind == 0 and names:
                item = self.one(*names)
            elif kind == 1 and not is_compound:
                item = self.expression(scope, 3)
            item += self.maybe(f" COLLATE {self.one('NOCASE', 'binary', 'RTRIM')}", 0.2)
            item += self.one("", "", " ASC", " DESC", " desc")
            items.append(item + self.one("", "", "", " NULLS FIRST", " NULLS LAST"))
        return f" ORDER BY {', '.join(items)}"

    def limit(self, scope: list[Column]) -> str:
        count = self.one("1", "2", "3", "-1", "1 + 1", "(SELECT 2)", "NOT 0", "0", "'2'")
        skip = self.one("0", "1", "2", "-1", "1 * 2")
        return self.one(
            f" LIMIT {count}", f" LIMIT {count} OFFSET {skip}", f" LIMIT {skip}, {count}"
        )


def other_is_values(body: str) -> bool:
    """Whether the last branch is VALUES, after which SQLite takes no ORDER BY."""
    return "VALUES" in body.rsplit("SELECT", 1)[-1] or body.startswith("VALUES")
