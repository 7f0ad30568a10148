"""The Merkle tree over a segment's frames, grown one frame at a time.

What it is: RFC 6962's tree (leaf = BLAKE3(0x00 ‖ digest), node = BLAKE3(0x01 ‖ left ‖ right)), of
which only the roots of the full subtrees are kept, largest first: one for each bit set in the
number of leaves. What it is not: no I/O, and no proofs yet. Page: docs/formats/journal.md.
"""

from __future__ import annotations

from epql.engine.digest import digest

Peaks = tuple[bytes, ...]


def grow(peaks: Peaks, leaves: int, frame_digest: bytes) -> Peaks:
    """The peaks after one more frame, when `leaves` are in already.

    >>> len(grow(grow((), 0, bytes(32)), 1, bytes(32))), len(grow((bytes(32),), 2, bytes(32)))
    (1, 2)
    """
    node = digest(b"\0" + frame_digest)
    keep = len(peaks)
    while leaves & 1:
        keep -= 1
        node = digest(b"\1" + peaks[keep] + node)
        leaves >>= 1
    return (*peaks[:keep], node)


def root(peaks: Peaks) -> bytes:
    """The root of the tree; of an empty one the BLAKE3 of nothing."""
    if not peaks:
        return digest(b"")
    node = peaks[-1]
    for peak in reversed(peaks[:-1]):
        node = digest(b"\1" + peak + node)
    return node
