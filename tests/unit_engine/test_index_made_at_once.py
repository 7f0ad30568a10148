"""Several who make the same new index at the same moment wait for each other; none is refused."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from epql.engine.index.schema import open_index


def test_an_index_made_by_several_at_once(tmp_path: Path) -> None:
    barrier = threading.Barrier(6)

    def make(path: str) -> int:
        barrier.wait()
        db = open_index(path)
        try:
            return int(db.pragma("user_version"))
        finally:
            db.close()

    with ThreadPoolExecutor(6) as pool:
        for number in range(15):
            found = list(pool.map(make, [str(tmp_path / f"{number}.db")] * 6))
            assert len(set(found)) == 1 and found[0] > 0
