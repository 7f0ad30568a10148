"""The bar's page: its tables are those of the kept figures, and every row is on it."""

from __future__ import annotations

import json
import re

from tests.report import FIGURES, PAGE, page
from tests.rows import SIZES

DEMANDS = re.findall(r"^\| ([RCS]\d+) \| ", PAGE.read_text().split("## With every")[0], re.M)


def test_its_tables_are_those_of_the_figures() -> None:
    assert page() == PAGE.read_text(), "python -m tests.report pages"


def test_every_row_has_a_demand_and_every_demand_a_row() -> None:
    assert sorted(set(DEMANDS)) == sorted({row for row, _ in SIZES})


def test_every_row_ran() -> None:
    for file in FIGURES.glob("*.json"):
        ran = {(run["row"], run["part"]) for run in json.loads(file.read_text())["runs"]}
        assert set(SIZES) - ran == set(), file.name
