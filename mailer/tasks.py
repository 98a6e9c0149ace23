"""Define the Celery tasks that move mail. A token only says that there is work; PostgreSQL knows which."""

from __future__ import annotations

from functools import cache

from celery import shared_task

from batches.hints import hint_due
from batches.models import Parcel
from batches.states import Lane, ParcelState
from mailer import sweep as sweeper
from mailer.bulk import running
from mailer.pipeline.deliver import Deliverer
from mailer.suppressions import own_link
from mailer.transports import open_transport

DELIVERY_SECONDS = 5.0
"""The time that one token keeps a worker busy; then another worker may have its turn, or this one end."""


@cache
def deliverer() -> Deliverer:
    """Return this process's deliverer, made at its first delivery and so after fork."""
    return Deliverer(open_transport())


@shared_task(name="mailer.tasks.deliver")
def deliver() -> int:
    """Deliver due mail. When the time is over and more is due, publish another token."""
    messages = deliverer().deliver_due(seconds=DELIVERY_SECONDS)
    waiting = Parcel.objects.filter(state=ParcelState.DUE).values_list("lane", flat=True).first() if messages else None
    if waiting is not None:
        hint_due(Lane(waiting), 1)
    return messages


@shared_task(name="mailer.tasks.sweep")
def sweep() -> None:
    """Do one round of the sweeper, from beat."""
    sweeper.note_beat()
    sweeper.sweep_in_turn()


@shared_task(name=own_link.TASK)
def mail_own_link(account_id: int, group_id: int, message_id: int, email: str, page: str) -> None:
    """Mail a recipient of a message to several the link that was requested on its page."""
    own_link.mail_own_link(account_id, group_id, message_id, email, page)


@shared_task(name=running.TASK)
def continue_bulk_action(bulk_id: int) -> None:
    """Continue an action on many messages."""
    running.run_action(bulk_id)
