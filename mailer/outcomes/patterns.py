"""Read the table of patterns: the words by which providers say why they refuse or defer mail.

The table is `patterns.csv`. Its first row that matches a reply decides, so the rows are ordered from the words that
would be mistaken for others to the weakest ones. A row has these columns:

* `provider`: the provider or program whose words they are, `any` for words that many use;
* `code`: the first digits of the reply's code, or the first numbers of its enhanced status code; empty for any;
* `phrase`: words that follow each other. `a|b` is one of several words, `*` is a gap of at most `GAP` words;
* `classification`: SendGrid's name of the reason;
* `list`: the list of a recipient who was refused by these words: `bounce`, `block` or `invalid`; empty for none;
* `source`: where to look the provider's replies up;
* `example`: a reply with these words, often a shortened one, with addresses of examples.

Only words count. Addresses, digits, case and line breaks are left out of replies and phrases alike, because they differ
from one message to the next.
"""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from mailer.models import Classification, SuppressionKind

TABLE: Final = Path(__file__).with_name("patterns.csv")
GAP: Final = 8
ANY: Final = "*"
WORD: Final = re.compile(r"[^\W\d_]+")
APOSTROPHES: Final = str.maketrans("", "", "'\N{RIGHT SINGLE QUOTATION MARK}")
"""The characters that are removed from a text, so that `doesn't` is one word."""


class Pattern(NamedTuple):
    """A row of the table."""

    provider: str
    code: str
    phrase: str
    classification: Classification
    suppression: SuppressionKind | None
    source: str
    example: str


def words_of(text: str) -> list[str]:
    """Return the words of a text in lower case, without addresses and digits."""
    parts = [part for part in text.lower().split() if "@" not in part]
    return WORD.findall(" ".join(parts).translate(APOSTROPHES))


def read_table() -> Iterator[Pattern]:
    """Yield the rows of the table. Raises KeyError for an unknown name of a classification or a list."""
    classifications = {choice.label: choice for choice in Classification}
    kinds: dict[str, SuppressionKind | None] = {choice.label: choice for choice in SuppressionKind}
    with TABLE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield Pattern(
                provider=row["provider"],
                code=row["code"],
                phrase=row["phrase"],
                classification=classifications[row["classification"]],
                suppression=kinds[row["list"]] if row["list"] else None,
                source=row["source"],
                example=row["example"],
            )


def slots_of(phrase: str) -> list[list[str]]:
    """Return the words that each place of a phrase may have; `[ANY]` is a gap."""
    return [[ANY] if slot == ANY else ["".join(words_of(word)) for word in slot.split("|")] for slot in phrase.split()]


def compile_phrase(slots: list[list[str]]) -> re.Pattern[str]:
    """Return the expression for a phrase in a text of words that are separated by blanks. It takes linear time."""
    parts = [rf"(?:\w+ ){{0,{GAP}}}?" if slot == [ANY] else f"(?:{'|'.join(slot)}) " for slot in slots]
    return re.compile(rf"\b{''.join(parts).removesuffix(' ')}\b")


def index_by_word(phrases: Iterable[list[list[str]]]) -> dict[str, tuple[int, ...]]:
    """Return the numbers of the phrases, by a word that each of them needs.

    Each phrase is under the words of its rarest place, so that few phrases are tried on a reply.
    """
    every = [[slot for slot in slots if slot != [ANY]] for slots in phrases]
    frequency = Counter(word for slots in every for slot in slots for word in slot)
    index: defaultdict[str, list[int]] = defaultdict(list)
    for number, slots in enumerate(every):
        for word in min(slots, key=lambda slot: sum(frequency[word] for word in slot)):
            index[word].append(number)
    return {word: tuple(numbers) for word, numbers in index.items()}


PATTERNS: Final = tuple(read_table())
EXPRESSIONS: Final = tuple(compile_phrase(slots_of(pattern.phrase)) for pattern in PATTERNS)
INDEX: Final = index_by_word([slots_of(pattern.phrase) for pattern in PATTERNS])


def has_code(pattern: Pattern, code: str, status: str) -> bool:
    """Return whether a reply with this code and enhanced status code may match a pattern."""
    return not pattern.code or code.startswith(pattern.code) or f"{status}.".startswith(f"{pattern.code}.")


def find_pattern(words: list[str], code: str, status: str) -> Pattern | None:
    """Return the first pattern of the table that a reply with these words, code and enhanced status code matches."""
    numbers = {number for word in INDEX.keys() & words for number in INDEX[word]}
    text = " ".join(words)
    for number in sorted(numbers):
        pattern = PATTERNS[number]
        if has_code(pattern, code, status) and EXPRESSIONS[number].search(text):
            return pattern
    return None
