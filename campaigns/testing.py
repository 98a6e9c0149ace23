"""A test whose sender waits for it: it has left when this returns, or it never will."""

from __future__ import annotations

import time
from typing import Final

from accounts.models import Account
from batches.errors import MessageInFlight
from campaigns.editing import send_test
from campaigns.errors import UndeliveredTest
from mailer.models import Event, EventKind
from mailer.one_message import stop_message
from mailer.queries import states_of

WAIT_SECONDS = 10.0
FIRST_PAUSE_SECONDS: Final = 0.01
LONGEST_PAUSE_SECONDS: Final = 0.2
ON_ITS_WAY: Final = frozenset({"scheduled", "due", "claimed"})


def send_test_and_wait(account: Account, campaign_id: int, address: str, *, actor: str) -> None:
    """Mail the campaign to an address by the way of all mail, and wait until it has left.

    Raises UnknownCampaign and NotReady as `send_test` does, and UndeliveredTest: the peer did not take it, or nobody
    handed it over within `WAIT_SECONDS`. Then it is stopped, and does not leave later.
    """
    message_id = send_test(account, campaign_id, [address]).first_message
    state = _wait_for(message_id)
    if state == "sent":
        return
    if state in ON_ITS_WAY or state in {"retained", "held"}:
        _take_back(account, message_id, actor=actor)
    else:
        raise UndeliveredTest(_reply_to(message_id) or state.replace("_", " "))


def _wait_for(message_id: int) -> str:
    """The state in which it is at last: gone, stuck, put off by the peer, or the time is over."""
    deadline, pause = time.monotonic() + WAIT_SECONDS, FIRST_PAUSE_SECONDS
    while True:
        state = states_of([message_id])[message_id]
        deferred = Event.objects.filter(message_id=message_id, kind=EventKind.DEFERRED)
        if state not in ON_ITS_WAY or time.monotonic() >= deadline or deferred.exists():
            return state
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


def _take_back(account: Account, message_id: int, *, actor: str) -> None:
    """Raises UndeliveredTest, unless it has left meanwhile."""
    try:
        receipt = stop_message(account, message_id, actor=actor, reason="a test that did not leave")
    except MessageInFlight:
        raise UndeliveredTest("the mail system does not answer") from None
    if not receipt.sent:
        raise UndeliveredTest(_reply_to(message_id) or "nobody handed it over in time")


def _reply_to(message_id: int) -> str | None:
    """What the peer said of it last."""
    said = Event.objects.filter(message_id=message_id, reply__isnull=False).exclude(kind=EventKind.STOPPED)
    return said.order_by("-id").values_list("reply", flat=True).first()
