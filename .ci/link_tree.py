"""Lay the source out as an installed copy would be, with links: what `make types` checks.

    python .ci/link_tree.py build/types

The folder mapping comes from pyproject.toml, so there is one place to change it.
"""

from __future__ import annotations

import shutil
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def link_tree(target: Path) -> None:
    """Make `target/epql` a folder whose entries are links to the mapped folders' entries."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())
    mapping: dict[str, str] = config["tool"]["setuptools"]["package-dir"]
    shutil.rmtree(target, ignore_errors=True)
    for package, folder in sorted(mapping.items()):
        path = target.joinpath(*package.split("."))
        if "." in package:  # epql.engine -> engine: one link to the whole folder
            path.symlink_to(ROOT / folder, target_is_directory=True)
            continue
        path.mkdir(parents=True)
        for entry in (ROOT / folder).iterdir():
            if entry.name != "__pycache__":
                (path / entry.name).symlink_to(entry, target_is_directory=entry.is_dir())


if __name__ == "__main__":
    link_tree(Path(sys.argv[1]))
