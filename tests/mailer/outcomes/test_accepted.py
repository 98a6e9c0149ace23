"""Accepted recipients are counted by the statement that stores them."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from accounts.models import Account
from batches.errors import UnknownBatch
from batches.handles import create_batch
from batches.states import Lane
from campaigns.launch import expand
from campaigns.lifecycle import send_now
from campaigns.models import Campaign
from foundation.clock import database_now
from mailer.draft import Address, Personalization
from mailer.models import CounterDelta, Measure, Series
from mailer.pipeline.accept import accept_mail
from tests.campaigns.building import ready_campaign
from tests.drafts import draft

TO, CC, BCC = (Address(f"{name}@example.com") for name in ("to", "cc", "bcc"))


def accepted() -> dict[tuple[str, int, str], int]:
    """Return the recipients counted as accepted by series, account and key."""
    counts: dict[tuple[str, int, str], int] = {}
    for delta in CounterDelta.objects.filter(measure=Measure.ACCEPTED):
        key = (Series(delta.series).label, delta.account_id, delta.key)
        counts[key] = counts.get(key, 0) + delta.n
    return counts


def test_each_recipient_is_counted_for_the_account_the_batch_and_the_categories(alice: Account) -> None:
    lanes = {lane: str(int(lane)) for lane in Lane}
    mail = replace(draft(1), personalizations=(Personalization(to=(TO,), cc=(CC,), bcc=(BCC,)),))
    accept_mail(alice, mail)
    accept_mail(alice, mail)
    assert accepted() == {("account", alice.pk, lanes[Lane.TRANSACTIONAL]): 6}
    accept_mail(alice, replace(draft(60), categories=("news", "märz", "news")))
    batch = create_batch(alice)
    accept_mail(alice, replace(draft(2, batch_id=batch.public_id), categories=("news",)))
    accept_mail(alice, draft(1, batch_id=batch.public_id, send_at=database_now() + dt.timedelta(hours=1)))
    assert accepted() == {
        ("account", alice.pk, lanes[Lane.TRANSACTIONAL]): 9,
        ("account", alice.pk, lanes[Lane.BULK]): 60,
        ("batch", alice.pk, str(batch.pk)): 3,
        ("category", alice.pk, "news"): 62,
        ("category", alice.pk, "märz"): 60,
    }


def test_a_refused_mail_is_not_counted(alice: Account, charlie: Account) -> None:
    batch = create_batch(charlie)
    with pytest.raises(UnknownBatch):
        accept_mail(alice, replace(draft(1, batch_id=batch.public_id), categories=("news",)))
    assert accepted() == {}


def test_the_messages_of_a_campaign_are_counted_when_they_are_made(alice: Account) -> None:
    campaign = ready_campaign(alice, recipients=3)
    Campaign.objects.filter(pk=campaign.pk).update(categories=["news"])
    launch = send_now(alice, campaign.pk).launch
    assert launch is not None
    assert accepted() == {}
    expand(launch.pk)
    expand(launch.pk)
    assert accepted() == {
        ("account", alice.pk, str(int(Lane.BULK))): 3,
        ("batch", alice.pk, str(launch.batch_id)): 3,
        ("category", alice.pk, "news"): 3,
    }
