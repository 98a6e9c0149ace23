"""Test caches with a bound."""

from __future__ import annotations

from foundation.caches import Cache


def test_a_cache_forgets_when_a_key_would_be_one_too_many() -> None:
    cache: Cache[int, str] = Cache(2)
    for key in (1, 2, 1):
        cache[key] = "kept"
    assert cache == {1: "kept", 2: "kept"}, "a key that it has already makes it forget nothing"
    cache[3] = "new"
    assert cache == {3: "new"}
