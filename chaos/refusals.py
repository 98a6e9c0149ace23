"""Count the refusals and deferrals that pages show by classification, status code and reply, from their events."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from chaos.expected import Connection, Range, Shown
from stack.stored_numbers import EventKind

REFUSED, DEFERRED = EventKind.REFUSED, EventKind.DEFERRED
MEASURES = {"refused": {REFUSED}, "deferred": {DEFERRED}, "total": {REFUSED, DEFERRED}}
LOOKED_AT = 1_000
"""The failures that every page looks at. Most look at more."""
PROVIDERS, OTHER = {"gmail.com": "google"}, "other"
"""The provider groups of the domains that tests send to."""
VARIABLE = "#"
"""The placeholder in the reason of a failure for the words that differ from message to message."""
STATUS = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}\b|\b[245]\d\d\b")
READ_FAILURES = f"""
select e.kind, extract(epoch from e.at)::float8, coalesce(e.recipients, 1), coalesce(e.classification, 0),
    coalesce(e.reply, ''), b.account_id, b.id, split_part(coalesce(e.recipient, m.recipient), '@', 2)
from mailer_event e join mailer_message m on m.id = e.message_id join mailer_mail mail on mail.id = m.mail_id
join batches_batch b on b.id = mail.batch_id
where e.kind in ({REFUSED}, {DEFERRED}) and (e.kind <> {DEFERRED} or e.fence > 0)
"""


@dataclass(frozen=True, slots=True)
class Failure:
    """A refusal or deferral."""

    kind: int
    at: float
    recipients: int
    classification: int
    reply: str
    account_id: int
    batch_id: int
    domain: str

    @property
    def code(self) -> str:
        """Return the enhanced status code of the reply, or else its first one."""
        codes = STATUS.findall(self.reply)
        return next((code for code in codes if "." in code), codes[0] if codes else "")


@dataclass(frozen=True, slots=True)
class Failures:
    """All refusals and deferrals."""

    rows: list[Failure]

    def number_of(self, key: str) -> Shown:
        """Return the number of a figure. Its key has `failures`, the owner, the first and last time, and details."""
        _, about, since, until, classification, *details = key.split(":", 5)
        rows = [
            row
            for row in self.rows
            if about in ("all", f"account.{row.account_id}", f"batch.{row.batch_id}")
            and (not since or row.at >= float(since))
            and (not until or row.at < float(until))
        ]
        of_class = [row for row in rows if classification in ("", str(row.classification))]
        number = count_rows(of_class, *details[0].split(":", 1)) if details else None
        # The page looks at the newest failures, and says so.
        return Range(0, number) if number is not None and len(rows) >= LOOKED_AT else number


def count_rows(rows: list[Failure], measure_name: str, detail: str = "") -> int | None:
    """Count the recipients of failures by measure, by status code, or by the reason in their replies."""
    if measure_name in MEASURES:
        return sum(row.recipients for row in rows if row.kind in MEASURES[measure_name])
    if measure_name in ("code", "group"):
        names: Counter[str] = Counter()
        for row in rows:
            names[row.code if measure_name == "code" else PROVIDERS.get(row.domain, OTHER)] += row.recipients
        return names[detail]
    if measure_name == "reason":
        reason, _, measure = detail.rpartition(":")
        pattern = re.compile(".*".join(map(re.escape, reason.split(VARIABLE))), re.DOTALL | re.IGNORECASE)
        matching = [row for row in rows if pattern.fullmatch(shorten(row.reply))]
        return sum(row.recipients for row in matching if row.kind in MEASURES[measure])
    return None


def shorten(reply: str) -> str:
    """Return a reply as reasons are written: with one blank between words."""
    return " ".join(reply.split())


def read_failures(connection: Connection) -> Failures:
    """Read all refusals and deferrals."""
    rows: list[Any] = connection.execute(READ_FAILURES).fetchall()
    return Failures([Failure(*row) for row in rows])
