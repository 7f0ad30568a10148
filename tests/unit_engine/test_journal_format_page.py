"""The page docs/formats/journal.md says what the program does."""

from pathlib import Path

from epql.engine.journal.format import (
    SegmentHeader,
    chain_start,
    encode_frame,
    encode_segment_header,
    encode_trailer,
)
from epql.engine.journal.scan import Scan, from_bytes
from epql.engine.journal.tail import start_of

PAGE = Path(__file__).parents[2] / "docs" / "formats" / "journal.md"


def example() -> bytes:
    """The segment of the page's worked example."""
    database_id, salt = bytes(range(16)), bytes(range(0xF0, 0x100))
    header = SegmentHeader(database_id, 1, salt, chain_start(database_id))
    place = start_of(header)
    frame, _ = encode_frame(
        tx=1,
        offset=120,
        recorded_at=1_704_067_200_000_000,
        records=[("M", 0, b"local"), ("H", 0, b"12345678")],
        synced_up_to=120,
        previous=header.previous,
        salt=salt,
    )
    data = encode_segment_header(header) + frame
    tail = Scan(from_bytes(data), place).run()
    return data + encode_trailer(tail.trailer(), salt)


def dump(data: bytes) -> str:
    """Offset, 16 bytes, text: a line each."""
    lines = []
    for at in range(0, len(data), 16):
        part = data[at : at + 16]
        text = "".join(chr(b) if 32 <= b < 127 else "." for b in part)
        lines.append(f"{at:04x}  {part.hex(' '):<47}  {text}".rstrip())
    return "\n".join(lines)


def test_the_worked_example_is_what_the_program_writes() -> None:
    page = PAGE.read_text()
    shown = page.split("```hex\n")[1].split("\n```")[0]
    assert shown == dump(example())


def test_the_parts_lie_where_the_page_says() -> None:
    data = example()
    assert data[:8] == b"EPQLJSEG"
    assert data[120:124] == b"EPQF"
    assert data[208:222] == b"\5\0\0\0M\0\0\0local\0"
    assert data[272:276] == b"EPQT"
    assert len(data) == 272 + 152
