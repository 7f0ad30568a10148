"""The table of the bar, made of what its rows ran.

    python -m tests.report show           what lies in build/reliability, as a table
    python -m tests.report keep quick     … kept as docs/reliability/figures/quick.json
    python -m tests.report keep soak
    python -m tests.report pages          the tables of docs/reliability/bar.md, from what is kept

`make faults` and `make soak` write build/reliability, a file for each test of a row.
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.rows import FOLDER, SIZES

PAGE = Path(__file__).parents[1] / "docs" / "reliability" / "bar.md"
FIGURES = PAGE.parent / "figures"
_MADE = re.compile(r"(<!-- figures: (\w+) -->\n).*?(<!-- /figures -->)", re.S)

Run = dict[str, Any]
"""One test of a row, as tests/rows.py writes it."""


def collected(folder: Path = FOLDER) -> list[Run]:
    """What ran, in the order of the bar."""
    runs = [json.loads(file.read_text()) for file in folder.glob("*.json")]
    return sorted(runs, key=_order)


def _order(run: Run) -> tuple[str, int, int]:
    places = list(SIZES)
    name = (run["row"], run["part"])
    place = places.index(name) if name in places else len(places)
    return run["row"][0], int(run["row"][1:]), place


def table(runs: list[Run]) -> str:
    """The runs as a Markdown table."""
    lines = ["| Row | What | Ran | Time | Result | Figures |", "|---|---|---|---|---|---|"]
    for run in runs:
        told = ", ".join(f"{what} {_number(number)}" for what, number in run["told"].items())
        cells = (run["row"], run["part"], _ran(run), _time(run["seconds"]), _result(run), told)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _ran(run: Run) -> str:
    ran, of = _number(run["ran"]), _number(run["of"])
    return f"{ran} {run['unit']}" if ran == of else f"{ran} of {of} {run['unit']}"


def _result(run: Run) -> str:
    words = {"passed": "nothing found", "skipped": "not run: " + run["reason"]}
    return words.get(run["outcome"], str(run["outcome"]))


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _number(number: Any) -> str:
    return f"{number:,}" if isinstance(number, int | float) else str(number)


def keep(name: str) -> Path:
    """Put what lies in build/reliability beside the page, with the machine it ran on."""
    FIGURES.mkdir(parents=True, exist_ok=True)
    path = FIGURES / f"{name}.json"
    path.write_text(json.dumps(_machine() | {"runs": collected()}, indent=1) + "\n")
    return path


def _machine() -> dict[str, Any]:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "commit": commit,
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "apsw": version("apsw"),
    }


def page() -> str:
    """The page with its tables made anew."""
    return _MADE.sub(lambda match: match[1] + _kept(match[2]) + match[3], PAGE.read_text())


def _kept(name: str) -> str:
    kept = json.loads((FIGURES / f"{name}.json").read_text())
    head = (
        f"{kept['date']}, commit {kept['commit']}, {kept['cores']} cores, {kept['system']},"
        f" Python {kept['python']}, APSW {kept['apsw']}."
    )
    return f"{head}\n\n{table(kept['runs'])}"


def main(command: str, *arguments: str) -> None:
    if command == "show":
        print(table(collected()), end="")
    elif command == "keep":
        print(keep(*arguments))
    else:
        PAGE.write_text(page())


if __name__ == "__main__":
    main(*sys.argv[1:])
