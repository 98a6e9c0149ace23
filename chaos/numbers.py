"""Keep the numbers that the figures on pages have to show, by key.

A figure has a key, such as `batch:12:sent`. Its first word is the family of the key.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from chaos.expected import Expected, Shown
from chaos.stored import KINDS, PARCELS, STATES, SUMS, Stored

ONE_OF = {"batches": "batch", "receipts": "receipt"}
"""The families of sums over several objects, each with the family of a single object."""
RECEIPT_COUNTS = {"sent", "stopped", "in_doubt", "in_flight", "not_sent", "ended", "ended_before", "more_doubts"}
GATED = tuple(f"scheduled_{gate}" for gate in ("open", "stopped", "paused", "frozen", "cancelled"))


def family_of(key: str) -> str:
    """Return the family of a key: the word before its first colon."""
    return key.partition(":")[0]


def name_of(key: str) -> str:
    """Return the name of the number in a key: its last word that is not a number."""
    return next((word for word in reversed(key.split(":")) if not word.replace(".", "").isdigit()), "")


Reader = Callable[[str], Shown]
"""A function that returns what the figure with a key shows at this moment; None for a key without a meaning."""


@dataclass
class Numbers:
    """The counts that figures show, by key. A count that has no number here is zero, if its key has a meaning."""

    by_key: Counter[str] = field(default_factory=Counter)
    texts: dict[str, Expected] = field(default_factory=dict)
    """The texts of figures that are no counts, such as percentages."""
    readers: dict[str, Reader] = field(default_factory=dict)
    """How to find what figures show that depend on the time, or on more than one count, by family."""
    messages: list[Stored] = field(default_factory=list)
    batch_ids: set[int] = field(default_factory=set)
    batches: dict[str, int] = field(default_factory=dict)
    """The ids of the batches by public id, without those of mail that was sent without a batch."""
    receipts: dict[str, int] = field(default_factory=dict)
    """The ids of the receipts by public id."""
    doubts: dict[int, set[int]] = field(default_factory=dict)
    """The messages that were in doubt when a receipt was settled, by the id of the receipt."""
    accounts: set[int] = field(default_factory=set)
    campaigns: dict[int, int] = field(default_factory=dict)
    """The statuses of the campaigns, by id."""
    bulks: list[int] = field(default_factory=list)
    """The actions on many messages."""
    endpoints: list[int] = field(default_factory=list)
    """The endpoints of webhooks."""
    deliveries: list[int] = field(default_factory=list)
    """The newest deliveries to them."""
    names: frozenset[str] = frozenset()
    """The names with numerals that people and programs have given, which are no figures."""

    def number_of(self, key: str) -> Shown:
        """Return what a figure has to show, or None for a key that does not exist."""
        if key in self.by_key:
            return self.by_key[key]
        if key in self.texts:
            return self.texts[key]
        reader = self.readers.get(family_of(key))
        value = reader(key) if reader else None
        return 0 if value is None and is_known(key) else value

    def sum_of(self, key: str) -> Shown:
        """Return the sum of the counts of several objects of a family, such as `batches:1.2:sent`."""
        family, ids, name = key.split(":")
        return sum(self.by_key[f"{ONE_OF[family]}:{number}:{name}"] for number in ids.split(".") if number)


def is_known(key: str) -> bool:
    """Return whether a key is that of a count: a count of nothing is zero."""
    family, *words = key.split(":")
    last = words[-1] if words else ""
    match family:
        case "batch" | "account" | "all":
            sums = (*STATES, *SUMS, *GATED, "due_open", "retained_open", "planned_campaigns")
            return last in sums or words[-2:-1] == ["sent"]
        case "receipt":
            return last in RECEIPT_COUNTS
        case "wave":
            return last in {"messages", "sent"} or last.removesuffix("_parcels") in PARCELS
        case "hour" | "hours" | "day" | "five":
            return words[-1 if family in {"hour", "hours"} else 0] in {"accepted", *KINDS.values()}
        case "ahead" | "hand":
            return True
        case "bounces" | "coming" | "bulk" | "planned":
            return True
    return False
