"""The page of a key stops what the key scheduled, after a question with the numbers."""

from __future__ import annotations

import datetime as dt

from django.contrib.admin.models import LogEntry
from django.test import Client

from accounts.keys import create_key
from accounts.models import Account
from batches.handles import create_batch
from batches.states import BatchStatus
from campaigns.models import Revocation
from foundation.clock import database_now
from mailer.pipeline.accept import accept_mail
from tests.drafts import draft

HOUR = dt.timedelta(hours=1)


def test_a_key_is_revoked_with_what_it_scheduled(alice: Account, operator: Client) -> None:
    key, _ = create_key(alice, "leaked")
    batch = create_batch(alice, key=key)
    for to in (batch.public_id, None):
        accept_mail(alice, draft(1234, batch_id=to, send_at=database_now() + HOUR), key=key)
    page, stop = f"/admin/accounts/apikey/{key.pk}/change/", f"/admin/accounts/apikey/{key.pk}/revoke-and-stop/"
    assert stop in operator.get(page).text
    question = operator.get(stop).text
    assert "Revoke leaked and stop everything that it scheduled?" in question
    assert "2,468" in question
    assert not Revocation.objects.exists(), "a question changes nothing"
    answer = operator.post(stop, {"reason": "it was published"}, follow=True).text
    assert "Batches cancelled: 1. Messages stopped in other batches: 1,234." in answer
    assert answer.count(f"the key {key.key_id} was revoked: it was published") == 2, "a receipt for each batch"
    assert stop not in answer
    batch.refresh_from_db()
    assert batch.status == BatchStatus.CANCELLED
    assert LogEntry.objects.get().get_change_message().startswith("The key leaked is revoked.")
    assert "was stopped before" in operator.get(stop, follow=True).text
