"""The manual as a site: the build takes no broken link, and pages need no network."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, ROOT, pages


@pytest.mark.slow
@pytest.mark.skipif(find_spec("material") is None, reason="needs the extra docs; `make docs`")
def test_the_site_builds_strictly(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", tmp_path / "site"],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    for page in pages():
        name = page.relative_to(DOCS).with_suffix(".html")
        name = name.with_name("index.html") if page.name == "README.md" else name
        made = (tmp_path / "site" / name).read_text()
        assert "<h1" in made
        # nothing is fetched to show a page; mermaid's own script is asked for by the theme's
        assert not re.findall(r"<(?:link|script)[^>]+(?:href|src)=\"https?:", made)
