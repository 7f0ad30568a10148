"""What foreign.md tells users of other systems to write here does run."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import DOCS, Story

PAGE = (DOCS / "language" / "foreign.md").read_text()
TABLE = PAGE.partition("## There and here")[2]
HERE = [
    code
    for row in re.findall(r"^\| .* \|$", TABLE, re.MULTILINE)
    for code in re.findall(r"`([^`]+)`", row.split(" | ")[-1])
    if not re.search(r"\b[ab]\b", code)  # FROM a TO b: a form, not an example
]
SETUP = """
-- 2026-01-05 10:00, ann
ASSERT ('svc/api', 'port', 8080) LIFECYCLE APPROVED;
-- 2026-01-08 10:00, ann
ASSERT ('svc/api', 'port', 9090);
-- 2026-01-09 10:00, ann
"""


@pytest.mark.parametrize("code", HERE)
def test_what_is_written_here_runs(code: str) -> None:
    story = Story()
    relation = code.split()[0] in ("beliefs", "assertions")
    story.run(SETUP + (f"SELECT * FROM {code};" if relation else f"{code};"))
    story.close()
    assert story.error is None


def test_the_table_has_examples() -> None:
    assert len(HERE) > 20
