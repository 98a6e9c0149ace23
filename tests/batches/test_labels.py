"""Test labels of batches: the first subject of their mail, or the title of their campaign."""

from __future__ import annotations

import datetime as dt
import threading
from dataclasses import replace

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from batches.handles import create_batch, default_batch
from batches.labels import label_of, make_label
from batches.models import Batch
from batches.states import BatchStatus
from batches.stop.control import stop_batch
from campaigns.editing import edit_campaign
from campaigns.lifecycle import schedule_campaign
from campaigns.states import CampaignStatus
from campaigns.sweep import prepare_campaigns
from content.models import VersionContent
from foundation.clock import database_now
from mailer import checking
from mailer.draft import MailDraft
from mailer.pipeline.accept import accept_mail
from tests.campaigns.building import ready_campaign
from tests.conftest import Clock
from tests.drafts import draft

MINUTE = dt.timedelta(minutes=1)


def label(batch: Batch) -> str:
    return Batch.objects.get(pk=batch.pk).label


def mail(batch: Batch, subject: str, *, messages: int = 1, template: VersionContent | None = None) -> MailDraft:
    return replace(
        draft(messages, batch_id=batch.public_id), subject=subject, template=None if template is None else template.pk
    )


def test_the_first_mail_of_a_batch_labels_it(alice: Account) -> None:
    for messages in (1, 3):
        batch = create_batch(alice)
        assert (label(batch), label_of(batch)) == ("", batch.public_id)
        accept_mail(alice, mail(batch, "Your invoice", messages=messages))
        accept_mail(alice, mail(batch, "Another subject", messages=messages))
        assert label(batch) == "Your invoice"
        assert label_of(Batch.objects.get(pk=batch.pk)) == "Your invoice"


def test_mail_without_a_batch_gives_no_label(alice: Account) -> None:
    accept_mail(alice, draft())
    batch = default_batch(alice)
    assert (batch.label, label_of(batch)) == ("", "mail without a batch")


def test_a_label_is_one_line_of_120_characters(alice: Account) -> None:
    cases = {
        "  Two   words ": "Two words",
        "é" * 121: "é" * 120,
        "a" * 119 + " b": "a" * 119,
        " " * 1000 + "late": "",
        "": "",
    }
    for subject, expected in cases.items():
        batch = create_batch(alice)
        accept_mail(alice, mail(batch, subject))
        assert label(batch) == make_label(subject) == expected, subject


def test_the_subject_of_the_first_message_comes_before_that_of_the_mail(alice: Account) -> None:
    batch = create_batch(alice)
    common = mail(batch, "Of the mail", messages=2)
    first, second = common.personalizations
    accept_mail(alice, replace(common, personalizations=(first._replace(subject="Of the first"), second)))
    assert label(batch) == "Of the first"


def test_the_subject_of_a_template_is_the_label_where_it_is_the_subject(alice: Account) -> None:
    cases = [
        (True, "Hello {{name}},\n welcome", "Ignored", "Hello {{name}}, welcome"),
        (True, " ", "Of the mail", "Of the mail"),
        (False, "Shop: <%subject%>", "Of the mail", "Of the mail"),
        (False, "Shop news", "", "Shop news"),
    ]
    for is_dynamic, of_template, of_mail, expected in cases:
        batch = create_batch(alice)
        template = VersionContent.objects.create(account=alice, is_dynamic=is_dynamic, subject=of_template)
        accept_mail(alice, mail(batch, of_mail, template=template))
        assert label(batch) == expected


@pytest.mark.parametrize("messages", [1, 2])
def test_a_label_costs_no_statement(alice: Account, messages: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # The waiting mail, which is counted every ten seconds, must not be counted for one of the two.
    monkeypatch.setattr(checking, "_counts", checking._Counts(until=float("inf")))
    batch = create_batch(alice)
    accept_mail(alice, mail(create_batch(alice), "Another", messages=messages))  # Fill the memory of this process.
    counts = []
    for subject in ("First", "Second"):
        with CaptureQueriesContext(connection) as statements:
            accept_mail(alice, mail(batch, subject, messages=messages))
        counts.append(len(statements))
    assert counts[0] == counts[1]


def test_of_two_first_mails_the_one_that_is_committed_first_wins(alice: Account) -> None:
    batch = create_batch(alice)

    def accept_second() -> None:
        try:
            accept_mail(alice, mail(batch, "Second"))
        finally:
            connection.close()

    second = threading.Thread(target=accept_second)
    with transaction.atomic():
        accept_mail(alice, mail(batch, "First"))
        second.start()
        wait_for_a_lock()
    second.join()
    assert label(batch) == "First"


def wait_for_a_lock() -> None:
    """Wait until another session waits for a lock."""
    with connection.cursor() as cursor:
        while True:
            cursor.execute("select exists (select from pg_locks where not granted)")
            if cursor.fetchone() == (True,):
                return


def test_a_stopped_batch_is_labelled_too(alice: Account) -> None:
    batch = create_batch(alice)
    stop_batch(alice, batch.public_id, BatchStatus.CANCELLED, actor="test", allowed_from=set(BatchStatus))
    accept_mail(alice, mail(batch, "Too late"))
    assert label(batch) == "Too late"


def test_a_campaign_labels_its_batch_with_its_title(alice: Account, clock: Clock) -> None:
    campaign = ready_campaign(alice, title="News of May " + "x" * 200)
    schedule_campaign(alice, campaign.pk, database_now() + 60 * MINUTE)
    clock.advance(seconds=59 * 60)
    prepare_campaigns()
    first = Batch.objects.get()
    assert first.label == make_label(campaign.title)
    edit_campaign(alice, campaign.pk, {"title": "News of June"}, allowed_from={CampaignStatus.SCHEDULED})
    prepare_campaigns()
    assert [batch.label for batch in Batch.objects.order_by("pk")] == [first.label, "News of June"]
