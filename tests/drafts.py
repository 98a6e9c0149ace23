"""Make small drafts of mail for tests."""

from __future__ import annotations

import datetime as dt

from mailer.draft import Address, ContentPart, MailDraft, Personalization


def draft(
    messages: int = 1, *, batch_id: str | None = None, send_at: dt.datetime | None = None, name: str = "to"
) -> MailDraft:
    """Return a mail to `messages` recipients, `{name}0@example.com` and so on."""
    return MailDraft(
        sender=Address("from@example.com"),
        subject="Hello",
        content=(ContentPart("text/plain", "Hello -n-"),),
        personalizations=tuple(
            Personalization(to=(Address(f"{name}{n}@example.com"),), substitutions={"-n-": str(n)})
            for n in range(messages)
        ),
        batch_id=batch_id,
        send_at=send_at,
    )


def mail_to(*recipients: str, batch_id: str | None = None, send_at: dt.datetime | None = None) -> MailDraft:
    """Return a mail with a message to each of the recipients."""
    return MailDraft(
        sender=Address("from@example.com"),
        subject="Hello",
        content=(ContentPart("text/plain", "Hello"),),
        personalizations=tuple(Personalization(to=(Address(each),)) for each in recipients),
        batch_id=batch_id,
        send_at=send_at,
    )
