"""KVStore on SQLite and in memory, and the objects and ids on top of it."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator

import apsw
import pytest

import epql
from epql.engine.index.schema import open_index
from epql.engine.store import addresses
from epql.engine.store.addresses import Addresses
from epql.engine.store.kv import DiskStore, KVStore, MemoryStore
from epql.engine.store.objects import Objects, order_of, seq_of, tx_of


@pytest.fixture(params=["memory", "disk"])
def store(request: pytest.FixtureRequest) -> KVStore:
    return MemoryStore() if request.param == "memory" else DiskStore(open_index(":memory:"))


def test_what_is_put_is_got(store: KVStore) -> None:
    assert store.get(b"a") is None
    store.put(b"a", b"1")
    store.put(b"a", b"2")
    store.put(b"", b"")
    assert store.get(b"a") == b"2" and store.get(b"") == b""
    assert store.get_many([b"a", b"nope", b""]) == {b"a": b"2", b"": b""}


def test_what_is_deleted_is_gone(store: KVStore) -> None:
    store.put_many([(b"a", b"1"), (b"b", b""), (b"c", b"3")])
    store.delete(b"b")
    store.delete(b"b")
    assert list(store.scan_prefix(b"")) == [(b"a", b"1"), (b"c", b"3")]
    store.put(b"b", b"2")
    assert [key for key, _ in store.scan_prefix(b"")] == [b"a", b"b", b"c"]


def test_an_empty_value_is_a_value(store: KVStore) -> None:
    store.put(b"a", b"")
    assert store.get(b"a") == b""
    store.delete(b"a")
    assert store.get(b"a") is None and list(store.scan_prefix(b"")) == []


@pytest.mark.parametrize("prefix", [b"", b"a", b"a\xff", b"\xff", b"\xff\xff", b"b", b"a\x00"])
def test_a_prefix_gives_its_keys_in_order(store: KVStore, prefix: bytes) -> None:
    keys = [
        b"", b"a", b"a\x00", b"a\x00b", b"aa", b"a\xff", b"a\xff\xff", b"a\xff\xffx", b"b", b"\xfe",
        b"\xff", b"\xff\x00", b"\xff\xff", b"\xff\xff\xff",
    ]  # fmt: skip
    shuffled = random.Random(1).sample(keys, len(keys))
    store.put_many((key, key * 2) for key in shuffled)
    expected = [(key, key * 2) for key in sorted(keys) if key.startswith(prefix)]
    assert list(store.scan_prefix(prefix)) == expected


def test_random_use_is_that_of_a_dict(store: KVStore) -> None:
    rnd, model = random.Random(7), dict[bytes, bytes]()
    for _ in range(2000):
        key = bytes(rnd.choices(b"\x00a\xff", k=rnd.randrange(4)))
        if rnd.random() < 0.3:
            store.delete(key)
            model.pop(key, None)
        else:
            value = bytes([rnd.randrange(256)])
            store.put(key, value)
            model[key] = value
    for prefix in (b"", b"a", b"\xff", b"\xffa"):
        found = list(store.scan_prefix(prefix))
        assert found == sorted((k, v) for k, v in model.items() if k.startswith(prefix))


def test_a_batch_is_all_or_nothing(store: KVStore) -> None:
    def failing() -> Iterator[tuple[bytes, bytes]]:
        yield b"a", b"1"
        raise LookupError

    with pytest.raises(LookupError):
        store.put_many(failing())
    assert store.get(b"a") is None


# ---------------------------------------------------------------- ids


DIGESTS = [
    bytes.fromhex(text.ljust(64, "0")) for text in ("1f3c9e", "1f3d", "1f3dff", "ffff", "fffe")
]


def with_assertions(digests: Iterable[bytes]) -> apsw.Connection:
    db = open_index(":memory:")
    sql = "INSERT INTO assertion VALUES(?, 1, 'o', 1.0, 1, NULL, ?, NULL, 1, ?1, 1, 0, 9)"
    db.executemany(sql, list(enumerate(digests)))
    return db


@pytest.fixture
def objects(store: KVStore) -> Objects:
    made = Objects(store, Addresses(with_assertions(DIGESTS)))
    made.add(b"L:" + bytes.fromhex("abcd".ljust(64, "0")), 9)
    return made


ALIKE = [bytes.fromhex("00112233445566" + end.ljust(50, "0")) for end in ("", "77", "7788", "ff")]
"""Addresses that begin alike, further than the index of them looks."""


def test_addresses_that_begin_alike_are_told_apart() -> None:
    known = Addresses(with_assertions(ALIKE[:3]))
    assert [known.find(address) for address in ALIKE] == [0, 1, 2, None]
    assert known.find_many([*ALIKE, ALIKE[1]]) == {ALIKE[n]: n for n in range(3)}
    assert known.find_many([]) == {}
    assert list(known.scan_prefix(ALIKE[0][:7] + b"\x77")) == [(ALIKE[1], 1), (ALIKE[2], 2)]


def test_addresses_come_in_their_order() -> None:
    rnd = random.Random(3)
    digests = [rnd.randbytes(32) for _ in range(300)] + ALIKE + [b"\xff" * 32, b"\x00" * 32]
    known = Addresses(with_assertions(digests))
    for prefix in (b"", b"\x00", b"\xff", b"\xff" * 7, ALIKE[0][:6], digests[5][:3], digests[6]):
        expected = sorted(digest for digest in digests if digest.startswith(prefix))
        assert [digest for digest, _ in known.scan_prefix(prefix)] == expected


def test_an_address_is_one_seek() -> None:
    db = with_assertions(ALIKE)
    for sql in (addresses._ONE, addresses._MANY):
        plan = [row[3] for row in db.execute("EXPLAIN QUERY PLAN " + sql, (b"",))]
        assert "SEARCH a USING INDEX assertion_address (<expr>=?)" in plan


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("a:1f3c", 0), ("a:1f3c9", 0), ("a:1f3c9e", 0), ("a:" + DIGESTS[0].hex(), 0),
        ("A:1F3C9E", 0), ("a:1F3c", 0), ("a:1f3d0", 1), ("a:1f3df", 2),
        ("a:ffff", 3), ("a:fffe", 4),
    ],
)  # fmt: skip
def test_a_prefix_of_four_digits_or_more_names_an_assertion(
    objects: Objects, name: str, number: int
) -> None:
    assert objects.resolve(name) == (DIGESTS[number], number)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("a:1f3d", "id.ambiguous"), ("a:1f3e", "id.unknown"), ("a:abcd", "id.unknown"),
        ("a:1f3", "id.too_short"), ("a:", "id.malformed"), ("", "id.malformed"),
        ("1f3c9e", "id.malformed"), ("b:1f3c", "id.malformed"), ("a:1f3g", "id.malformed"),
        ("a:1f3c ", "id.malformed"), ("a:" + "0" * 65, "id.malformed"), ("a:１f3c", "id.malformed"),
    ],
)  # fmt: skip
def test_other_names_say_what_is_wrong(objects: Objects, name: str, code: str) -> None:
    with pytest.raises(epql.ProgrammingError) as caught:
        objects.resolve(name)
    assert caught.value.code == code


def test_an_ambiguous_id_shows_what_it_fits(objects: Objects) -> None:
    with pytest.raises(epql.ProgrammingError) as caught:
        objects.resolve("a:1f3d")
    assert "a:1f3d000000000000 and a:1f3dff0000000000" in (caught.value.hint or "")


def test_positions_grow_with_commits_and_within_them() -> None:
    places = [(1, 0), (1, 1), (1, 2**20 - 1), (2, 0), (2**40, 5)]
    numbers = [seq_of(*place) for place in places]
    assert numbers == sorted(numbers)
    assert [(tx_of(number), order_of(number)) for number in numbers] == places
