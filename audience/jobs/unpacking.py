"""The bytes of an uploaded file, unpacked if it is gzip. In and out are blocks of at most about a megabyte, so that a
file that unpacks to a thousand times its size costs time, which the reader bounds, and no memory."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from itertools import chain

BLOCK_BYTES = 2**20
GZIP_MAGIC = b"\x1f\x8b"
GZIP_WINDOW = 16 + zlib.MAX_WBITS


class UnreadableFile(Exception):
    """The file cannot be read any further; the text says why."""


def unpack(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """What the file holds. Raises UnreadableFile when a gzip file is damaged or ends too early."""
    waiting = iter(blocks)
    head = b""
    for block in waiting:
        head += block
        if len(head) >= len(GZIP_MAGIC):
            break
    whole = chain([head], waiting)
    yield from _gunzip(whole) if head.startswith(GZIP_MAGIC) else whole


def _gunzip(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Of all members: `cat a.gz b.gz` is a gzip file."""
    stream = zlib.decompressobj(GZIP_WINDOW)
    try:
        for block in blocks:
            left = block
            while left:
                if stream.eof:
                    left = left.lstrip(b"\0")  # padding, as tapes have it
                    if not left:
                        break
                    stream = zlib.decompressobj(GZIP_WINDOW)
                if unpacked := stream.decompress(left, BLOCK_BYTES):
                    yield unpacked
                left = stream.unused_data if stream.eof else stream.unconsumed_tail
    except zlib.error as error:
        raise UnreadableFile("The gzip file is damaged.") from error
    if not stream.eof:
        raise UnreadableFile("The gzip file ends too early.")


def skip(blocks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """All but the first `size` bytes."""
    for block in blocks:
        if size < len(block):
            yield block[size:] if size else block
        size = max(0, size - len(block))


def limit(blocks: Iterable[bytes], most: int) -> Iterator[bytes]:
    """The same blocks. Raises UnreadableFile when they are more than so many bytes."""
    size = 0
    for block in blocks:
        size += len(block)
        if size > most:
            raise UnreadableFile(f"The file unpacks to more than {most} bytes.")
        yield block
