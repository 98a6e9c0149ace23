"""Test the content of an uploaded file, compressed or not."""

from __future__ import annotations

import gzip
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audience.jobs.files import cut
from audience.jobs.unpacking import BLOCK_BYTES, UnreadableFile, limit, skip, unpack
from tests.examples import for_each, further


@given(st.lists(st.binary(max_size=50), max_size=4), st.integers(1, 20), st.booleans())
def test_any_file_is_unpacked_unchanged(members: list[bytes], size: int, is_packed: bool) -> None:
    whole = b"".join(members)
    file = b"".join(map(gzip.compress, members)) if is_packed else b"plain" + whole
    assert b"".join(unpack(cut([file], size))) == (whole if is_packed else file)


@further
@given(st.binary(max_size=50), st.integers(1, 20), st.integers(0, 60))
def test_a_number_of_leading_bytes_is_skipped(data: bytes, size: int, left_out: int) -> None:
    assert b"".join(skip(cut([data], size), left_out)) == data[left_out:]


@given(st.lists(st.binary(max_size=20)), st.integers(1, 20))
def test_cut_gives_blocks_of_one_size(blocks: list[bytes], size: int) -> None:
    cut_blocks = list(cut(blocks, size))
    assert b"".join(cut_blocks) == b"".join(blocks)
    assert all(len(block) == size for block in cut_blocks[:-1])


def test_padding_is_passed_over() -> None:
    assert b"".join(unpack([gzip.compress(b"a") + b"\0" * 9, b"\0\0", gzip.compress(b"b")])) == b"ab"


@for_each("size", [2, 3, 12, -1])
def test_a_file_that_ends_too_early_is_unreadable(size: int) -> None:
    with pytest.raises(UnreadableFile, match="too early"):
        list(unpack([gzip.compress(b"abc")[:size]]))


def test_a_damaged_file_yields_the_rows_before_the_damage() -> None:
    blocks = unpack([gzip.compress(b"good"), b"garbage"])
    assert next(blocks) == b"good"
    with pytest.raises(UnreadableFile, match="damaged"):
        next(blocks)


def test_a_bomb_costs_no_memory_and_is_given_up() -> None:
    member = gzip.compress(b"\n" * 2**24)

    def bomb() -> Iterator[bytes]:
        for _ in range(1000):
            yield member

    sizes: list[int] = []
    tracemalloc.start()
    try:
        blocks = limit(unpack(bomb()), 100_000_000)
        with pytest.raises(UnreadableFile, match="more than 100000000 bytes"):
            sizes.extend(map(len, blocks))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert max(sizes) <= BLOCK_BYTES
    assert peak < 10 * BLOCK_BYTES
