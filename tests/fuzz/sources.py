"""Where inputs begin: every statement that the project has written down, and those kept here.

statements()    of the golden files, the manual, the tests' own texts and public.sql
kept()          corpus/inputs.jsonl: a string a line, each once a finding or nearly one
"""

from __future__ import annotations

import ast
import json
from functools import cache
from pathlib import Path

from epql.parse import split
from epql.parse.driver import statement_words
from tests.docs import pages
from tests.golden import runner

ROOT = Path(__file__).resolve().parents[2]
KEPT = Path(__file__).parent / "corpus" / "inputs.jsonl"
LENGTH_MAX = 3000
"""Longer texts are left to shapes.py."""


@cache
def statements() -> tuple[str, ...]:
    """Every statement written down, right or wrong, each once, in a fixed order."""
    found: dict[str, None] = {}
    for text in (*_golden(), *_manual(), *_texts_of_tests(), _public()):
        found.update(dict.fromkeys(split(text)))
    return tuple(text for text in found if len(text) <= LENGTH_MAX)


@cache
def manual() -> tuple[str, ...]:
    """The statements of the manual; they are read at once."""
    found = dict.fromkeys(one for text in _manual() for one in split(text))
    return tuple(text for text in found if len(text) <= LENGTH_MAX)


def kept() -> tuple[str, ...]:
    """The inputs of the corpus."""
    return tuple(json.loads(line) for line in KEPT.read_text().splitlines() if line)


def _golden() -> list[str]:
    texts = []
    for file in sorted((ROOT / "tests" / "golden").rglob("*.test")):
        blocks, _ = runner.parse(file.read_text())
        texts += ["\n".join(b.body) for b in blocks if b.name in ("statement", "query")]
    return texts


def _manual() -> list[str]:
    blocks = [block for page in pages.pages() for block in pages.blocks_of(page.read_text())]
    return [block.text for block in blocks if block.language in pages.EXAMPLES]


def _public() -> str:
    return (ROOT / "tests" / "select" / "public.sql").read_text()


def _texts_of_tests() -> list[str]:
    """String constants in the tests that begin as a statement does."""
    words = tuple(statement_words())
    texts = []
    for file in sorted((ROOT / "tests").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            text = node.value if isinstance(node, ast.Constant) else None
            if isinstance(text, str) and " " in text and text.lstrip().upper().startswith(words):
                texts.append(text)
    return texts
