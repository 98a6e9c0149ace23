"""Unpack an uploaded file if it is gzip.

Input and output are blocks of at most about a megabyte. A file that unpacks to a thousand times its size therefore
costs time, which the reader limits, but no memory.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from itertools import chain

BLOCK_BYTES = 2**20
GZIP_MAGIC = b"\x1f\x8b"
GZIP_WINDOW = 16 + zlib.MAX_WBITS


class UnreadableFile(Exception):
    """The file cannot be read any further. The text says why."""


def unpack(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the content of the file. Raises UnreadableFile when a gzip file is damaged or ends too early."""
    waiting = iter(blocks)
    head = b""
    for block in waiting:
        head += block
        if len(head) >= len(GZIP_MAGIC):
            break
    all_blocks = chain([head], waiting)
    yield from _gunzip(all_blocks) if head.startswith(GZIP_MAGIC) else all_blocks


def _gunzip(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the content of all members: `cat a.gz b.gz` is a gzip file, too."""
    stream = zlib.decompressobj(GZIP_WINDOW)
    try:
        for block in blocks:
            remaining = block
            while remaining:
                if stream.eof:
                    # Files that were read from a tape end in zeros.
                    remaining = remaining.lstrip(b"\0")
                    if not remaining:
                        break
                    stream = zlib.decompressobj(GZIP_WINDOW)
                if unpacked := stream.decompress(remaining, BLOCK_BYTES):
                    yield unpacked
                remaining = stream.unused_data if stream.eof else stream.unconsumed_tail
    except zlib.error as error:
        raise UnreadableFile("The gzip file is damaged.") from error
    if not stream.eof:
        raise UnreadableFile("The gzip file ends too early.")


def skip(blocks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Yield all but the first `size` bytes."""
    for block in blocks:
        if size < len(block):
            yield block[size:] if size else block
        size = max(0, size - len(block))


def limit(blocks: Iterable[bytes], most: int) -> Iterator[bytes]:
    """Yield the same blocks. Raises UnreadableFile when they have more than `most` bytes together."""
    size = 0
    for block in blocks:
        size += len(block)
        if size > most:
            raise UnreadableFile(f"The file unpacks to more than {most} bytes.")
        yield block
