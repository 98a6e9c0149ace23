"""Launch a campaign: its audience becomes the messages of its batch, page by page.

The input is a campaign that is ready, and its time. The result is a batch whose parcels are sent from that time on, at
the campaign's pace. Each page is one transaction that writes parcels, messages and the progress. After a crash at any
line the next worker continues after the last page, so no contact gets two messages and none is left out. A page reads
the batch's status under a lock that a stop has to wait for, so a stop ends the expansion, too.
"""

from __future__ import annotations

import datetime as dt
import json
import time
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog
from django.conf import settings
from django.db import IntegrityError, connection, transaction

from audience import QUEUE
from audience.errors import SearchTooSlow
from audience.locks import time_limit
from batches import hints
from batches.hints import hint_near_wave
from batches.labels import make_label
from batches.models import Batch, Receipt
from batches.states import BatchStatus, Lane
from batches.stop.exact import begin_stop
from campaigns import queries
from campaigns.contact_values import personal_sql
from campaigns.content import Content, content_of
from campaigns.models import Campaign, Launch
from campaigns.pacer import Pacer, PagedParcel, turns_of
from campaigns.selection import count_audience, select_audience
from campaigns.tags import Tag
from foundation.clock import database_now
from foundation.ids import url_safe
from mailer.models import Mail
from mailer.partitions import has_made_partitions_for

log = structlog.get_logger(__name__)

EXPAND = "campaigns.tasks.expand"
HINT_LIFE_SECONDS = 30
"""A hint is valid for this time. The sweeper publishes another one in every round."""
EXPAND_SECONDS = 20.0
"""One task continues for this time. Then it publishes a hint, so that a long expansion does not block its queue."""


@dataclass(frozen=True, slots=True)
class Page:
    """The results of a page of contacts."""

    through: int | None
    looked_at: int
    invalid: int
    unsubscribed: int
    parcels: list[PagedParcel]

    @property
    def messages(self) -> int:
        return sum(parcel.size for parcel in self.parcels)


def hint_expansion(launch_id: int) -> bool:
    """Publish a hint, after the commit, that an audience has to be expanded. Return False if the broker is away."""
    return hints.publish(EXPAND, [launch_id], queue=QUEUE, expires=HINT_LIFE_SECONDS)


def open_launch(campaign: Campaign, *, send_at: dt.datetime, begins_at: dt.datetime) -> Launch:
    """Create the batch, the mail and the launch of a campaign, in the transaction that moves it.

    Its content and the last contact of its audience are fixed at this moment. Raises InvalidContent.
    """
    content = content_of(campaign)
    batch = Batch.objects.create(
        account=campaign.account,
        public_id=url_safe(24),
        is_campaign=True,
        label=make_label(campaign.title),
        api_key_id=campaign.api_key_id,
    )
    with connection.cursor() as cursor:
        cursor.execute(queries.LAST_CONTACT, [campaign.account_id])
        last_contact = int(cursor.fetchone()[0])
    return Launch.objects.create(
        campaign=campaign,
        batch=batch,
        mail=make_mail(campaign, batch, content),
        begins_at=begins_at,
        tags=content.tags,
        names=None if content.names is None else sorted(content.names),
        last_contact=last_contact,
        audience=count_audience(campaign, last_contact=last_contact) if campaign.spread_seconds else None,
        next_at=[[moment.isoformat()] * 2 for moment in turns_of(campaign, send_at)],
    )


def make_mail(campaign: Campaign, batch: Batch, content: Content) -> Mail:
    """Create the mail that all messages of the campaign share. The account's defaults are fixed with it."""
    mail = mail_of(campaign, content)
    mail.batch = batch
    mail.save(force_insert=True)
    return mail


def mail_of(campaign: Campaign, content: Content) -> Mail:
    """Return the mail of a campaign in memory, without a batch."""
    return Mail(
        account=campaign.account,
        public_id=url_safe(16),
        sender=content.sender.email,
        sender_name=content.sender.name,
        subject=content.subject,
        reply_to=[list(content.reply_to)],
        content=[{"type": type, "value": value} for type, value in content.parts],
        headers=content.headers,
        categories=campaign.categories,
        unsubscribe_group=campaign.suppression_group,
        unsubscribe_url=content.unsubscribe_url,
        rendering=content.rendering,
        defaults=campaign.account.mail_defaults,
    )


def withdraw_launch(campaign: Campaign) -> Receipt | None:
    """Withdraw the mail that was prepared for a campaign before its time, under the campaign's lock.

    A later launch starts from the beginning. If a receipt is returned, call `finish_stop` with it after the commit.
    """
    if campaign.launch is None or campaign.launch.batch.status == BatchStatus.CANCELLED:
        return None
    return begin_stop(
        campaign.launch.batch,
        BatchStatus.CANCELLED,
        actor="sluice",
        reason="the campaign was withdrawn before its time",
        allowed_from={BatchStatus.OPEN, BatchStatus.PAUSED},
    )


def expand(launch_id: int, *, seconds: float = EXPAND_SECONDS) -> int:
    """Expand page after page until the audience is complete, the launch is stopped, or the time is over.

    In the last case a hint is published. Return the number of messages made; 0 if another worker is expanding the
    launch.
    """
    until, expanded = time.monotonic() + seconds, 0
    while page := _next_page(launch_id):
        expanded += page.messages
        if time.monotonic() >= until:
            hint_expansion(launch_id)
            break
    return expanded


def _next_page(launch_id: int) -> Page | None:
    try:
        return expand_page(launch_id)
    except SearchTooSlow:
        log.warning("a page of an audience took too long", launch=launch_id)
        return None


def expand_page(launch_id: int) -> Page | None:
    """Expand the next page of a launch. Return None if no page can be made now. Raises SearchTooSlow."""
    try:
        with time_limit(settings.JOB_STATEMENT_SECONDS):
            return _expand_page(launch_id)
    except IntegrityError as error:
        # No partition for ids this high: the sweeper that creates them has not run. Any other cause is a real error.
        if not has_made_partitions_for(error):
            raise
    with time_limit(settings.JOB_STATEMENT_SECONDS):
        return _expand_page(launch_id)


def _expand_page(launch_id: int) -> Page | None:
    if not _is_open(launch_id):
        return None
    locked = Launch.objects.select_for_update(skip_locked=True, of=("self",))
    launch = locked.select_related("campaign__account").filter(pk=launch_id, is_complete=False).first()
    if launch is None:
        return None
    pacer = Pacer(launch)
    page = _make_page(launch, pacer)
    pacer.note(page.parcels)
    launch.recipients += page.messages
    launch.invalid += page.invalid
    launch.unsubscribed += page.unsubscribed
    launch.through = page.through or launch.through
    launch.is_complete = page.looked_at < pacer.page_size
    launch.save(update_fields=["recipients", "invalid", "unsubscribed", "through", "is_complete", "next_at"])
    transaction.on_commit(partial(_give_hints, launch.batch_id, page.parcels), robust=True)
    return page


def _is_open(launch_id: int) -> bool:
    """Return whether the batch of a launch is open.

    It stays so while this transaction lasts, since a stop waits for its lock. Everyone who locks both locks the batch
    before the launch.
    """
    with connection.cursor() as cursor:
        cursor.execute(queries.LOCK_BATCH_OF_LAUNCH, [launch_id])
        row = cursor.fetchone()
    return row is not None and row[0] == BatchStatus.OPEN


def _make_page(launch: Launch, pacer: Pacer) -> Page:
    campaign = launch.campaign
    chosen = select_audience(campaign)
    tags = [Tag(*tag) for tag in launch.tags]
    personal, personal_parameters = personal_sql(tags, launch.names, campaign.account_id)
    times = list(pacer.times())
    parameters: dict[str, Any] = {
        **chosen.parameters,
        **personal_parameters,
        "account": campaign.account_id,
        "batch": launch.batch_id,
        "mail": launch.mail_id,
        "group": campaign.suppression_group_id,
        "through": launch.through,
        "last_contact": launch.last_contact,
        "limit": pacer.page_size,
        "size": pacer.parcel_size,
        "zones": json.dumps(pacer.waves_of_zones()),
        "waves": [wave for wave, _, _ in times],
        "numbers": [number for _, number, _ in times],
        "times": [at for _, _, at in times],
    }
    with connection.cursor() as cursor:
        cursor.execute(queries.expand(chosen.sql, personal), parameters)
        rows = cursor.fetchall()
    through, looked_at, invalid, unsubscribed = rows[0][:4]
    parcels = [PagedParcel(*row[4:]) for row in rows if row[4] is not None]
    return Page(through, looked_at, invalid, unsubscribed, parcels)


def _give_hints(batch_id: int, parcels: list[PagedParcel]) -> None:
    """Announce the parcels after the commit: due ones to the workers, near ones to the planner."""
    now = database_now()
    if due := sum(parcel.is_due for parcel in parcels):
        hints.hint_due(Lane.BULK, due)
    for send_at in sorted({parcel.send_at for parcel in parcels if not parcel.is_due}):
        hint_near_wave(batch_id, send_at, now=now)
