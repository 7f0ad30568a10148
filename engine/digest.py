"""BLAKE3, through one door: content addresses and the chain of frames."""

from __future__ import annotations

from collections.abc import Iterable

from blake3 import blake3

DIGEST_SIZE = 32
"""Bytes of a digest."""


Hasher = blake3
"""Makes a digest of what comes bit by bit: `update`, then `digest`."""


def digest(data: bytes | bytearray | memoryview) -> bytes:
    """The 32-byte BLAKE3 of `data`."""
    return blake3(data).digest()


def digests(many: Iterable[bytes]) -> list[bytes]:
    """Those of many, without a call for each."""
    return [blake3(data).digest() for data in many]
