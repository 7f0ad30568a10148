"""The pictures of the manual show what the program shows today."""

from __future__ import annotations

import importlib.util
import re
import sys
from types import ModuleType

import pytest

from tests.docs.pages import DOCS, ROOT, pages

IMAGES = DOCS / "images"


def _capture() -> ModuleType:
    """docs/images/capture.py, which belongs to no package."""
    spec = importlib.util.spec_from_file_location("capture", IMAGES / "capture.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["capture"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


capture = _capture()
SCENES = {scene.name: scene for scene in capture.SCENES}


QUICK = "notice"
"""The picture that every run of the tests makes anew; the others are slow, all in all."""


@pytest.mark.parametrize(
    "name", [pytest.param(one, marks=[] if one == QUICK else pytest.mark.slow) for one in SCENES]
)
def test_the_picture_is_current(name: str) -> None:
    was = (IMAGES / f"{name}.svg").read_text()
    now = capture.capture(SCENES[name])
    assert capture.texts_of(now) == capture.texts_of(was), "not current: make captures"


def test_every_picture_is_made_here_and_shown_somewhere() -> None:
    made = {path.stem for path in IMAGES.glob("*.svg")}
    assert made == set(SCENES)
    text = "".join(page.read_text() for page in [*pages(), ROOT / "README.md"])
    assert made <= set(re.findall(r"images/([\w-]+)\.svg", text))


@pytest.mark.parametrize("name", SCENES)
def test_a_picture_fetches_nothing_and_says_what_it_shows(name: str) -> None:
    picture = (IMAGES / f"{name}.svg").read_text()
    assert not re.findall(r"url\((?!#)|href=|@import|@font-face", picture)
    assert len(capture.texts_of(picture)) > 5
