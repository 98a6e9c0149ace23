"""Launch: a campaign's audience becomes the messages of its batch, page by page.

In: a campaign that is ready, and its time. Out: a batch whose parcels leave at that time, at the campaign's pace. Each
page is one transaction that writes parcels, messages and how far it has come, so after a crash at any line the next
worker goes on behind the last page: nobody gets two, nobody is left out. A page reads the batch's status under a lock
that a stop has to wait for, so a stop stops the expansion too.
"""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from django.db import IntegrityError, connection, transaction

from batches import hints
from batches.control import begin_stop, finish_stop
from batches.models import PARCEL_SIZE, Batch
from batches.planner import plan_wave
from batches.states import BatchStatus, Lane
from campaigns import queries
from campaigns.merging import merge_sql
from campaigns.models import AccountTerms, Campaign, Launch
from campaigns.pacing import Pace, Window, at_wall_clock, pace_of
from campaigns.selection import count_audience, select_audience
from campaigns.tags import Tag, fill_in_sender, find_tags
from foundation.clock import database_now
from foundation.ids import url_safe
from mailer.compose.plain_text import plain_text_of
from mailer.models import Mail
from mailer.partitions import ensure_partitions

EXPAND = "campaigns.tasks.expand"
PAGE = 5000
"""Contacts to a page, at most: a stop may wait for one, so it takes about a tenth of a second."""
PARCELS_TO_A_PAGE = 500
"""At most, for the same reason: of a slow campaign they are small."""
EXPAND_SECONDS = 20.0
"""How long one task goes on; then it leaves a hint, so that a long expansion does not block its queue."""


class MadeParcel(NamedTuple):
    """A parcel of a page; `wave` is the number of its time zone's turn."""

    id: int
    wave: int
    send_at: dt.datetime
    size: int
    is_due: bool


@dataclass(frozen=True, slots=True)
class Page:
    """What became of a page of contacts."""

    through: int | None
    looked_at: int
    invalid: int
    unsubscribed: int
    parcels: list[MadeParcel]

    @property
    def messages(self) -> int:
        return sum(parcel.size for parcel in self.parcels)


def hint_expansion(launch_id: int) -> None:
    """After the commit: there is an audience to be expanded."""
    hints.publish(EXPAND, [launch_id], queue="maintenance")


def open_launch(campaign: Campaign, *, send_at: dt.datetime, begins_at: dt.datetime) -> Launch:
    """The batch, the mail and the launch of a campaign, in the transaction that moves it. Its content and the bound of
    its audience are those of this moment."""
    batch = Batch.objects.create(account=campaign.account, public_id=url_safe(24), is_campaign=True)
    mail, tags = make_mail(campaign, batch)
    with connection.cursor() as cursor:
        cursor.execute(queries.LAST_CONTACT, [campaign.account_id])
        last_contact = int(cursor.fetchone()[0])
    return Launch.objects.create(
        campaign=campaign,
        batch=batch,
        mail=mail,
        begins_at=begins_at,
        tags=tags,
        last_contact=last_contact,
        audience=count_audience(campaign, last_contact=last_contact) if campaign.spread_seconds else None,
        next_at=[[moment.isoformat()] * 2 for moment in turns_of(campaign, send_at)],
    )


def turns_of(campaign: Campaign, send_at: dt.datetime) -> list[dt.datetime]:
    """The moments at which it leaves: one, or with local time one for each offset of the world's time zones. The first
    is that of contacts whose time zone is not known."""
    moments = dict.fromkeys([send_at])
    if campaign.is_local_time:
        for name in sorted(available_timezones()):
            moments.setdefault(at_wall_clock(send_at, of=campaign.zone, there=ZoneInfo(name)))
    return list(moments)


def make_mail(campaign: Campaign, batch: Batch) -> tuple[Mail, list[Tag]]:
    """What all messages of the campaign share, and what they ask of each contact."""
    sender = campaign.sender
    assert sender is not None  # it is ready
    html = fill_in_sender(campaign.html_content, sender)
    plain = fill_in_sender(campaign.plain_content, sender)
    if not plain.strip() and campaign.generates_plain:
        plain = plain_text_of(html)
    subject = fill_in_sender(campaign.subject, sender)
    parts = [("text/plain", plain), ("text/html", html)]
    mail = Mail.objects.create(
        account=campaign.account,
        batch=batch,
        public_id=url_safe(16),
        sender=sender.from_email,
        sender_name=sender.from_name,
        subject=subject,
        reply_to=[[sender.reply_to, sender.reply_to_name]],
        content=[{"type": type, "value": value} for type, value in parts if value.strip()],
        categories=campaign.categories,
        unsubscribe_group=campaign.suppression_group,
        unsubscribe_url=campaign.custom_unsubscribe_url,
    )
    return mail, find_tags([subject, plain, html])


def withdraw_launch(campaign: Campaign) -> None:
    """Under the campaign's lock, and before its time: what was prepared will not leave. A later launch starts anew."""
    if campaign.launch is None:
        return
    batch = Batch.objects.select_related("account").get(pk=campaign.launch.batch_id)
    if batch.status == BatchStatus.CANCELLED:
        return
    receipt = begin_stop(
        batch,
        BatchStatus.CANCELLED,
        actor="sluice",
        reason="the campaign was taken back before its time",
        allowed_from={BatchStatus.OPEN, BatchStatus.PAUSED},
    )
    transaction.on_commit(partial(finish_stop, receipt), robust=True)


def expand(launch_id: int, *, seconds: float = EXPAND_SECONDS) -> int:
    """Page after page until the audience is dealt with, the launch is stopped, or the time is over, which leaves a
    hint. Returns the messages made; none if another worker is at it."""
    until, made = time.monotonic() + seconds, 0
    while page := expand_page(launch_id):
        made += page.messages
        if time.monotonic() >= until:
            hint_expansion(launch_id)
            break
    return made


def expand_page(launch_id: int) -> Page | None:
    """The next page of a launch; None if there is none to make now."""
    try:
        with transaction.atomic():
            return _expand_page(launch_id)
    except IntegrityError as error:
        # No partition for ids this high: the sweeper that makes them ahead has not run. Anything else is a real error.
        if getattr(error.__cause__, "sqlstate", "") != "23514" or not ensure_partitions():
            raise
    with transaction.atomic():
        return _expand_page(launch_id)


def _expand_page(launch_id: int) -> Page | None:
    locked = Launch.objects.select_for_update(skip_locked=True, of=("self",))
    launch = locked.select_related("campaign__account", "mail").filter(pk=launch_id, is_complete=False).first()
    if launch is None or not _is_open(launch.batch_id):
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


def _is_open(batch_id: int) -> bool:
    """Whether the batch is open, and stays so while this transaction lasts: a stop waits for it."""
    with connection.cursor() as cursor:
        cursor.execute("select status from batches_batch where id = %s for share", [batch_id])
        row = cursor.fetchone()
    return row is not None and row[0] == BatchStatus.OPEN


def _make_page(launch: Launch, pacer: Pacer) -> Page:
    campaign = launch.campaign
    chosen = select_audience(campaign)
    merge, said = merge_sql([Tag(*tag) for tag in launch.tags], campaign.account_id)
    size = pacer.parcel_size
    times = list(pacer.times(-(-pacer.page_size // size)))
    zones = pacer.zones
    parameters: dict[str, Any] = {
        **chosen.parameters,
        **said,
        "account": campaign.account_id,
        "batch": launch.batch_id,
        "mail": launch.mail_id,
        "group": campaign.suppression_group_id,
        "through": launch.through,
        "last_contact": launch.last_contact,
        "limit": pacer.page_size,
        "size": size,
        "zones": list(zones),
        "zone_waves": list(zones.values()),
        "waves": [wave for wave, _, _ in times],
        "numbers": [number for _, number, _ in times],
        "times": [at for _, _, at in times],
    }
    with connection.cursor() as cursor:
        cursor.execute(queries.expand(chosen.sql, merge), parameters)
        rows = cursor.fetchall()
    return Page(*rows[0][:4], parcels=[MadeParcel(*row[4:]) for row in rows if row[4] is not None])


class Pacer:
    """Gives the parcels of a page their times, and writes down in the launch, and for the account's rate in its terms,
    where the next page goes on."""

    def __init__(self, launch: Launch) -> None:
        campaign = launch.campaign
        self.launch = launch
        self.pace = pace_of_campaign(campaign, launch.audience)
        self.terms = locked_terms(campaign.account_id)
        self.account_pace = Pace(60 / self.terms.rate_per_minute) if self.terms else None
        self.turns = [dt.datetime.fromisoformat(moment) for moment, _ in launch.next_at]
        self.next_at = [dt.datetime.fromisoformat(moment) for _, moment in launch.next_at]
        self.parcel_size = min(
            pace.parcel_size(PARCEL_SIZE) for pace in (self.pace, self.account_pace) if pace is not None
        )
        self.page_size = min(PAGE, self.parcel_size * PARCELS_TO_A_PAGE)
        self.zones = zones_of(campaign, self.turns) if campaign.is_local_time else {}

    def times(self, parcels: int) -> Iterator[tuple[int, int, dt.datetime]]:
        """For so many parcels in each wave: its number, theirs, and when they leave."""
        now = database_now()
        for wave, at in enumerate(self.next_at):
            start = max(at, now)
            if self.terms and self.terms.next_at:
                start = max(start, self.terms.next_at)
            slower = max(self.pace.seconds_each, self.account_pace.seconds_each if self.account_pace else 0.0)
            pace = Pace(slower, self.pace.window)
            yield from ((wave, n, at) for n, at in enumerate(pace.times(start, [self.parcel_size] * parcels)))

    def note(self, parcels: list[MadeParcel]) -> None:
        """After the page: where each wave goes on."""
        for parcel in parcels:
            self.next_at[parcel.wave] = self.pace.after(parcel.send_at, parcel.size)
            if self.terms and self.account_pace:
                free = self.account_pace.after(parcel.send_at, parcel.size)
                self.terms.next_at = max(free, self.terms.next_at or free)
        self.launch.next_at = [
            [turn.isoformat(), at.isoformat()] for turn, at in zip(self.turns, self.next_at, strict=True)
        ]
        if self.terms and parcels:
            self.terms.save(update_fields=["next_at"])


def pace_of_campaign(campaign: Campaign, audience: int | None) -> Pace:
    """Its own pace, the account's not included."""
    return pace_of(
        rate_per_minute=campaign.rate_per_minute,
        spread_seconds=campaign.spread_seconds,
        audience=audience,
        window=Window.from_json(campaign.window) if campaign.window else None,
    )


def locked_terms(account_id: int) -> AccountTerms | None:
    """The account's rate, so that no other campaign takes the same time; None if it has none."""
    return AccountTerms.objects.select_for_update().filter(account=account_id, rate_per_minute__isnull=False).first()


def zones_of(campaign: Campaign, turns: list[dt.datetime]) -> dict[str, int]:
    """The number of its wave for every time zone of the world."""
    numbers = {moment: number for number, moment in enumerate(turns)}
    send_at = turns[0]
    return {
        name: numbers.get(at_wall_clock(send_at, of=campaign.zone, there=ZoneInfo(name)), 0)
        for name in available_timezones()
    }


def _give_hints(batch_id: int, parcels: list[MadeParcel]) -> None:
    """After the commit: wake the fleet for what is due, and have near waves planned."""
    now = database_now()
    due = Counter(Lane.BULK for parcel in parcels if parcel.is_due)
    for lane, count in due.items():
        hints.hint_due(lane, count)
    for send_at in sorted({parcel.send_at for parcel in parcels if not parcel.is_due}):
        plan_wave(batch_id, send_at, now=now)
