"""The error codes in the source, with the classes they are raised as where the source says so."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.docs.pages import ROOT

_CODE = re.compile(r"\A[a-z]+\.[a-z_]+\Z")
_FOLDERS = ("epql", "engine", "repl")
_NOT_CODES = {"index.db", "audit.db"}


@cache
def codes() -> dict[str, set[str]]:
    """Each code with the names of the classes that carry it; empty where only a text is seen."""
    found: dict[str, set[str]] = {}
    trees = [ast.parse(path.read_text()) for folder in _FOLDERS for path in _sources(folder)]
    for tree in trees:
        for name, code in _raised(tree):
            found.setdefault(code, set()).add(name)
    families = {code.partition(".")[0] for code in found}
    for tree in trees:
        for text in _texts(tree):
            if text.partition(".")[0] in families and text not in _NOT_CODES:
                found.setdefault(text, set())
    return found


def _sources(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def _raised(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """(class, code) of calls such as DataError(…, code="…")."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id == "_Complaint":  # epql/instants.py: (what, code, hint)
                code = node.args[1]
                assert isinstance(code, ast.Constant)
                yield "DataError", str(code.value)
            for keyword in node.keywords:
                value = keyword.value
                if keyword.arg == "code" and isinstance(value, ast.Constant):
                    yield node.func.id, value.value


def _texts(tree: ast.AST) -> Iterator[str]:
    """Texts that look like a code."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from _CODE.findall(node.value)
