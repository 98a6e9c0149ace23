"""Build contacts, lists and campaigns for tests."""

from __future__ import annotations

import datetime as dt
from typing import Any

from accounts.models import Account
from audience.models import Contact, ContactList, Membership
from batches.planner import plan_ahead
from batches.stop.control import end_pauses
from batches.sweep import admit_overdue, admit_retained, admit_stopped, fold_final, settle_receipts
from campaigns.editing import create_campaign
from campaigns.launch import expand_page
from campaigns.lifecycle import cancel_campaign, pause_campaign, schedule_campaign, send_now
from campaigns.models import Campaign, Launch, Sender
from campaigns.states import CampaignStatus
from campaigns.sweep import DUTIES
from foundation.clock import Now, database_now
from mailer.models import Suppression, SuppressionKind, UnsubscribeGroup
from mailer.pipeline.deliver import Deliverer

HTML = "<p>Hello [%first_name | friend%]</p><p><a href='[unsubscribe]'>leave</a></p>"
PLAIN = "Hello [%first_name | friend%]\n[unsubscribe]"
MOVING = (plan_ahead, end_pauses, admit_overdue, admit_stopped, admit_retained, settle_receipts, fold_final)
"""The sweeper's duties that move mail. The others, such as pruning, would take most of the time of many tests."""


def add_contacts(account: Account, emails: list[str], **common: Any) -> list[Contact]:
    """Create the contacts that do not exist yet, and return all contacts with these addresses."""
    Contact.objects.bulk_create(
        [Contact(account=account, email=email, **common) for email in emails], ignore_conflicts=True
    )
    return list(Contact.objects.filter(account=account, email__in=emails).order_by("id"))


def add_list(account: Account, contacts: list[Contact], name: str = "customers") -> ContactList:
    """Create a list of these contacts."""
    contact_list = ContactList.objects.create(account=account, name=name, contact_count=len(contacts))
    Membership.objects.bulk_create([Membership(list_id=contact_list.pk, contact_id=contact.pk) for contact in contacts])
    return contact_list


def add_sender(account: Account, *, is_verified: bool = True, from_email: str = "news@example.com") -> Sender:
    return Sender.objects.create(
        account=account,
        nickname=f"news {Sender.objects.count()}",
        from_email=from_email,
        from_name="News",
        reply_to="answers@example.com",
        address="1 Street",
        city="Town",
        country="Land",
        verified_at=Now() if is_verified else None,
    )


def ready_campaign(account: Account, *, recipients: int = 3, **fields: Any) -> Campaign:
    """Create a complete draft to `recipients` contacts `r0@example.com`, `r1@…`."""
    contacts = add_contacts(account, [f"r{n}@example.com" for n in range(recipients)])
    group = UnsubscribeGroup.objects.create(account=account, name=f"news {UnsubscribeGroup.objects.count()}")
    changes = {
        "title": "News of May",
        "subject": "News for [%first_name | you%]",
        "html_content": HTML,
        "plain_content": PLAIN,
        "sender": add_sender(account).pk,
        "lists": [add_list(account, contacts, f"list {ContactList.objects.count()}").pk],
        "suppression_group": group.pk,
    }
    return create_campaign(account, changes | fields)


def sweep_campaigns() -> dict[str, int]:
    """Run the sweeper's duties for campaigns."""
    return {name: duty() for name, duty in DUTIES.items()}


def expand_all() -> int:
    """Make the messages of every launch that is open; returns how many."""
    made = 0
    for launch_id in Launch.objects.filter(is_complete=False).values_list("pk", flat=True):
        while page := expand_page(launch_id):
            made += page.messages
    return made


def run_fleet(deliverer: Deliverer, *, rounds: int = 3) -> None:
    """Let everything happen that is due now: sweeper, expansion, delivery.

    End after a later round that sent nothing: its sweep has finished what the round before has sent.
    """
    for number in range(rounds):
        for duty in MOVING:
            duty()
        sweep_campaigns()
        is_busy = any([expand_all(), deliverer.deliver_due(seconds=5)])
        if number and not is_busy:
            return


def again(campaign: Campaign) -> Campaign:
    """Read the campaign again."""
    return Campaign.objects.select_related("launch").get(pk=campaign.pk)


def campaign_in(account: Account, status: CampaignStatus) -> Campaign:
    """Create a campaign and bring it to this status by the moves of callers and the sweeper."""
    campaign = ready_campaign(account, recipients=0 if status == CampaignStatus.FAILED else 3)
    if status == CampaignStatus.SCHEDULED:
        schedule_campaign(account, campaign.pk, database_now() + dt.timedelta(hours=1))
    elif status != CampaignStatus.DRAFT:
        send_now(account, campaign.pk)
    if status == CampaignStatus.SENT:
        # No recipient remains, so it ends without a worker.
        recipients = Contact.objects.filter(account=account).values_list("email", flat=True)
        Suppression.objects.bulk_create(
            (Suppression(account=account, email=email, kind=SuppressionKind.GLOBAL) for email in recipients if email),
            ignore_conflicts=True,
        )
    if status in {CampaignStatus.SENDING, CampaignStatus.SENT, CampaignStatus.FAILED}:
        expand_all()
        sweep_campaigns()
    if status == CampaignStatus.PAUSED:
        pause_campaign(account, campaign.pk, actor="a test")
    if status == CampaignStatus.CANCELLED:
        cancel_campaign(account, campaign.pk, actor="a test")
    current = again(campaign)
    assert current.status == status
    return current
