"""Mail a version of a template to some addresses as a test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from accounts.models import Account
from content.models import TemplateVersion
from content.test_data import read_test_data
from mailer.draft import Address, Bypass, MailDraft, Personalization
from mailer.pipeline.accept import Accepted, accept_mail

TEST_ADDRESSES: Final = 10
"""The most addresses that one test goes to."""


def send_template_test(
    account: Account,
    version: TemplateVersion,
    addresses: Sequence[str],
    *,
    sender: Address,
    reply_to: tuple[Address, ...] = (),
    unsubscribe_group: int | None = None,
    unsubscribe_url: str = "",
) -> Accepted:
    """Mail a version, active or not, with its test data as the data of each message.

    Suppressed addresses get the test, too, since the tester has chosen them. Raises the errors of `accept_mail`.
    """
    data = read_test_data(version.test_data)
    draft = MailDraft(
        sender=sender,
        reply_to=reply_to,
        content=(),
        personalizations=tuple(Personalization(to=(Address(address),), data=data) for address in addresses),
        template=version.content_id,
        unsubscribe_group=unsubscribe_group,
        unsubscribe_url=unsubscribe_url,
        bypass=Bypass.EVERYTHING,
    )
    return accept_mail(account, draft)
