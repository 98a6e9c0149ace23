"""Revoke an API key, and stop everything that it scheduled: campaigns, batches, and mail in batches of others.

The input is a key. The result is a `Revocation`, which is committed together with the end of the key. The mail of the
key is stopped in steps: a campaign, some batches, or a page of mail. Each step is one transaction that holds the lock
of the row and stores the next place in it. So a process may die between any two steps, and the sweeper continues with
the next one.

A request that read the key before its end may still commit. Therefore a second pass looks at everything again after
`GRACE`, which is longer than a request may take.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.db import OperationalError, transaction
from django.db.models import Q, QuerySet

from accounts.errors import UnknownKey
from accounts.models import Account, ApiKey
from batches.admit import Place as MailPlace
from batches.counts import LOOKED_AT, PENDING, Tally
from batches.errors import StatusConflict
from batches.handles import is_pending
from batches.models import OF_CALLERS, Batch, Parcel, Receipt
from batches.states import BatchStatus
from batches.stop.exact import begin_stop, finish_stop, open_receipt, stop_transaction
from campaigns.errors import CampaignConflict, TransitionInProgress, UnknownCampaign
from campaigns.lifecycle import CANCELLABLE, commit_stop
from campaigns.models import Campaign, Revocation
from campaigns.states import CampaignStatus
from foundation.clock import Now, database_now
from foundation.postgresql import SqlState, sqlstate_of
from mailer.mail_of_key import count_waiting, first_place, recall_page, stop_page

GRACE: Final = dt.timedelta(seconds=60)
BATCHES = 200
"""The batches that one step looks at."""
RETRY_SECONDS = 0.02
BATCHES_COUNTED = 2000
"""The newest batches that a dry run looks at."""
SWEEP_SECONDS = 1.0
"""The time that a round of the sweeper spends on revocations."""
RECEIPTS_SHOWN = 100
AT_ONCE = 100

Claimed = tuple[int, MailPlace]
"""A page of mail of which a worker has claimed a part: the batch, and the place after which the page begins."""


@dataclass(frozen=True, slots=True)
class Scheduled:
    """Count what would be stopped with a key: campaigns, batches, and the messages that wait in them and elsewhere."""

    campaigns: int
    batches: int
    messages: Tally


def find_any_key(account: Account, key_id: str) -> ApiKey:
    """Return a key of the account or of one of its subusers, which may be revoked already. Raises UnknownKey."""
    own = Q(account=account) | Q(account__parent=account)
    key = ApiKey.objects.filter(own, key_id=key_id).select_related("account").first()
    if key is None:
        raise UnknownKey
    return key


def revoke_and_stop(key: ApiKey, *, actor: str, reason: str = "") -> Revocation:
    """Revoke a key, if it is still valid, and stop everything that it scheduled. Repeating it changes nothing.

    Returns when it is stopped, or after `STOP_WAIT_SECONDS`; then `settled_at` is None, and the sweeper does the rest.
    """
    until = time.monotonic() + settings.STOP_WAIT_SECONDS
    with transaction.atomic():
        ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=Now())
        Revocation.objects.get_or_create(key=key, defaults={"actor": actor[:200], "reason": reason[:500]})
    advance(key.pk, until=until)
    # The sweeper completes those of a key with more batches.
    for receipt in list_receipts(find_revocation(key)).filter(settled_at=None)[:RECEIPTS_SHOWN]:
        finish_stop(receipt, deadline=until)
    return find_revocation(key)


def find_revocation(key: ApiKey) -> Revocation:
    """Return the revocation of a key with which everything was stopped that it scheduled."""
    return Revocation.objects.select_related("key__account").get(pk=key.pk)


def list_receipts(revocation: Revocation) -> QuerySet[Receipt]:
    """Return the receipts of what was stopped with a key, the newest first."""
    account = revocation.key.account
    own = Q(account=account) | Q(account__parent=account)
    receipts = Receipt.objects.filter(
        own, action=Receipt.Action.CANCEL, reason=reason_of(revocation), created_at__gte=revocation.created_at
    )
    return receipts.select_related("batch", "account").order_by("-pk")


def reason_of(revocation: Revocation) -> str:
    """Return the reason of the receipts, which names the key."""
    text = f"the key {revocation.key.key_id} was revoked"
    return f"{text}: {revocation.reason}"[:500] if revocation.reason else text


def count_scheduled(key: ApiKey) -> Scheduled:
    """Return what would be stopped with a key, for a dry run. Changes nothing."""
    batches = _newest(Batch.objects.filter(api_key=key).exclude(status=BatchStatus.CANCELLED))
    parcels = Parcel.objects.filter(batch__in=batches, is_folded=False, finalized_at=None, is_remainder=False)
    waiting = list(parcels.annotate(waiting=PENDING).values_list("waiting", flat=True)[:LOOKED_AT])
    shared_batches = _newest(_batches_of_others(key))
    shared = count_waiting(key, shared_batches)
    is_exact = shared.is_exact and len(waiting) < LOOKED_AT and max(len(batches), len(shared_batches)) < BATCHES_COUNTED
    return Scheduled(
        campaigns=_campaigns_of(key).count(),
        batches=_batches_of(key).filter(is_pending(), pk__in=batches).count(),
        messages=Tally(sum(waiting) + shared.messages, is_exact),
    )


def _newest(batches: QuerySet[Batch]) -> list[int]:
    """Return the ids of the newest of these batches, and of the default one, which may be the oldest."""
    newest = batches.order_by("-pk").values_list("pk", flat=True)[:BATCHES_COUNTED]
    return list({*newest, *batches.filter(is_default=True).values_list("pk", flat=True)})


# --- the steps --------------------------------------------------------------------------------------------------------


def finish_revocations() -> int:
    """Go on with revocations that are not finished; return their number. It is a duty of the sweeper."""
    until = time.monotonic() + SWEEP_SECONDS
    late = Q(created_at__lte=Now() - GRACE) | Q(settled_at=None)
    open_ones = list(Revocation.objects.filter(late, finished_at=None).order_by("created_at")[:AT_ONCE])
    for revocation in open_ones:
        if time.monotonic() >= until:
            break
        advance(revocation.pk, until=until)
    return len(open_ones)


def advance(key_pk: int, *, until: float) -> None:
    """Take one step after the other until a pass is complete, or until this time (of `time.monotonic`)."""
    while take_step(key_pk, until=until) and time.monotonic() < until:
        pass


def take_step(key_pk: int, *, until: float) -> bool:
    """Take the next step of a revocation. Return False if nothing more can be done now."""
    try:
        with stop_transaction():
            locked = Revocation.objects.select_for_update(of=("self",)).select_related("key__account")
            revocation = locked.get(pk=key_pk)
            if not _has_work(revocation):
                return False
            step, *arguments = revocation.place or ["campaigns", 0]
            claimed = STEPS[step](revocation, *arguments)
            revocation.save()
    except TransitionInProgress:
        # Another change of the campaign is being committed. Nothing of this step was done.
        time.sleep(RETRY_SECONDS)
        return True
    except OperationalError as error:
        if sqlstate_of(error) != SqlState.LOCK_NOT_AVAILABLE:
            raise
        # Somebody else takes this step, or holds a batch. The sweeper comes again.
        return False
    if claimed:
        return recall_page(revocation.key, *claimed, deadline=until)
    return revocation.place is not None


def _has_work(revocation: Revocation) -> bool:
    if revocation.finished_at is not None:
        return False
    return revocation.settled_at is None or revocation.created_at + GRACE <= database_now()


def _cancel_campaign(revocation: Revocation, after: int) -> None:
    """Cancel the next campaign that the key scheduled."""
    campaign = _campaigns_of(revocation.key).filter(pk__gt=after).order_by("pk").first()
    if campaign is None:
        revocation.place = ["batches", 0]
        return
    revocation.place = ["campaigns", campaign.pk]
    with suppress(CampaignConflict, UnknownCampaign):
        commit_stop(
            campaign.account,
            campaign.pk,
            CampaignStatus.CANCELLED,
            CANCELLABLE,
            actor=revocation.actor,
            reason=reason_of(revocation),
        )
        revocation.campaigns += 1


def _cancel_batches(revocation: Revocation, after: int) -> None:
    """Cancel those of the next batches of the key that have mail to send."""
    page = list(_batches_of(revocation.key).filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:BATCHES])
    for batch in Batch.objects.filter(is_pending(), pk__in=page).select_related("account").order_by("pk"):
        with suppress(StatusConflict), transaction.atomic():
            begin_stop(
                batch,
                BatchStatus.CANCELLED,
                actor=revocation.actor,
                reason=reason_of(revocation),
                allowed_from={BatchStatus.OPEN, BatchStatus.PAUSED},
            )
            revocation.batches += 1
    revocation.place = ["batches", page[-1]] if page else ["others", 0]


def _find_other_batch(revocation: Revocation, after: int) -> None:
    """Find the next batch of others in which mail of the key may wait. End the pass if no such batch is left."""
    batches = _batches_of_others(revocation.key).filter(pk__gt=after).order_by("pk")
    page = list(batches.values_list("pk", flat=True)[:BATCHES])
    batch = Batch.objects.filter(is_pending(), pk__in=page).order_by("pk").first()
    if batch is not None:
        revocation.place = _mail_place(batch.pk, first_place())
    elif page:
        revocation.place = ["others", page[-1]]
    else:
        _end_pass(revocation)


def _stop_mail(revocation: Revocation, batch_id: int, due: str, parcel: int) -> Claimed | None:
    """Stop the mail of the key on the next page of a batch. Return the page if a worker has claimed some of it."""
    after = (dt.datetime.fromisoformat(due), parcel)
    page = stop_page(revocation.key, batch_id, after, "its key was revoked")
    revocation.stopped += page.stopped
    revocation.in_doubt += page.in_doubt
    if page.is_claimed:
        return batch_id, after
    if page.next_place is not None:
        revocation.place = _mail_place(batch_id, page.next_place)
        return None
    _write_receipt(revocation, batch_id)
    revocation.place = ["others", batch_id]
    return None


STEPS: Final[dict[str, Callable[..., Claimed | None]]] = {
    "campaigns": _cancel_campaign,
    "batches": _cancel_batches,
    "others": _find_other_batch,
    "mail": _stop_mail,
}
"""The steps by the first item of `Revocation.place`. The other items are their arguments."""


def _mail_place(batch_id: int, place: MailPlace) -> list[object]:
    return ["mail", batch_id, place[0].isoformat(), place[1]]


def _end_pass(revocation: Revocation) -> None:
    """End a pass. The first pass stops the mail that exists; the second one that of requests under way at that time."""
    revocation.place = None
    if revocation.settled_at is None:
        revocation.settled_at = database_now()
    else:
        revocation.finished_at = database_now()


def _write_receipt(revocation: Revocation, batch_id: int) -> None:
    """Write the receipt of the key's mail in a batch of others. It is settled, and does not count sent messages."""
    stopped, in_doubt = revocation.stopped, revocation.in_doubt
    if not stopped + in_doubt:
        return
    batch = Batch.objects.select_related("account").get(pk=batch_id)
    receipt = open_receipt(
        batch.account, batch, Receipt.Action.CANCEL, actor=revocation.actor, reason=reason_of(revocation)
    )
    receipt.stopped = receipt.ended = stopped
    receipt.in_doubt, receipt.affected = in_doubt, stopped + in_doubt
    receipt.claims, receipt.settled_at = [], database_now()
    receipt.save()
    revocation.messages += stopped + in_doubt
    revocation.stopped = revocation.in_doubt = 0


def _campaigns_of(key: ApiKey) -> QuerySet[Campaign]:
    return Campaign.objects.filter(api_key=key, deleted_at=None, status__in=CANCELLABLE).select_related("account")


def _batches_of(key: ApiKey) -> QuerySet[Batch]:
    """Return the batches that the key made, and that can be cancelled."""
    return Batch.objects.filter(OF_CALLERS, api_key=key).exclude(status=BatchStatus.CANCELLED)


def _batches_of_others(key: ApiKey) -> QuerySet[Batch]:
    """Return the batches of the account in which mail of the key may wait: the default one, and those of other keys."""
    own = Batch.objects.filter(account=key.account, is_campaign=False).exclude(status=BatchStatus.CANCELLED)
    return own.exclude(api_key=key)
