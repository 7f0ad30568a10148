"""SQLAlchemy's own suite for dialects, run on scratch tables; test_compliance.py starts it."""

from __future__ import annotations

from typing import Any

from sqlalchemy.testing.suite import *  # noqa: F403
from sqlalchemy.testing.suite import HasTableTest as _HasTableTest


class HasTableTest(_HasTableTest):
    """The suite's, without its view: it makes one whether or not views are there."""

    @classmethod
    def define_views(cls, metadata: Any) -> None:
        """A view cannot see scratch tables."""
