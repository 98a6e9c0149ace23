"""Mail a personal link to a recipient of a message that was sent to several, at the recipient's request.

The link in such a message cannot tell who opened it. If an address typed into its page were believed, one recipient
could unsubscribe another, and trying addresses would reveal who was in Bcc. So the page answers every address in the
same way and in the same time: the work is done by a task, which mails a link only to an address that the message went
to.
"""

from __future__ import annotations

from typing import Final

from django.conf import settings

from accounts.models import Account
from accounts.rates import take_place
from batches.hints import publish
from foundation.addresses import address_key
from mailer.compose.mime import recipients_of
from mailer.draft import Bypass
from mailer.models import Message
from mailer.own_mail import accept_own_mail
from mailer.suppressions.links import Link, seal

TASK: Final = "mailer.tasks.mail_own_link"
ASKED_PER_HOUR: Final = 20
"""The most requests for one message in an hour, of all recipients together."""
MAILED_PER_HOUR: Final = 3
"""The most mails to one address for one account in an hour."""


def request_own_link(link: Link, email: str, page: str) -> bool:
    """Have a link mailed to `email` if the message of `link` was sent there. It opens `page`, the part after the token.

    Return False when too many links were requested for this message in the last hour. The answer tells nothing about
    the address.
    """
    if not take_place(f"own-link:{link.message_id}", limit=ASKED_PER_HOUR, seconds=3600):
        return False
    if not publish(TASK, [*link[:3], email, page], queue="maintenance"):
        mail_own_link(*link[:3], email, page)  # Without a broker, leaving must still be possible.
    return True


def mail_own_link(account_id: int, group_id: int, message_id: int, email: str, page: str) -> None:
    """Mail `email` a link that names it, if the message went there and it was not mailed too many lately."""
    address = address_key(email)
    account = Account.objects.filter(pk=account_id).first()
    if account is None or address not in _recipients_of(message_id):
        return
    if not take_place(f"own-link-mail:{account_id}:{address}", limit=MAILED_PER_HOUR, seconds=3600):
        return
    url = f"{settings.PUBLIC_URL}/u/{seal(Link(account_id, group_id, message_id, address))}{page}"
    text = (
        "You received an e-mail that was sent to more than one address, and asked to unsubscribe or to change which "
        f"mail you get.\n\nOpen this link to do so for {address}:\n\n{url}\n\n"
        "If you did not ask for this, ignore this e-mail: nothing has been changed.\n"
    )
    # A recipient who has unsubscribed may want to subscribe again.
    bypass = Bypass.UNSUBSCRIBES | Bypass.SPAM_REPORTS
    accept_own_mail(account, address, subject="Your link to unsubscribe", text=text, bypass=bypass)


def _recipients_of(message_id: int) -> set[str]:
    """Return the keys of the addresses that a message went to; empty once its history is over."""
    message = Message.objects.filter(pk=message_id).first()
    return set() if message is None else set(map(address_key, recipients_of(message.personal or {}, message.recipient)))
