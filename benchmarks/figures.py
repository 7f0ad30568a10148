"""The kept figures of docs/performance, as the page and its charts ask for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance" / "index.md"
FOLDER = PAGE.parent / "figures"
NAMES = {10_000: "10 k", 100_000: "100 k", 1_000_000: "1 M", 10_000_000: "10 M"}
COMPARED = (10_000, 100_000, 1_000_000)

Found = dict[str, Any]


class Figures:
    """What was measured now, and before."""

    def __init__(self, now: Found, before: Found) -> None:
        self.now, self.before = now, before
        sizes = [part["sizes"] for part in now["parts"].values() if "sizes" in part]
        self.sizes: Found = {n: size for part in sizes for n, size in part.items()}

    def part(self, name: str) -> Found:
        """What one program said; empty if it has not run."""
        return dict(self.now["parts"].get(name, {}))

    def peer(self, n: int, name: str = "epql") -> Found:
        """One peer at one size; `before` is from the run that had it."""
        source = self.before["sizes"] if name == "before" else self.sizes
        return dict(source.get(str(n), {}).get(name, {}))

    def ratio(self, n: int, operation: str, peer: str = "epql") -> float | None:
        """A peer's figure in the baseline's, in the same run."""
        found: float | None = self.peer(n, peer).get("ratios", {}).get(operation)
        return found

    def p50_us(self, n: int, operation: str, peer: str = "epql") -> float | None:
        """The median latency of an operation."""
        found: float | None = self.peer(n, peer).get(operation, {}).get("p50_us")
        return found


def kept() -> Figures:
    """What lies beside the page."""
    return Figures(
        *(json.loads((FOLDER / f"{name}.json").read_text()) for name in ("now", "before"))
    )


def keep(whole: Found) -> None:
    """Put a run beside the page; what it had of another checkout goes into a file of its own."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    before: Found = {"machine": whole["machine"], "sizes": {}}
    statements = whole["parts"].pop("statements-before", None)
    for part in whole["parts"].values():
        for n, size in part.get("sizes", {}).items():
            if "before" in size:
                before["sizes"][n] = {"before": size.pop("before")}
    if before["sizes"]:
        _write("before", before | {"statements": statements})
    _write("now", whole)


def _write(name: str, found: Found) -> None:
    (FOLDER / f"{name}.json").write_text(json.dumps(_rounded(found), indent=1) + "\n")


def _rounded(value: Any) -> Any:
    """Four digits are more than a second run has in common."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    return [_rounded(one) for one in value] if isinstance(value, list) else value
