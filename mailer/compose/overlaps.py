"""Tell whether a key of a substitution overlaps a tag, so that replacing the key may change or remove the tag."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mailer.compose.system_tags import find_system_tags


class Edges:
    """The beginnings and ends of some tags, in lower case."""

    def __init__(self, tags: Sequence[str]) -> None:
        self._tags = [tag.lower() for tag in tags]
        self._joined = "\0".join(self._tags)
        self._beginnings = {tag[:size] for tag in self._tags for size in range(1, len(tag))}
        self._ends = {tag[size:] for tag in self._tags for size in range(1, len(tag))}
        self._longest = max(map(len, self._tags), default=0)

    def overlap(self, keys: Iterable[str]) -> bool:
        """Return whether a key overlaps a tag, contains a tag, or is in a tag, in upper or lower case."""
        return bool(self._tags) and any(key and self._overlaps(key.lower()) for key in keys)

    def _overlaps(self, key: str) -> bool:
        if key in self._joined or any(find_system_tags(key)) or any(tag in key for tag in self._tags):
            return True
        sizes = range(1, min(len(key), self._longest))
        return any(key[-size:] in self._beginnings or key[:size] in self._ends for size in sizes)
