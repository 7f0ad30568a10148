"""What the rules of data.lark mean: import, export, backup."""

from __future__ import annotations

from sqlglot import exp

from epql import nodes
from epql.engine.errors import Span
from epql.nodes import Expression
from epql.parse.expressions import Parts, is_token
from epql.parse.lexer import Token
from epql.parse.options import Option, Options


class Files(Options):
    """The rules of data.lark."""

    def import_(self, parts: Parts, start: int, end: int) -> nodes.Import:
        return nodes.Import(parts[2], Span(start, end), **self._options(parts))

    def import_history(self, parts: Parts, start: int, end: int) -> nodes.ImportHistory:
        return nodes.ImportHistory(parts[3], Span(start, end), **self._options(parts))

    def export(self, parts: Parts, start: int, end: int) -> nodes.Export:
        query = self.text[parts[1].end : parts[3].start]
        return nodes.Export(query, parts[5], Span(start, end), **self._options(parts))

    def export_all(self, parts: Parts, start: int, end: int) -> nodes.Export:
        return nodes.Export(None, parts[2], Span(start, end), **self._options(parts))

    def backup(self, parts: Parts, start: int, end: int) -> nodes.Backup:
        return nodes.Backup(_path(parts), is_token(parts[-1], "QUERIES"), Span(start, end))

    def restore(self, parts: Parts, start: int, end: int) -> nodes.Restore:
        return nodes.Restore(_path(parts), Span(start, end))

    # ------------------------------------------------------------ options

    def option_format(self, parts: Parts, start: int, end: int) -> Option:
        return self._option("format", parts[1].value.lower(), parts, start, end)

    def option_columns(self, parts: Parts, start: int, end: int) -> Option:
        return self._option("columns", tuple(parts[2:-1:2]), parts, start, end)

    def option_wide(self, parts: Parts, start: int, end: int) -> Option:
        return self._option("wide", parts[2].name, parts, start, end)

    def option_no_header(self, parts: Parts, start: int, end: int) -> Option:
        return self._option("no_header", True, parts, start, end)

    def option_detect_types(self, parts: Parts, start: int, end: int) -> Option:
        return self._option("detect_types", True, parts, start, end)

    def option_skip_bad(self, parts: Parts, start: int, end: int) -> Option:
        return self._option("skip_bad", True, parts, start, end)

    def option_overwrite(self, parts: Parts, start: int, end: int) -> Option:
        return self._option("overwrite", True, parts, start, end)

    def renamed(self, parts: Parts, start: int, end: int) -> nodes.Renamed:
        column, part = parts[0].name, parts[2]
        assert isinstance(part, Token)
        if is_token(part, "STRING"):
            name = part.value[1:-1].replace("''", "'")
            return nodes.Renamed(column, name, True, Span(start, end))
        return nodes.Renamed(column, part.value.lower(), False, Span(start, end))


def _path(parts: Parts) -> Expression:
    found: Expression = next(part for part in parts if isinstance(part, exp.Expression))
    return found
