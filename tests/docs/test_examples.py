"""Every example in the manual runs and answers what the page says."""

from __future__ import annotations

import doctest
import importlib
import inspect
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import REWRITE, ROOT, name_of, pages, run_page

FOLDERS = {"epql": "epql", "engine": "epql.engine", "repl": "epql.repl"}


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_examples_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    problems = list(run_page(page, tmp_path))
    assert REWRITE or not problems, "\n\n".join(problems)


def _modules() -> list[str]:
    names = []
    for folder, package in FOLDERS.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT / folder).with_suffix("").parts
            dotted = ".".join((package, *parts)).removesuffix(".__init__")
            if parts[-1] != "__main__" and ">>>" in path.read_text():
                names.append(dotted)
    return names


@pytest.mark.parametrize("name", _modules())
def test_docstrings_run(name: str) -> None:
    module = importlib.import_module(name)
    runner = doctest.DocTestRunner()
    for test in _Finder().find(module, name):
        runner.run(test)
    assert runner.failures == 0
    assert runner.tries > 0


class _Finder(doctest.DocTestFinder):
    """Also finds the error classes, which say they are of `epql`."""

    def _from_module(self, module: Any, object: Any) -> bool:  # noqa: A002
        if inspect.isclass(object) and object.__module__ == "epql":
            return bool(object.__qualname__ in vars(module))
        return bool(super()._from_module(module, object))  # type: ignore[misc]
