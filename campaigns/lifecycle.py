"""Move campaigns: schedule, unschedule, send now, pause, resume, cancel and delete them.

A campaign is moved under its row lock. If another process holds the lock, the move is refused at once. The lock is held
only while a change commits: a stop releases it before it waits to settle. The stop itself is that of the campaign's
batch.

An API that allows fewer moves passes the statuses from which it allows one (`allowed_from`). They are checked under the
same lock.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import partial

from django.db import OperationalError, transaction

from accounts.models import Account, ApiKey
from audience.locks import expensive_call
from batches import hints
from batches.models import Batch, Receipt
from batches.states import BatchStatus
from batches.stop.control import begin_resume
from batches.stop.exact import begin_stop, finish_stop, stop_transaction
from campaigns.checking import check_texts
from campaigns.errors import CampaignConflict, NotReady, TimeIsPast, TransitionInProgress, UnknownCampaign
from campaigns.launch import hint_expansion, open_launch, withdraw_launch
from campaigns.models import STATUS_NOW, AccountTerms, Campaign
from campaigns.pacer import hint_times, repace
from campaigns.pacing import EARLIEST_ZONE, Window, at_wall_clock
from campaigns.readiness import WITH_TAG, Needs, find_missing
from campaigns.states import BEGINNING, CAMPAIGN_MOVES, RUNNING, CampaignStatus, statuses_before
from foundation.clock import Now, database_now
from foundation.postgresql import SqlState, sqlstate_of

Statuses = Collection[CampaignStatus]

SCHEDULABLE: Statuses = statuses_before(CampaignStatus.SCHEDULED) | {CampaignStatus.SCHEDULED}
SENDABLE: Statuses = statuses_before(CampaignStatus.QUEUED)
PAUSABLE: Statuses = statuses_before(CampaignStatus.PAUSED)
CANCELLABLE: Statuses = statuses_before(CampaignStatus.CANCELLED)
RESUMABLE: Statuses = frozenset({CampaignStatus.PAUSED})
UNSCHEDULABLE: Statuses = frozenset({CampaignStatus.SCHEDULED})


@contextmanager
def locked_campaign(account: Account, campaign_id: int, *, waits: bool = False) -> Iterator[Campaign]:
    """Open a transaction with the campaign's row lock, and yield the campaign with its current status.

    Raises UnknownCampaign, and, unless it `waits`, TransitionInProgress when another change is being committed. Rows
    are locked in the order campaign, batch, launch, account's terms.
    """
    with stop_transaction():
        own = Campaign.objects.filter(account=account, pk=campaign_id, deleted_at=None)
        try:
            with transaction.atomic():
                # No key lock: writing a row that refers to the campaign is not a change of it.
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
    """Record, under the campaign's lock, that it has begun, if it has and the sweeper has not recorded it yet.

    The row of a scheduled campaign's batch is locked first. Every release of its parcels has to read that row, so none
    of its mail was sent before its time, and none is sent while this transaction lasts.
    """
    if campaign.status not in BEGINNING or campaign.launch is None:
        return
    if campaign.status == CampaignStatus.SCHEDULED:
        Batch.objects.select_for_update(no_key=True).get(pk=campaign.launch.batch_id)
    status = Campaign.objects.values_list(STATUS_NOW, flat=True).get(pk=campaign.pk)
    if status != campaign.status:
        move(campaign, CampaignStatus(status))


def move(campaign: Campaign, target: CampaignStatus, **changes: object) -> None:
    """Change the row, under its lock. Raises CampaignConflict unless `CAMPAIGN_MOVES` allows the move."""
    status = CampaignStatus(campaign.status)
    if target is not status and target not in CAMPAIGN_MOVES[status]:
        raise CampaignConflict(status)
    Campaign.objects.filter(pk=campaign.pk, status=status).update(status=target, updated_at=Now(), **changes)
    for name, value in {"status": target, **changes}.items():
        setattr(campaign, name, value)


def require(campaign: Campaign, allowed_from: Statuses) -> None:
    """Raise CampaignConflict unless the campaign is in one of these statuses."""
    status = CampaignStatus(campaign.status)
    if status not in allowed_from:
        raise CampaignConflict(status)


def schedule_campaign(
    account: Account,
    campaign_id: int,
    send_at: dt.datetime,
    *,
    key: ApiKey | None = None,
    allowed_from: Statuses = SCHEDULABLE,
    needs: Needs = WITH_TAG,
) -> Campaign:
    """Schedule a campaign, or change its time. `key` is the key of the caller, if it is not an operator.

    Raises UnknownCampaign, TransitionInProgress, CampaignConflict, TimeIsPast, NotReady with everything that is
    missing, and InvalidContent.
    """
    with locked_campaign(account, campaign_id) as campaign:
        require(campaign, set(allowed_from) & set(SCHEDULABLE))
        refuse_unready(campaign, needs)
        if send_at <= database_now():
            raise TimeIsPast(field="send_at")
        _schedule(campaign, send_at, api_key=key)
    return campaign


def reschedule(campaign: Campaign) -> None:
    """Prepare a scheduled campaign again, under its lock, after it was changed."""
    assert campaign.send_at is not None
    _schedule(campaign, campaign.send_at)


def _schedule(campaign: Campaign, send_at: dt.datetime, **changes: object) -> None:
    _replace_launch(campaign)
    move(
        campaign,
        CampaignStatus.SCHEDULED,
        send_at=send_at,
        begins_at=first_moment(campaign, send_at),
        launch=None,
        failure="",
        finished_at=None,
        **changes,
    )


def _replace_launch(campaign: Campaign) -> None:
    """Withdraw the mail that was prepared for a campaign, which continues without it."""
    receipt = withdraw_launch(campaign)
    if receipt:
        transaction.on_commit(partial(finish_stop, receipt), robust=True)


def first_moment(campaign: Campaign, send_at: dt.datetime) -> dt.datetime:
    """Return when the first of a campaign's messages may be sent.

    With local time this is when the time comes in the earliest time zone, and with a window when it next opens.
    """
    if campaign.is_local_time:
        send_at = at_wall_clock(send_at, of=campaign.zone, target=EARLIEST_ZONE)
    return Window.from_json(campaign.window).after(send_at) if campaign.window else send_at


def unschedule_campaign(
    account: Account, campaign_id: int, *, allowed_from: Statuses = UNSCHEDULABLE
) -> Receipt | None:
    """Make a scheduled campaign a draft without a time. None of its mail was sent, and none will be.

    Return the receipt of the stop, or None if nothing was prepared yet.
    """
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
    key: ApiKey | None = None,
    allowed_from: Statuses = SENDABLE,
    needs: Needs = WITH_TAG,
) -> Campaign:
    """Launch a campaign, or schedule it for the end of its undo window, if it has one.

    `key` is the key of the caller, if it is not an operator.

    Raises what `schedule_campaign` raises except TimeIsPast, and TooManyCalls and SearchTooSlow.
    """
    with locked_campaign(account, campaign_id) as campaign:
        require(campaign, set(allowed_from) & set(SENDABLE))
        refuse_unready(campaign, needs)
        now = database_now()
        seconds = undo_seconds(campaign)
        if seconds:
            _schedule(campaign, now + dt.timedelta(seconds=seconds), api_key=key)
            return campaign
        _replace_launch(campaign)
        campaign.api_key = key
        with expensive_call(account.pk):
            launch = open_launch(campaign, send_at=now, begins_at=first_moment(campaign, now))
        begun = {"send_at": now, "begins_at": launch.begins_at, "launch": launch, "api_key": key}
        move(campaign, CampaignStatus.QUEUED, failure="", finished_at=None, **begun)
    # This runs at once, unless the caller has a transaction.
    transaction.on_commit(partial(hint_expansion, launch.pk), robust=True)
    return campaign


def undo_seconds(campaign: Campaign) -> int:
    """Return the undo window of a campaign in seconds."""
    if campaign.undo_seconds is not None:
        return campaign.undo_seconds
    try:
        return campaign.account.campaign_terms.undo_seconds
    except AccountTerms.DoesNotExist:
        return 0


def refuse_unready(campaign: Campaign, needs: Needs) -> None:
    """Raise NotReady if the campaign is missing something that it needs, and InvalidContent for a text of it."""
    missing = find_missing(campaign, needs=needs)
    if missing:
        raise NotReady(missing)
    check_texts(campaign)


def pause_campaign(
    account: Account,
    campaign_id: int,
    *,
    actor: str,
    reason: str = "",
    allowed_from: Statuses = PAUSABLE,
) -> Receipt:
    """Pause a campaign. Once this returns, no further message of it is sent."""
    return _stop(account, campaign_id, CampaignStatus.PAUSED, allowed_from, actor=actor, reason=reason)


def cancel_campaign(
    account: Account,
    campaign_id: int,
    *,
    actor: str,
    reason: str = "",
    allowed_from: Statuses = CANCELLABLE,
) -> Receipt | None:
    """Cancel a campaign. Once this returns, no further message of it is sent. Return None if it had no batch yet."""
    receipt = commit_stop(account, campaign_id, CampaignStatus.CANCELLED, allowed_from, actor=actor, reason=reason)
    return finish_stop(receipt) if receipt else None


STOPS = {CampaignStatus.PAUSED: BatchStatus.PAUSED, CampaignStatus.CANCELLED: BatchStatus.CANCELLED}


def _stop(
    account: Account, campaign_id: int, target: CampaignStatus, allowed_from: Statuses, *, actor: str, reason: str
) -> Receipt:
    receipt = commit_stop(account, campaign_id, target, allowed_from, actor=actor, reason=reason)
    assert receipt is not None  # a CHECK constraint ensures that a running campaign has a launch
    return finish_stop(receipt)


def commit_stop(
    account: Account, campaign_id: int, target: CampaignStatus, allowed_from: Statuses, *, actor: str, reason: str
) -> Receipt | None:
    """Commit a pause or a cancel without waiting for it to settle, for callers that stop several campaigns.

    If a receipt is returned, call `finish_stop` with it after the last of these commits.
    """
    with locked_campaign(account, campaign_id) as campaign:
        require(campaign, set(allowed_from) & statuses_before(target))
        receipt = stop_launch(campaign, STOPS[target], actor=actor, reason=reason)
        ended = {"finished_at": database_now()} if target is CampaignStatus.CANCELLED else {}
        move(campaign, target, **ended)
    return receipt


def stop_launch(campaign: Campaign, status: BatchStatus, *, actor: str, reason: str) -> Receipt | None:
    """Stop the campaign's batch, and so the expansion, in the transaction that moves the campaign."""
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
    """Resume a paused campaign where it was stopped."""
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
    """Delete a campaign, and stop its unsent mail. Its batch, receipts and history stay.

    Return the receipt of the stop, or None if there was nothing to stop.
    """
    with locked_campaign(account, campaign_id) as campaign:
        require(campaign, allowed_from)
        receipt = hide(campaign, actor=actor, reason=reason)
    return finish_stop(receipt) if receipt else None


def hide(campaign: Campaign, *, actor: str, reason: str) -> Receipt | None:
    """Delete a campaign under its lock, and stop the mail that was not sent yet.

    If a receipt is returned, call `finish_stop` with it after the commit.
    """
    receipt = None
    if campaign.status in RUNNING:
        receipt = stop_launch(campaign, BatchStatus.CANCELLED, actor=actor, reason=reason)
        move(campaign, CampaignStatus.CANCELLED, finished_at=database_now())
    elif campaign.status == CampaignStatus.SCHEDULED:
        receipt = _unschedule(campaign)
    Campaign.objects.filter(pk=campaign.pk).update(deleted_at=Now())
    return receipt
