"""Mail a campaign to some addresses as a test, and wait for the result where the caller needs it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from typing import Final

from django.db import connection

from accounts.models import Account
from batches.errors import MessageInFlight
from campaigns import queries
from campaigns.checking import check_texts
from campaigns.contact_values import personal_sql
from campaigns.content import Content, content_of
from campaigns.editing import NO_CHANGES, NO_RULES, Changes, EditingRules, apply, find_campaign
from campaigns.errors import Need, NotReady, TooManyTests, UndeliveredTest
from campaigns.models import Campaign
from campaigns.readiness import find_missing
from foundation.addresses import address_key
from mailer.draft import Address, Bypass, ContentPart, MailDraft, Personalization
from mailer.models import EventKind
from mailer.one_message import stop_message
from mailer.outcomes.reading import OUTCOMES, read_events
from mailer.pipeline.accept import Accepted, accept_mail
from mailer.queries import states_of
from mailer.template_testing import TEST_ADDRESSES as TEST_ADDRESSES

NEEDED_FOR_A_TEST: Final = frozenset({Need.SUBJECT, Need.CONTENT, Need.SENDER})
WAIT_SECONDS = 10.0
FIRST_PAUSE_SECONDS: Final = 0.01
LONGEST_PAUSE_SECONDS: Final = 0.2
ON_ITS_WAY: Final = frozenset({"scheduled", "due", "claimed"})


def send_test(
    account: Account,
    campaign_id: int,
    addresses: Sequence[str],
    *,
    changes: Changes = NO_CHANGES,
    rules: EditingRules = NO_RULES,
) -> Accepted:
    """Mail the campaign to some addresses, in any status, with changes that are not stored.

    Its tags get the values of the contact with the address, or their defaults. Suppressed addresses get the test, too,
    since the tester has chosen them. Raises UnknownCampaign, TooManyTests, NotReady if it has no subject, content or
    sender, InvalidContent, and what `create_campaign` raises for the changes.
    """
    campaign = find_campaign(account, campaign_id)
    if not 1 <= len(addresses) <= TEST_ADDRESSES:
        raise TooManyTests(field="to")
    apply(campaign, changes, rules=rules)
    if missing := find_missing(campaign, needs=NEEDED_FOR_A_TEST):
        raise NotReady(missing)
    check_texts(campaign)
    return accept_mail(account, draft_of_test(campaign, addresses))


def draft_of_test(campaign: Campaign, addresses: Sequence[str]) -> MailDraft:
    """Return a mail with one message to each address. Raises InvalidContent."""
    content = content_of(campaign)
    return MailDraft(
        sender=content.sender,
        reply_to=(content.reply_to,),
        subject=content.subject,
        content=tuple(ContentPart(type, value) for type, value in content.parts),
        personalizations=tuple(_personalizations(campaign.account_id, content, addresses)),
        unsubscribe_group=campaign.suppression_group_id,
        unsubscribe_url=content.unsubscribe_url,
        headers=content.headers,
        bypass=Bypass.EVERYTHING,
        rendering=content.rendering,
    )


def _personalizations(account_id: int, content: Content, addresses: Sequence[str]) -> Iterator[Personalization]:
    """Yield a message to each address, with the values of the contact that has the address, if one does."""
    personal, parameters = personal_sql(content.tags, content.names, account_id)
    keys = [address_key(address) for address in addresses]
    with connection.cursor() as cursor:
        cursor.execute(
            queries.personal_of_addresses(personal), {**parameters, "account": account_id, "addresses": keys}
        )
        rows = [json.loads(row or "{}") for (row,) in cursor.fetchall()]
    for address, row in zip(addresses, rows, strict=True):
        yield Personalization(to=(Address(address),), merge=row.get("merge", {}), data=row.get("data"))


def send_test_and_wait(account: Account, campaign_id: int, address: str, *, actor: str) -> None:
    """Mail the campaign to an address like any other mail, and wait until it was sent.

    Raises UnknownCampaign and NotReady as `send_test` does, and UndeliveredTest if the peer did not accept it or it was
    not sent within `WAIT_SECONDS`. In that case it is stopped and will not be sent later.
    """
    message_id = send_test(account, campaign_id, [address]).first_message
    state = _wait_for(message_id)
    if state == "sent":
        return
    if state in ON_ITS_WAY or state in {"retained", "held"}:
        _stop_test(account, message_id, actor=actor)
    else:
        raise UndeliveredTest(_reply_to(message_id) or state.replace("_", " "))


def _wait_for(message_id: int) -> str:
    """Wait until a message is sent, is stuck, is deferred by the peer, or the time is over. Return its state."""
    deadline, pause = time.monotonic() + WAIT_SECONDS, FIRST_PAUSE_SECONDS
    while True:
        state = states_of([message_id])[message_id]
        is_deferred = bool(read_events([message_id], kinds=[EventKind.DEFERRED]))
        if state not in ON_ITS_WAY or time.monotonic() >= deadline or is_deferred:
            return state
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


def _stop_test(account: Account, message_id: int, *, actor: str) -> None:
    """Stop the message. Raises UndeliveredTest, unless it was sent meanwhile."""
    try:
        receipt = stop_message(account, message_id, actor=actor, reason="a test that was not sent in time")
    except MessageInFlight:
        raise UndeliveredTest("the mail system does not respond") from None
    if not receipt.sent:
        raise UndeliveredTest(_reply_to(message_id) or "it was not sent in time")


def _reply_to(message_id: int) -> str | None:
    """Return the last answer of the peer, or None."""
    events = read_events([message_id], kinds=OUTCOMES).get(message_id, [])
    return next((each.reply for each in reversed(events) if each.reply and each.kind != EventKind.STOPPED), None)
