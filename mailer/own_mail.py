"""Accept the mail that Sluice itself writes: links that a person has asked for, and notices about an account."""

from __future__ import annotations

from django.conf import settings

from accounts.models import Account
from mailer.draft import PLAIN_RENDERING, Address, Bypass, ContentPart, MailDraft, Personalization
from mailer.pipeline.accept import Accepted, accept_mail


def accept_own_mail(
    account: Account, email: str, *, subject: str, text: str, bypass: Bypass = Bypass.NOTHING
) -> Accepted:
    """Accept a plain text from `SYSTEM_FROM` to one address, as mail of an account without a batch.

    The account's footer, tracking and other settings do not change it. `bypass` names the suppressions that it ignores.
    Raises the errors of `accept_mail`.
    """
    draft = MailDraft(
        sender=Address(settings.SYSTEM_FROM),
        subject=subject,
        content=(ContentPart("text/plain", text),),
        personalizations=(Personalization((Address(email),)),),
        bypass=bypass,
        rendering=PLAIN_RENDERING,
    )
    return accept_mail(account, draft)
