"""Life cycle: schedule, unschedule, send now, pause, resume, cancel, delete.

A campaign is moved under its row lock, which is refused at once when somebody else holds it, and which is held only
while a change commits: a stop gives it back before it waits to settle. The stop itself is that of the campaign's batch.

A dialect that allows fewer moves says from which statuses (`allowed_from`); that is checked under the same lock.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import partial

from django.db import OperationalError, transaction

from accounts.models import Account
from audience.locks import expensive_call
from batches import hints
from batches.models import Batch, Receipt
from batches.states import BatchStatus
from batches.stop.control import begin_resume
from batches.stop.exact import begin_stop, finish_stop, stop_transaction
from campaigns.errors import CampaignConflict, NotReady, TimeIsPast, TransitionInProgress, UnknownCampaign
from campaigns.launch import hint_expansion, open_launch, withdraw_launch
from campaigns.models import STATUS_NOW, AccountTerms, Campaign
from campaigns.pacer import hint_times, repace
from campaigns.pacing import EARLIEST_ZONE, Window, at_wall_clock
from campaigns.readiness import WITH_TAG, Needs, lacks_of
from campaigns.states import BEGINNING, CAMPAIGN_MOVES, RUNNING, CampaignStatus, leaves_for
from foundation.clock import Now, database_now
from foundation.postgresql import SqlState, sqlstate_of

Statuses = Collection[CampaignStatus]

SCHEDULABLE: Statuses = leaves_for(CampaignStatus.SCHEDULED) | {CampaignStatus.SCHEDULED}
SENDABLE: Statuses = leaves_for(CampaignStatus.QUEUED)
PAUSABLE: Statuses = leaves_for(CampaignStatus.PAUSED)
CANCELABLE: Statuses = leaves_for(CampaignStatus.CANCELED)
RESUMABLE: Statuses = frozenset({CampaignStatus.PAUSED})
UNSCHEDULABLE: Statuses = frozenset({CampaignStatus.SCHEDULED})


@contextmanager
def locked_campaign(account: Account, campaign_id: int, *, waits: bool = False) -> Iterator[Campaign]:
    """The campaign under its row lock, in a transaction, with the status it has at this moment.

    Raises UnknownCampaign, and, unless it `waits` for it, TransitionInProgress when another change is being committed.
    Rows are locked in the order campaign, batch, launch, account's terms.
    """
    with stop_transaction():
        own = Campaign.objects.filter(account=account, pk=campaign_id, deleted_at=None)
        try:
            with transaction.atomic():
                # Not its key: who writes a row that names the campaign is no other change of it.
                locked = own.select_for_update(nowait=not waits, no_key=True, of=("self",))
                campaign = locked.select_related("account", "launch", "sender").first()
        except OperationalError as error:
            if sqlstate_of(error) == SqlState.LOCK_NOT_AVAILABLE:
                raise TransitionInProgress from error
            raise
        if campaign is None:
            raise UnknownCampaign
        begin_if_time(campaign)
        yield campaign


def begin_if_time(campaign: Campaign) -> None:
    """Under its lock: note that a campaign has begun, if it has and the sweeper has not noted it yet.

    The row of a scheduled campaign's batch is locked first, which every release of its parcels has to read: before its
    time nothing of it has left, and while this transaction lasts nothing will.
    """
    if campaign.status not in BEGINNING or campaign.launch is None:
        return
    if campaign.status == CampaignStatus.SCHEDULED:
        Batch.objects.select_for_update(no_key=True).get(pk=campaign.launch.batch_id)
    status = Campaign.objects.values_list(STATUS_NOW, flat=True).get(pk=campaign.pk)
    if status != campaign.status:
        move(campaign, CampaignStatus(status))


def move(campaign: Campaign, target: CampaignStatus, **changes: object) -> None:
    """The row's change, under its lock. Raises CampaignConflict unless the table has the move."""
    status = CampaignStatus(campaign.status)
    if target is not status and target not in CAMPAIGN_MOVES[status]:
        raise CampaignConflict(status)
    Campaign.objects.filter(pk=campaign.pk, status=status).update(status=target, updated_at=Now(), **changes)
    for name, value in {"status": target, **changes}.items():
        setattr(campaign, name, value)


def require(campaign: Campaign, allowed_from: Statuses) -> None:
    """Raises CampaignConflict unless the campaign is in one of these."""
    status = CampaignStatus(campaign.status)
    if status not in allowed_from:
        raise CampaignConflict(status)


def schedule_campaign(
    account: Account,
    campaign_id: int,
    send_at: dt.datetime,
    *,
    allowed_from: Statuses = SCHEDULABLE,
    needs: Needs = WITH_TAG,
) -> Campaign:
    """Give a campaign its time, or another one.

    Raises UnknownCampaign, TransitionInProgress, CampaignConflict; TimeIsPast; NotReady with all that it lacks.
    """
    with locked_campaign(account, campaign_id) as campaign:
        require(campaign, set(allowed_from) & set(SCHEDULABLE))
        refuse_unready(campaign, needs)
        if send_at <= database_now():
            raise TimeIsPast(field="send_at")
        _schedule(campaign, send_at)
    return campaign


def schedule_anew(campaign: Campaign) -> None:
    """Under its lock: a scheduled campaign was changed, so what was prepared of it is prepared again."""
    assert campaign.send_at is not None
    _schedule(campaign, campaign.send_at)


def _schedule(campaign: Campaign, send_at: dt.datetime) -> None:
    _replace_launch(campaign)
    move(
        campaign,
        CampaignStatus.SCHEDULED,
        send_at=send_at,
        begins_at=first_moment(campaign, send_at),
        launch=None,
        failure="",
    )


def _replace_launch(campaign: Campaign) -> None:
    """What was prepared of it is withdrawn, and the campaign goes on without it."""
    receipt = withdraw_launch(campaign)
    if receipt:
        transaction.on_commit(partial(finish_stop, receipt), robust=True)


def first_moment(campaign: Campaign, send_at: dt.datetime) -> dt.datetime:
    """When the first of a campaign's messages may leave: with local time that is where the day begins first, with a
    window when it next opens."""
    if campaign.is_local_time:
        send_at = at_wall_clock(send_at, of=campaign.zone, there=EARLIEST_ZONE)
    return Window.from_json(campaign.window).after(send_at) if campaign.window else send_at


def unschedule_campaign(
    account: Account, campaign_id: int, *, allowed_from: Statuses = UNSCHEDULABLE
) -> Receipt | None:
    """Back to draft, and without a time: nothing of it has left, and nothing will. No receipt if nothing of it was
    prepared yet."""
    with locked_campaign(account, campaign_id) as campaign:
        require(campaign, set(allowed_from) & set(UNSCHEDULABLE))
        receipt = _unschedule(campaign)
    return finish_stop(receipt) if receipt else None


def _unschedule(campaign: Campaign) -> Receipt | None:
    receipt = withdraw_launch(campaign)
    move(campaign, CampaignStatus.DRAFT, send_at=None, begins_at=None, launch=None)
    return receipt


def send_now(
    account: Account,
    campaign_id: int,
    *,
    allowed_from: Statuses = SENDABLE,
    needs: Needs = WITH_TAG,
) -> Campaign:
    """Launch a campaign, or, where a send can be undone for some seconds, schedule it for when they are over.

    Raises what `schedule_campaign` does, but TimeIsPast, and TooManyCalls and SearchTooSlow.
    """
    with locked_campaign(account, campaign_id) as campaign:
        require(campaign, set(allowed_from) & set(SENDABLE))
        refuse_unready(campaign, needs)
        now = database_now()
        seconds = undo_seconds(campaign)
        if seconds:
            _schedule(campaign, now + dt.timedelta(seconds=seconds))
            return campaign
        _replace_launch(campaign)
        with expensive_call(account.pk):
            launch = open_launch(campaign, send_at=now, begins_at=first_moment(campaign, now))
        move(campaign, CampaignStatus.QUEUED, send_at=now, begins_at=launch.begins_at, launch=launch, failure="")
    # At once, unless the caller has a transaction of its own.
    transaction.on_commit(partial(hint_expansion, launch.pk), robust=True)
    return campaign


def undo_seconds(campaign: Campaign) -> int:
    """For how long a send now of this campaign can be undone."""
    if campaign.undo_seconds is not None:
        return campaign.undo_seconds
    terms = AccountTerms.objects.filter(account=campaign.account_id).first()
    return terms.undo_seconds if terms else 0


def refuse_unready(campaign: Campaign, needs: Needs) -> None:
    """Raises NotReady."""
    lacks = lacks_of(campaign, needs=needs)
    if lacks:
        raise NotReady(lacks)


def pause_campaign(
    account: Account,
    campaign_id: int,
    *,
    actor: str,
    reason: str = "",
    allowed_from: Statuses = PAUSABLE,
) -> Receipt:
    """Stop a campaign for a while; answered when nothing of it leaves any more."""
    return _stop(account, campaign_id, CampaignStatus.PAUSED, allowed_from, actor=actor, reason=reason)


def cancel_campaign(
    account: Account,
    campaign_id: int,
    *,
    actor: str,
    reason: str = "",
    allowed_from: Statuses = CANCELABLE,
) -> Receipt | None:
    """Stop a campaign for good; answered when nothing of it leaves any more. No receipt if it had no batch yet."""
    receipt = commit_stop(account, campaign_id, CampaignStatus.CANCELED, allowed_from, actor=actor, reason=reason)
    return finish_stop(receipt) if receipt else None


STOPS = {CampaignStatus.PAUSED: BatchStatus.PAUSED, CampaignStatus.CANCELED: BatchStatus.CANCELLED}


def _stop(
    account: Account, campaign_id: int, target: CampaignStatus, allowed_from: Statuses, *, actor: str, reason: str
) -> Receipt:
    receipt = commit_stop(account, campaign_id, target, allowed_from, actor=actor, reason=reason)
    assert receipt is not None  # a running campaign has a launch: the table's CHECK says so
    return finish_stop(receipt)


def commit_stop(
    account: Account, campaign_id: int, target: CampaignStatus, allowed_from: Statuses, *, actor: str, reason: str
) -> Receipt | None:
    """The change of a pause or a cancel, for who stops several: `finish_stop` of the receipt, if there is one, comes
    after the last of them."""
    with locked_campaign(account, campaign_id) as campaign:
        require(campaign, set(allowed_from) & leaves_for(target))
        receipt = stop_launch(campaign, STOPS[target], actor=actor, reason=reason)
        ended = {"finished_at": database_now()} if target is CampaignStatus.CANCELED else {}
        move(campaign, target, **ended)
    return receipt


def stop_launch(campaign: Campaign, status: BatchStatus, *, actor: str, reason: str) -> Receipt | None:
    """The change that stops the campaign's batch, and with it the expansion, in the transaction that moves the
    campaign."""
    if campaign.launch is None:
        return None
    return begin_stop(
        campaign.launch.batch, status, actor=actor, reason=reason, allowed_from=set(BatchStatus) - {status}
    )


def resume_campaign(
    account: Account,
    campaign_id: int,
    *,
    actor: str,
    reason: str = "",
    allowed_from: Statuses = RESUMABLE,
) -> Receipt:
    """Let a paused campaign go on where it stopped."""
    with locked_campaign(account, campaign_id) as campaign:
        require(campaign, set(allowed_from) & set(RESUMABLE))
        assert campaign.launch is not None
        batch = campaign.launch.batch
        receipt = begin_resume(batch, actor=actor, reason=reason)
        times = repace(campaign, is_resumed=True)
        move(campaign, CampaignStatus.SENDING)
    hints.hint_admission(batch.pk)
    hint_times(batch.pk, times)
    hint_expansion(campaign.launch.pk)
    return receipt


def delete_campaign(
    account: Account,
    campaign_id: int,
    *,
    actor: str,
    reason: str = "",
    allowed_from: Statuses = frozenset(CampaignStatus),
) -> Receipt | None:
    """Hide a campaign, and stop what of it has not gone. Its batch, receipts and history stay.

    The receipt is that of the stop; None if there was nothing to stop.
    """
    with locked_campaign(account, campaign_id) as campaign:
        require(campaign, allowed_from)
        receipt = hide(campaign, actor=actor, reason=reason)
    return finish_stop(receipt) if receipt else None


def hide(campaign: Campaign, *, actor: str, reason: str) -> Receipt | None:
    """Under the campaign's lock: delete it, and stop what of it has not gone. After the commit comes `finish_stop` of
    the receipt, if there is one."""
    receipt = None
    if campaign.status in RUNNING:
        receipt = stop_launch(campaign, BatchStatus.CANCELLED, actor=actor, reason=reason)
        move(campaign, CampaignStatus.CANCELED, finished_at=database_now())
    elif campaign.status == CampaignStatus.SCHEDULED:
        receipt = _unschedule(campaign)
    Campaign.objects.filter(pk=campaign.pk).update(deleted_at=Now())
    return receipt
