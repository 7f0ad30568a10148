"""Random expressions as people, and mostly machines, write them: few parentheses.

Operators are put side by side without regard to precedence: whatever tree SQLite makes of the
text, EPQL must make the same.
"""

from __future__ import annotations

from random import Random

from tests.select.tables import Column

BINARY = (
    "+", "-", "*", "/", "%", "||", "&", "|", "<<", ">>", "=", "==", "<>", "!=", "<", "<=", ">",
    ">=", "AND", "OR", "IS", "IS NOT", "IS DISTINCT FROM", "IS NOT DISTINCT FROM", "LIKE",
    "NOT LIKE", "GLOB", "NOT GLOB", "REGEXP", "NOT REGEXP", "MATCH", "NOT MATCH", "->", "->>",
)  # fmt: skip
NUMBERS = (
    "0", "1", "2", "3", "-1", "7", "0x1F", "0XfF", "1e3", "1E-2", ".5", "5.", "1_000", "2.50",
    "0x1_0", "1_0.2_5e1_0", "9223372036854775807", "9223372036854775808", "1e400",
)  # fmt: skip
TEXTS = (
    "'one'", "'Two'", "''", "'it''s'", "'%o%'", "'t_o'", "'a\"b'", "'--'", "'2'", "'2.0'", "'é日'",
    "'\n'", "'/* */'", "'12abc'", "'$.a'",
)  # fmt: skip
JSONS = ('\'{"a":[1,2,{"b":null}],"c":"x"}\'', "'[3,\"x\",null]'", "'{}'", "'7'")
PATHS = ("'$'", "'$.a'", "'$.a[1]'", "'a'", "'c'", "0", "1", "-1", "'$[#-1]'")
TYPES = (
    "NUMERIC", "REAL", "INTEGER", "TEXT", "BLOB", "INT", "UNSIGNED BIG INT", "VARCHAR(10)", "ANY",
    "DECIMAL(10,2)", "DECIMAL( 10 , -2 )", "DOUBLE PRECISION", "float", '"my type"', "[int]",
    "'text'", "boolean", "DATE", "NATIVE CHARACTER(70)", "key", "any words here", "num(+1.5)",
)  # fmt: skip
COLLATIONS = ("NOCASE", "RTRIM", "BINARY", '"nocase"', "'rtrim'", "[Binary]")
TABLES = ("(SELECT value FROM json_each('[1,\"one\"]'))", "one", "[one]", "'one'", "One")
"""What IN takes; the table `one` has one column."""
ONE = (
    "abs", "hex", "length", "lower", "upper", "quote", "typeof", "trim", "ltrim", "round", "sign",
    "unicode", "likely", "unlikely", "ceil", "floor", "trunc", "json_quote", "json_valid",
    "octet_length", "typeof", "unistr_quote", "json_type", "json_array_length", "radians",
)  # fmt: skip
TWO = (
    "ifnull", "nullif", "instr", "iif", "if", "max", "min", "substr", "substring", "coalesce",
    "round", "trim", "rtrim", "mod", "concat", "glob", "like", "pow", "json_array", "format",
)  # fmt: skip
THREE = ("replace", "substr", "iif", "coalesce", "max", "printf", "concat_ws", "json_array")
FIXED = (
    "date('2026-01-31', '+1 month')", "time('12:30')", "datetime('2026-01-01', 'start of year')",
    "strftime('%Y-%m-%d %H', '2026-02-03T04:05')", "julianday('2000-01-01')",
    "unixepoch('1970-01-02')", "timediff('2026-01-02', '2025-01-01')", "printf('%05d|%s', 3, 'x')",
    "format('%.2f', 1.5)", "char(65, 66)", "zeroblob(2)", "json_object('k', 1, 'l', json('[2]'))",
    "json_extract('{\"a\":[1]}', '$.a[0]', '$.b')", "json_set('{}', '$.a', 1)", "likelihood(1, .5)",
    "json_patch('{\"a\":1}', '{\"a\":null}')", "length(CURRENT_TIMESTAMP)", "pi()",
    "current_date = date('now')", "length(current_time)", "unhex('4142')", "sqlite_version() > '3'",
)  # fmt: skip


class Expressions:
    """Draws expressions over the columns in scope; `budget` is how many nodes are still free."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.parameters: str | None = None

    def one(self, *choices: str) -> str:
        return self.random.choice(choices)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def maybe(self, text: str, share: float = 0.5) -> str:
        return text if self.chance(share) else ""

    # ------------------------------------------------------------ leaves

    def leaf(self, scope: list[Column]) -> str:
        if scope and self.chance(0.6):
            return self.random.choice(scope).text
        kind = self.random.randrange(12)
        if kind < 5:
            return self.one(*NUMBERS)
        if kind < 8:
            return self.one(*TEXTS)
        if kind == 8:
            return self.one("NULL", "TRUE", "false", "null")
        if kind == 9:
            return self.one("x'0041'", "X''", "x'616263'")
        if kind == 10:
            return self.parameter()
        return self.one(*FIXED)

    def parameter(self) -> str:
        if self.parameters is None:
            self.parameters = self.one("?", "numbered", "named")
        if self.parameters == "?":
            return "?"
        if self.parameters == "numbered":
            return self.one("?", "?1", "?2", "?3")
        return self.one(":a", "@b", "$c", ":a1", "$long_name", "@é", ":1")

    # ------------------------------------------------------------ trees

    def expression(self, scope: list[Column], size: int) -> str:
        if size <= 1:
            return self.leaf(scope)
        draw = self.random.choices(
            (
                self.binary, self.prefix, self.postfix, self.between, self.among, self.case,
                self.call, self.cast, self.paren, self.json, self.escape, self.rows, self.inner,
            ),
            (34, 10, 7, 6, 7, 5, 12, 4, 5, 3, 3, 3, 6),
        )[0]  # fmt: skip
        return draw(scope, size)

    def binary(self, scope: list[Column], size: int) -> str:
        left = self.random.randrange(1, size)
        blank = self.one(" ", " ", " ", "\n", " /* and */ ", " -- or\n", "\t")
        operator = self.one(*BINARY)
        operator = self.one(operator, operator.lower())
        made = self.expression(scope, left) + blank + operator + " "
        return made + self.expression(scope, size - left)

    def prefix(self, scope: list[Column], size: int) -> str:
        sign = self.one("-", "+", "~", "NOT ", "NOT ", "not\n", "- ", "- -", "~ ~")
        inner = self.expression(scope, size - 1)
        return f"{sign} {inner}" if sign[-1] == inner[:1] == "-" else sign + inner

    def postfix(self, scope: list[Column], size: int) -> str:
        end = self.one(
            "ISNULL", "NOTNULL", "NOT NULL", "IS NULL", "IS NOT NULL", "IS TRUE", "IS NOT FALSE",
            f"COLLATE {self.one(*COLLATIONS)}", f"COLLATE {self.one(*COLLATIONS)}",
        )  # fmt: skip
        return f"{self.expression(scope, size - 1)} {end}"

    def between(self, scope: list[Column], size: int) -> str:
        this, low, high = (self.expression(scope, max(1, size // 3)) for _ in range(3))
        return f"{this} {self.maybe('NOT ')}BETWEEN {low} AND {high}"

    def escape(self, scope: list[Column], size: int) -> str:
        this, pattern = (self.expression(scope, max(1, size // 2)) for _ in range(2))
        if "not" in pattern.lower():  # docs/language/select.md: the one place where NOT needs them
            pattern = f"({pattern})"
        sign = self.one("'\\'", "'!'", "'_'", "'x' || ''", "lower('X')")
        return f"{this} {self.maybe('NOT ')}LIKE {pattern} ESCAPE {sign}"

    def among(self, scope: list[Column], size: int) -> str:
        this = self.expression(scope, max(1, size // 2))
        word = f"{self.maybe('NOT ')}IN"
        kind = self.random.randrange(6)
        if kind == 0:
            return f"{this} {word} ()"
        if kind == 1:
            return f"{this} {word} ({self.query(scope, size, 1)})"
        if kind == 2:
            return f"{this} {word} {self.one(*TABLES)}"
        items = [
            self.expression(scope, max(1, size // 3)) for _ in range(self.random.choice((1, 2, 3)))
        ]
        return f"{this} {word} ({', '.join(items)})"

    def case(self, scope: list[Column], size: int) -> str:
        part = max(1, size // 4)
        text = "CASE" + (f" {self.expression(scope, part)}" if self.chance(0.5) else "")
        for _ in range(self.random.choice((1, 1, 2, 3))):
            text += f" WHEN {self.expression(scope, part)} THEN {self.expression(scope, part)}"
        return text + (f" ELSE {self.expression(scope, part)}" if self.chance(0.6) else "") + " END"

    def call(self, scope: list[Column], size: int) -> str:
        kind = self.random.randrange(6)
        if kind < 3:
            name, number = self.one(*ONE), 1
        elif kind < 5:
            name, number = self.one(*TWO), 2
        else:
            name, number = self.one(*THREE), 3
        name = self.one(name, name.upper(), name, f'"{name}"', f"[{name}]")
        arguments = [self.expression(scope, max(1, size // number)) for _ in range(number)]
        return f"{name}{self.maybe(' ', 0.1)}({', '.join(arguments)})"

    def cast(self, scope: list[Column], size: int) -> str:
        return f"CAST({self.expression(scope, size - 1)} AS {self.one(*TYPES)})"

    def paren(self, scope: list[Column], size: int) -> str:
        return f"({self.expression(scope, size - 1)})"

    def json(self, scope: list[Column], size: int) -> str:
        document = self.one(*JSONS)
        return f"{document} {self.one('->', '->>')} {self.one(*PATHS)}" + self.maybe(" ->> 0", 0.3)

    def rows(self, scope: list[Column], size: int) -> str:
        def row() -> str:
            parts = [self.expression(scope, max(1, size // 4)) for _ in range(2)]
            return f"({', '.join(parts)})"

        if self.chance(0.3):
            among = self.one("VALUES (1, 2), (2, 'two')", self.query(scope, size, 2))
            return f"({row()} {self.maybe('NOT ')}IN ({among}))"
        operator = self.one("=", "<", "<=", ">", "<>", "IS", "IS NOT", "IS DISTINCT FROM")
        if self.chance(0.2):
            return f"{row()} BETWEEN {row()} AND {row()}"
        right = f"({self.query(scope, size, 2)} LIMIT 1)" if self.chance(0.2) else row()
        return f"{row()} {operator} {right}"

    def inner(self, scope: list[Column], size: int) -> str:
        if self.chance(0.5):
            return f"{self.maybe('NOT ')}EXISTS ({self.query(scope, size, None)})"
        return f"({self.query(scope, size, 1)})"

    def query(self, scope: list[Column], size: int, columns: int | None) -> str:
        raise NotImplementedError
