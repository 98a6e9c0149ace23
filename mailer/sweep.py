"""Run the sweeper: every duty in turn, each independent of the others.

Beat runs it, and so does the small loop of every worker node, in turns: however many there are, an installation is
swept once a round.

The duties that know only parcels are in `batches/sweep.py`; those that touch messages and events are here.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.idempotency import forget_old_keys
from batches.models import Mark, Parcel
from batches.planner import plan_ahead
from batches.stop.control import end_pauses
from batches.stop.purge import finish_purges
from batches.sweep import (
    Watch,
    admit_overdue,
    admit_retained,
    admit_stopped,
    claims_of_the_dead,
    fold_final,
    forget_workers,
    hint_unclaimed,
    settle_receipts,
)
from batches.wave_counts import CHECK_DUTY, CHECK_EVERY, WaveCheck, fold_waves
from content.models import VersionContent
from foundation.clock import Now, database_now
from foundation.traces import describe_database_error
from mailer.bulk.running import HINT_EVERY, hint_left_behind
from mailer.models import Mail
from mailer.outcomes.audit import check_last_day
from mailer.outcomes.folding import FOLD_EVERY, delete_old_counters, fold_counters
from mailer.partitions import TABLES, drop_partition, ensure_partitions, read_suffixes
from mailer.pipeline.rescue import rescue_parcel
from mailer.suppressions.purge import purge_old_bounces
from mailer.tracking.partitions import drop_late_partitions, ensure_late_partitions

log = structlog.get_logger(__name__)

TURN = 0.8
"""The share of the time between two rounds after which a sweeper that comes early still takes its turn."""
PRUNE_EVERY = dt.timedelta(hours=1)
UNUSED_FOR = dt.timedelta(hours=1)
"""The time for which a content that no version has is kept: an accept that found it before may still store its mail."""
PRUNE_PAGE = 10_000
PAGES_SECONDS = 1.0
"""The time that a duty which works in pages may take in one round. The next rounds continue."""
RESCUE_EVERY_SECONDS = 1.0
"""A round that takes longer than this rescues again before its next duty."""
BEAT_DUTY = "beat"
"""The mark of the last task that beat has published and a worker has carried out."""
_watch = Watch()
_wave_check = WaveCheck()

Duty = Callable[[], int]
_added: dict[str, Duty] = {}


def add_duty(name: str, duty: Duty) -> None:
    """Add a duty of an app above. It runs after the duties below, and returns how much it has done."""
    _added[name] = duty


def sweep_in_turn() -> dict[str, int]:
    """Do one round of one of several sweepers.

    It has all duties if no other process has done them lately. Otherwise it has only the rescue, which relies on what
    this process has observed itself.
    """
    turn = _do("turn", lambda: take_turn("sweep", dt.timedelta(seconds=TURN * settings.SWEEP_INTERVAL_SECONDS)))
    return sweep() if turn > 0 else {"rescue": _do("rescue", rescue)}


def take_turn(duty: str, every: dt.timedelta) -> bool:
    """Return whether no process has done this duty of the installation for this time, and let this process do it."""
    stale = Q(at__lte=Now() - every) | Q(at__gt=Now() + every)  # or the clock was set back
    if Mark.objects.filter(stale, duty=duty).update(at=Now()):
        return True
    return Mark.objects.get_or_create(duty=duty, defaults={"at": Now()})[1]


def note_beat() -> None:
    """Note that a task of beat has arrived."""
    if not Mark.objects.filter(duty=BEAT_DUTY).update(at=Now()):
        Mark.objects.get_or_create(duty=BEAT_DUTY, defaults={"at": Now()})


def sweep() -> dict[str, int]:
    """Do every duty once, and return how much each has done (-1: it failed, and is tried again in the next round).

    The rescue comes first, and again before any duty that begins `RESCUE_EVERY_SECONDS` after the last rescue. A duty
    that could take long has a time slice, so a dead worker's parcels wait for one slice at most.
    """
    duties: dict[str, Duty] = {
        "plan": plan_ahead,
        "end_pauses": end_pauses,
        "admit_overdue": admit_overdue,
        "admit_stopped": admit_stopped,
        "admit_retained": admit_retained,
        "finish_purges": finish_purges,
        "hint_unclaimed": hint_unclaimed,
        "settle_receipts": settle_receipts,
        "fold": fold_final,
        "fold_waves": fold_waves,
        "check_waves": check_waves,
        "fold_counters": fold_counts,
        "check_counters": check_last_day,
        "partitions": ensure_partitions,
        "late_partitions": ensure_late_partitions,
        "prune": prune,
        "purge_bounces": purge_bounces,
        "forget": forget_workers,
        "forget_keys": forget_old_keys,
        "bulk_actions": hint_bulk_actions,
        **_added,
    }
    results = {"rescue": _do("rescue", rescue)}
    rescued_at = time.monotonic()
    for name, duty in duties.items():
        if time.monotonic() - rescued_at >= RESCUE_EVERY_SECONDS:
            results["rescue"] += max(0, _do("rescue", rescue))
            rescued_at = time.monotonic()
        results[name] = _do(name, duty)
    return results


def _do(name: str, duty: Duty) -> int:
    try:
        return duty()
    except DatabaseError as error:
        log.warning("sweep duty failed; the next round repeats it", duty=name, error=describe_database_error(error))
        connection.close_if_unusable_or_obsolete()
        return -1


def rescue(watch: Watch | None = None) -> int:
    """Mark silent workers as dead, rescue their parcels, and return the number of parcels."""
    for worker in (watch or _watch).mark_dead():
        log.warning("worker marked as dead", worker=worker)
    return sum(rescue_parcel(parcel, fence) for parcel, fence in claims_of_the_dead())


def fold_counts() -> int:
    """Add what was counted in minutes that are over to the counters, and return how many deltas were added."""
    return work_in_pages("fold_counters", fold_counters(), every=FOLD_EVERY)


def check_waves() -> int:
    """Compare some waves with the parcels, once a minute; return how many minutes had to be repaired."""
    return _wave_check.check_waves() if take_turn(CHECK_DUTY, CHECK_EVERY) else 0


def prune() -> int:
    """Delete everything that ended more than `HISTORY_DAYS` ago, and return the number of rows and partitions."""
    return work_in_pages("prune", _prune_pages(), every=PRUNE_EVERY)


def hint_bulk_actions() -> int:
    """Publish hints for the bulk actions that no process works on, and return their number."""
    return hint_left_behind() if take_turn("bulk_actions", HINT_EVERY) else 0


def purge_bounces() -> int:
    """Remove the bounces and blocks that are older than their account keeps them, and return their number."""
    return work_in_pages("purge_bounces", purge_old_bounces(PRUNE_PAGE), every=PRUNE_EVERY)


def work_in_pages(duty: str, pages: Iterator[int], *, every: dt.timedelta) -> int:
    """Let `pages` do a duty, once in this time for the installation, and return the sum of what it yields.

    A duty that takes longer than `PAGES_SECONDS` continues in the next round.
    """
    if not take_turn(duty, every):
        return 0
    total, until = 0, time.monotonic() + PAGES_SECONDS
    for count in pages:
        total += count
        if time.monotonic() >= until:
            Mark.objects.filter(duty=duty).delete()
            break
    return total


def _prune_pages() -> Iterator[int]:
    """Delete the next page, and yield the number of deleted rows and partitions.

    First come folded parcels, then every partition below the oldest parcel that is left, then the mails whose batches
    hold no parcel any more. A message in doubt keeps its parcel, and so its partition. Last come the contents of
    templates that neither a version nor a mail refers to, however new they are, and the counters that are too old.
    """
    long_ago = database_now() - dt.timedelta(days=settings.HISTORY_DAYS)
    yield from _delete_pages(Parcel.objects.filter(is_folded=True, in_doubt=0, finalized_at__lt=long_ago))
    for number in _old_partitions():
        drop_partition(number)
        yield 1
    yield from drop_late_partitions(long_ago.date())
    yield from _delete_pages(Mail.objects.filter(created_at__lt=long_ago, batch__parcels=None))
    of_mail = Exists(Mail.objects.filter(template=OuterRef("pk")))
    yield from _delete_pages(VersionContent.objects.filter(~of_mail, unused_at__lt=Now() - UNUSED_FOR))
    yield from delete_old_counters(PRUNE_PAGE)


def _delete_pages(old: QuerySet[Any]) -> Iterator[int]:
    while page := list(old.order_by("pk").values_list("pk", flat=True)[:PRUNE_PAGE]):
        yield old.model.objects.filter(pk__in=page).delete()[0]


def _old_partitions() -> list[int]:
    """Return the partitions that lie wholly below every parcel that is left, by the ids its messages have."""
    with connection.cursor() as cursor:
        cursor.execute("select least(min(base), min(id)) from batches_parcel")
        row = cursor.fetchone()
        oldest = row[0] if row else None
        if oldest is None:
            return []
    numbers = sorted(map(int, read_suffixes(next(iter(TABLES)))))
    return [number for number in numbers if (number + 1) * settings.PARTITION_PARCELS <= oldest]
