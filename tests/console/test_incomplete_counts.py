"""Pages say so where they have not counted all of a batch, and claim nothing that they do not know."""

from __future__ import annotations

import re

import pytest
from django.test import Client

import batches.admin.batches
import batches.counts
import console.batches.page
import monitoring.search
from accounts.models import Account
from batches.handles import create_batch
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.deliver import Deliverer
from tests.drafts import draft


def test_a_count_of_a_part_is_the_least_and_has_no_mark(
    operator: Client, alice: Account, deliverer: Deliverer, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = create_batch(alice)
    for _ in range(3):
        accept_mail(alice, draft(2, batch_id=batch.public_id))
    deliverer.deliver_due(seconds=5)
    of_batch, of_account = f"batch:{batch.pk}", f"account:{alice.pk}"
    pages = {
        "/admin/batches/batch/": of_batch,
        f"/admin/batches/batch/{batch.pk}/change/": of_batch,
        "/admin/stop/?q=hello": of_batch,
        f"/admin/accounts/account/{alice.pk}/change/": of_account,
    }
    for page, subject in pages.items():
        text = operator.get(page).text
        assert re.search(rf'data-figure="{subject}:sent"[^>]*>6<', text), page
        assert ("finished" in text) == (subject == of_batch), page
    for module, name in (
        (batches.admin.batches, "PARCELS_OF_EACH"),
        (console.batches.page, "LOOKED_AT"),
        (console.batches.page, "PARCELS_OF_WAVES"),
        (monitoring.search, "PARCELS_OF_EACH"),
        (batches.counts, "LOOKED_AT"),
    ):
        monkeypatch.setattr(module, name, 1)
    for page, subject in pages.items():
        text = operator.get(page).text
        assert f'data-figure="{subject}:' not in text, page
        assert f'data-figure="wave:{batch.pk}:' not in text, page
        assert "2 or more" in text, page
        assert "finished" not in text, page
