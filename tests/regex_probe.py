"""Feed regular expressions their worst inputs, in a process whose memory and time are limited.

Standard input is a pickle of the expressions: name, pattern, flags, and the methods by which the product uses it.
Standard output is a line for each expression that is not linear in time or not bounded in memory, and at last `done`.
It is a separate process because the engine's stack is invisible to tracemalloc, and because an exponential expression
can only be stopped from outside.
"""

from __future__ import annotations

import os
import pickle
import re
import re._constants as codes  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
import resource
import sys
import time
from collections.abc import Collection, Iterator
from itertools import product
from typing import Any, AnyStr

CPU_SECONDS = int(os.environ.get("CPU_SECONDS", "60"))
SIZES = (100, 400, 1_600, 6_400)
HUGE = 2**18
SUSPICIOUS_SECONDS = 0.003
"""A linear expression needs about 0.00005 s for 6,400 characters; a quadratic one, 0.03 s or more."""
MOST_GROWTH = 8
"""The limit for four times the input, where linear is 4 and quadratic is 16."""
MEMORY = 6 * 2**20
"""The limit for an input of `HUGE` characters only. A repeated group takes about 34 bytes a character."""
TAIL = "\n!\0"
"""Few expressions match a text with this end."""
REPEATS = {codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT}
SINGLE = {codes.LITERAL, codes.NOT_LITERAL, codes.ANY, codes.IN, codes.CATEGORY}
CANDIDATES = [*map(chr, range(32, 127)), "\t", "\n", "\r", "\0", "é", "\u2028"]


def sample(items: Any, *, repeats: int = 1) -> str:
    """Return a text that the items of a parse tree match, as far as this is known without running them."""
    return "".join(sample_of(item, repeats) for item in items)


def sample_of(item: Any, repeats: int) -> str:
    operation, argument = item
    if operation is codes.LITERAL:
        return chr(argument)
    if operation in SINGLE:
        return _character(item)
    if operation in REPEATS:
        lowest, highest, body = argument
        return sample(body, repeats=repeats) * min(max(lowest, repeats), highest)
    if operation is codes.SUBPATTERN:
        return sample(argument[-1], repeats=repeats)
    if operation is codes.ATOMIC_GROUP:
        return sample(argument, repeats=repeats)
    if operation is codes.BRANCH:
        return sample(argument[1][0], repeats=repeats)
    return ""


def _character(item: Any) -> str:
    """Return the first of `CANDIDATES` that one item for a single character matches, letters first."""
    tree = parser.State()
    pattern = parser.SubPattern(tree, [item])
    matcher = re._compiler.compile(pattern, 0)  # type: ignore[attr-defined]
    for character in "a0" + "".join(CANDIDATES):
        if matcher.fullmatch(character):
            return character
    return ""


def parts(items: Any, before: str = "", only: Collection[Any] = ()) -> Iterator[tuple[str, str]]:
    """Yield a sample of each item, at every depth, with the text that must precede it.

    With `only`, skip items of other kinds.
    """
    for item in items:
        operation, argument = item
        if not only or operation in only:
            yield before, sample_of(item, 1)
        for inner in inner_of(operation, argument):
            yield from parts(inner, before, only)
        before += sample_of(item, 1)


def inner_of(operation: Any, argument: Any) -> list[Any]:
    """Return the parts of a parse tree that an item consists of."""
    if operation in REPEATS:
        return [argument[2]]
    if operation is codes.SUBPATTERN:
        return [argument[-1]]
    if operation is codes.ATOMIC_GROUP:
        return [argument]
    return list(argument[1]) if operation is codes.BRANCH else []


def hostile_inputs(tree: Any, size: int) -> Iterator[str]:
    """Yield inputs of a size that are hard for an expression.

    They repeat every part of the expression, after every beginning of it, with and without a tail that fails; they
    repeat beginnings; and they repeat a beginning together with a part after it.
    """
    samples = list(dict.fromkeys(parts(tree)))
    heads = list(dict.fromkeys(["", *(head for head, _ in samples)]))[:12]
    bodies = [body for body in dict.fromkeys([*(body for _, body in samples), " ", "a", *heads]) if body][:14]
    for head, body in product(heads, bodies):
        yield head + repeat(body, size) + TAIL
        if head:
            yield repeat(head + body, size)


def repeat(text: str, size: int) -> str:
    return (text * (size // len(text) + 1))[:size]


def long_inputs(tree: Any) -> Iterator[str]:
    """Yield inputs of `HUGE` characters: each repetition of the expression, as often as there is room."""
    for before, body in dict.fromkeys(parts(tree, only=REPEATS)):
        if body:
            yield before + repeat(body, HUGE)


def run(pattern: re.Pattern[AnyStr], method: str, text: AnyStr) -> None:
    """Use an expression as the product does."""
    if method in {"search", "match", "fullmatch"}:
        getattr(pattern, method)(text)
    else:
        for _ in pattern.finditer(text):
            pass


def seconds_for(pattern: re.Pattern[Any], method: str, text: Any) -> float:
    """Return the CPU time of one use, the shorter of two."""
    times = []
    for _ in range(2):
        began = time.thread_time()
        run(pattern, method, text)
        times.append(time.thread_time() - began)
    return max(min(times), 1e-6)


def problems_of(source: Any, flags: int, methods: list[str]) -> Iterator[str]:
    """Yield what is wrong with an expression."""
    pattern = re.compile(source, flags)
    tree = parser.parse(source, flags)

    def written(text: str) -> Any:
        return text.encode("latin-1", "replace") if isinstance(source, bytes) else text

    for method in methods:
        for texts in zip(*(hostile_inputs(tree, size) for size in SIZES), strict=True):
            if is_suspicious(pattern, method, written(texts[1])) or is_suspicious(pattern, method, written(texts[-1])):
                growth = growth_of(pattern, method, list(map(written, texts)))
                if growth > MOST_GROWTH:
                    yield f"{method}: {growth:.0f} times the time for 4 times {texts[-1][:40]!r}"
                    return
        for text in long_inputs(tree):
            try:
                run(pattern, method, written(text))
            except MemoryError:
                yield f"{method}: too much memory for {text[:40]!r}"
                return


def is_suspicious(pattern: re.Pattern[Any], method: str, text: Any) -> bool:
    began = time.thread_time()
    run(pattern, method, text)
    return time.thread_time() - began >= SUSPICIOUS_SECONDS


def growth_of(pattern: re.Pattern[Any], method: str, texts: list[Any]) -> float:
    """Return how much the time grows from one text to the next, which is four times as long.

    The first slow text counts, so that a cubic expression is not given the longest one.
    """
    before = 0.0
    for text in texts:
        seconds = seconds_for(pattern, method, text)
        if seconds >= SUSPICIOUS_SECONDS and before:
            return seconds / before
        before = seconds
    return 0.0


def main() -> None:
    """Read the expressions, limit this process, and print a line for each problem."""
    expressions = pickle.load(sys.stdin.buffer)
    pages = int(open("/proc/self/statm").read().split()[0])  # noqa: SIM115
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY,) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    for name, source, flags, methods in expressions:
        for problem in problems_of(source, flags, methods):
            print(f"{name}: {problem}", flush=True)  # noqa: T201
    print("done", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
