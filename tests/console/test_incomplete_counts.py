"""Pages say so where they have not counted all of a batch, and claim nothing that they do not know."""

from __future__ import annotations

import re

import pytest
from django.test import Client

import batches.admin.batches
import batches.waves
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
    pages = ("/admin/batches/batch/", f"/admin/batches/batch/{batch.pk}/change/", "/admin/stop/?q=hello")
    mark = re.compile(rf'data-figure="batch:{batch.pk}:sent"[^>]*>6<')
    for page in pages:
        text = operator.get(page).text
        assert mark.search(text), page
        assert "finished" in text, page
    for module, name in (
        (batches.admin.batches, "PARCELS_OF_EACH"),
        (console.batches.page, "PARCELS_COUNTED"),
        (console.batches.page, "PARCELS_OF_WAVES"),
        (batches.waves, "LOOKED_AT"),
        (monitoring.search, "PARCELS_OF_EACH"),
    ):
        monkeypatch.setattr(module, name, 1)
    for page in pages:
        text = operator.get(page).text
        assert f'data-figure="batch:{batch.pk}:' not in text, page
        assert f'data-figure="wave:{batch.pk}:' not in text, page
        assert "2 or more" in text, page
        assert "finished" not in text, page
