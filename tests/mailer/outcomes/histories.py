"""Random histories of mail: the steps, and an account that takes them."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from accounts.models import Account
from batches.handles import create_batch
from batches.models import Batch
from batches.states import BatchStatus
from batches.stop.control import resume_batch, stop_batch
from foundation.clock import database_now
from mailer.draft import Address, Personalization
from mailer.models import Message, SuppressionKind
from mailer.one_message import stop_message
from mailer.outcomes.folding import fold_counters
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.deliver import Deliverer
from mailer.suppressions.lists import New, suppress
from mailer.sweep import sweep
from tests.conftest import Clock
from tests.drafts import draft

REPLIES = {"refused": "550 5.1.1 unknown", "blocked": "550 5.7.1 policy", "deferred": "451 4.3.0 later"}
RECIPIENTS = [
    f"{kind}{n}@{domain}"
    for kind in (*REPLIES, "dropped", "taken")
    for n, domain in enumerate(("gmail.com", "x.example"))
]
MAIL = st.tuples(
    st.lists(st.lists(st.sampled_from(RECIPIENTS), min_size=1, max_size=3, unique=True), min_size=1, max_size=12),
    st.lists(st.sampled_from(["news", "offers"]), max_size=3),
    st.booleans(),
    st.sampled_from([0, 2, 50]),
)
STEP = st.one_of(
    st.tuples(st.just("send"), MAIL),
    st.tuples(st.just("deliver"), st.none()),
    st.tuples(st.just("wait"), st.sampled_from([0.1, 3, 26])),
    st.tuples(st.just("sweep"), st.none()),
    st.tuples(st.just("fold"), st.none()),
    st.tuples(st.just("stop one"), st.integers(0, 100)),
    st.tuples(st.just("pause"), st.booleans()),
)


class History:
    """A history of mail, whose steps are carried out on one account with one batch."""

    def __init__(self, deliverer: Deliverer) -> None:
        self.deliverer = deliverer
        self.account = Account.objects.create(username="random")
        self.batch = create_batch(self.account)
        dropped = [each for each in RECIPIENTS if each.startswith("dropped")]
        suppress([New(account_id=self.account.pk, email=each, kind=SuppressionKind.GLOBAL) for each in dropped])

    def take(self, step: str, value: Any) -> None:
        match step:
            case "send":
                self.send(*value)
            case "deliver":
                self.deliverer.deliver_due(seconds=10)
            case "wait":
                Clock().advance(hours=value)
            case "sweep":
                sweep()
            case "fold":
                list(fold_counters())
            case "stop one":
                ids = list(Message.objects.order_by("pk").values_list("pk", flat=True))
                if ids:
                    stop_message(self.account, ids[value % len(ids)], actor="test")
            case "pause":
                self.pause(is_paused=value)

    def send(self, messages: list[list[str]], categories: list[str], is_in_batch: bool, hours: int) -> None:
        mail = replace(
            draft(1, batch_id=self.batch.public_id if is_in_batch else None),
            personalizations=tuple(
                Personalization(to=(Address(first),), cc=tuple(map(Address, others))) for first, *others in messages
            ),
            categories=tuple(categories),
            send_at=database_now() + dt.timedelta(hours=hours) if hours else None,
        )
        accept_mail(self.account, mail)

    def pause(self, *, is_paused: bool) -> None:
        allowed = {BatchStatus.OPEN, BatchStatus.PAUSED}
        if is_paused:
            stop_batch(self.account, self.batch.public_id, BatchStatus.PAUSED, actor="test", allowed_from=allowed)
        elif Batch.objects.get(pk=self.batch.pk).status == BatchStatus.PAUSED:
            resume_batch(self.account, self.batch.public_id, actor="test", allowed_from=allowed)
