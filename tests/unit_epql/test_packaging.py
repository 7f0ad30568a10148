"""What is shipped is whole, and imports run in one direction only."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SETUPTOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
FOLDERS: dict[str, str] = SETUPTOOLS["package-dir"]


def source_files() -> Iterator[tuple[str, Path]]:
    """(module name as installed, file) of everything we ship."""
    for package, folder in FOLDERS.items():
        for file in sorted((ROOT / folder).rglob("*.py")):
            parts = file.relative_to(ROOT / folder).with_suffix("").parts
            yield ".".join([package, *parts]).removesuffix(".__init__"), file


MODULES = dict(source_files())


@cache
def imported(file: Path) -> set[str]:
    """Every module a file imports, also inside functions and under TYPE_CHECKING."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def breaches(importers: str, forbidden: str) -> list[str]:
    """Imports of `forbidden` in modules within `importers`."""
    return [
        f"{module} imports {name}"
        for module, file in MODULES.items()
        if within(module, importers)
        for name in imported(file)
        if within(name, forbidden)
    ]


def outside(doors: tuple[str, ...], library: str) -> list[str]:
    """Imports of a library in modules that are none of its doors."""
    return [
        f"{module} imports {library}"
        for module, file in MODULES.items()
        if not any(within(module, door) for door in doors)
        if any(within(name, library) for name in imported(file))
    ]


def test_every_package_folder_is_listed() -> None:
    on_disk = {
        module if file.name == "__init__.py" else module.rpartition(".")[0]
        for module, file in MODULES.items()
    }
    assert on_disk == set(SETUPTOOLS["packages"])


def test_every_package_has_an_init_file() -> None:
    packages = [name for name, file in MODULES.items() if file.name == "__init__.py"]
    assert sorted(packages) == sorted(SETUPTOOLS["packages"])


@pytest.mark.parametrize("name", ["engine", "repl", "grammar"])
def test_nothing_imports_a_mapped_folder_by_its_own_name(name: str) -> None:
    assert breaches("epql", name) == []
    tests = [f for f in (ROOT / "tests").rglob("*.py") if any(within(n, name) for n in imported(f))]
    assert tests == []


@pytest.mark.parametrize(
    ("importers", "forbidden"),
    [
        ("epql.engine", "epql.parse"),
        ("epql.engine", "epql.plan"),
        ("epql.engine", "epql.verbs"),
        ("epql.engine", "epql.nodes"),
        ("epql.engine", "epql.sqlgen"),
        ("epql.engine", "epql.connection"),
        ("epql.engine", "epql.cli"),
        ("epql.plan", "epql.parse"),
        ("epql.plan", "epql.connection"),
        ("epql.plan", "epql.explain"),
        ("epql.explain", "epql.parse"),
        ("epql.explain", "epql.runner"),
        ("epql.parse", "epql.plan"),
        ("epql.parse", "epql.layout"),
        ("epql.layout", "epql.plan"),
        ("epql.layout", "epql.connection"),
        ("epql.parse", "epql.connection"),
        ("epql.nodes", "epql.parse"),
        ("epql.nodes", "epql.plan"),
        ("epql.output", "epql.cli"),
        ("epql.output", "epql.repl"),
        ("epql.output", "epql.connection"),
        ("epql.repl", "epql.cli"),
        ("epql.connection", "epql.output"),
        ("epql.engine.journal", "epql.engine.index"),
        ("epql.engine.journal", "epql.engine.vtab"),
        ("epql.engine.store", "epql.engine.vtab"),
    ],
)
def test_imports_run_downwards(importers: str, forbidden: str) -> None:
    assert breaches(importers, forbidden) == []


@pytest.mark.parametrize(
    ("library", "doors"),
    [
        ("lark", ("epql.parse",)),
        ("sqlglot", ("epql.nodes", "epql.parse", "epql.plan", "epql.sqlgen")),
        ("apsw", ("epql.engine",)),
        ("sqlite3", ()),
        ("blake3", ("epql.engine.digest",)),
        ("prompt_toolkit", ("epql.repl",)),
        ("argcomplete", ("epql.cli.completion", "epql.cli.commands.completion")),
        ("sqlalchemy", ("epql.sqlalchemy",)),
    ],
)
def test_one_dependency_one_door(library: str, doors: tuple[str, ...]) -> None:
    assert outside(doors, library) == []


def test_errors_and_clock_are_leaves() -> None:
    assert breaches("epql.engine.errors", "epql") == []
    assert [
        breach
        for breach in breaches("epql.engine.clock", "epql")
        if "epql.engine.errors" not in breach
    ] == []


# ---------------------------------------------------------------- the wheel


def run(*command: str | Path, **more: object) -> str:
    """Output of a command; fails with it."""
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        timeout=600,
        **more,  # type: ignore[call-overload]
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return str(done.stdout)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of a clean virtual environment with the wheel in it."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"  # a copy: building must not find leftovers, nor leave any
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", *FOLDERS.values()):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        run("cp", "-r", ROOT / name, source / name)
    run(sys.executable, "-m", "build", "--wheel", "--outdir", folder, source)
    run(sys.executable, "-m", "venv", folder / "venv")
    (wheel,) = folder.glob("*.whl")
    bin_folder = folder / "venv" / "bin"
    run(bin_folder / "python", "-m", "pip", "install", "--quiet", wheel)
    return bin_folder


@pytest.mark.slow
def test_the_wheel_runs_in_a_clean_environment(installed: Path, tmp_path: Path) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    assert "epql" in run(installed / "epql", "--help", cwd=tmp_path, env=clean)
    said = run(installed / "epql", "demo", cwd=tmp_path, env=clean)
    assert "pep/484" in said or "PEP 484" in said


@pytest.mark.slow
def test_the_wheel_installs_one_top_level_name(installed: Path) -> None:
    listing = run(installed / "python", "-m", "pip", "show", "--files", "epql")
    files = [line.strip() for line in listing.partition("Files:\n")[2].splitlines()]
    tops = {name.split("/")[0] for name in files if name and not name.startswith("..")}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"epql"}
    assert "epql/py.typed" in files
