"""Test several changes of a campaign at one moment, and repetitions of one change."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from accounts.models import Account
from batches.models import Receipt
from campaigns import patience
from campaigns.lifecycle import send_now
from campaigns.models import Campaign, Launch
from campaigns.states import CampaignStatus
from tests.api.conftest import ApiClient
from tests.campaigns.building import (
    again,
    expand_all,
    ready_campaign,
)
from tests.campaigns.races import at_one_moment
from tests.examples import few_by_default, further


@contextmanager
def another_change_of(campaign: Campaign) -> Iterator[Any]:
    """Lock the row of the campaign on another connection; return a function that releases it."""
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("begin")
        cursor.execute("select from campaigns_campaign where id = %s for update", [campaign.pk])
        try:
            yield lambda: cursor.execute("rollback")
        finally:
            cursor.execute("rollback")
    other.close()


CHANGES = [
    ("PATCH", "/v3/campaigns/{id}", {"subject": "Other"}),
    ("POST", "/v3/campaigns/{id}/schedules", {"send_at": 3_789_534_600}),
    ("POST", "/v3/campaigns/{id}/schedules/now", None),
    ("DELETE", "/v3/campaigns/{id}", None),
    ("PATCH", "/v3/marketing/singlesends/{uuid}", {"name": "Other"}),
    ("PUT", "/v3/marketing/singlesends/{uuid}/schedule", {"send_at": "2090-01-31T08:30:00Z"}),
    ("PUT", "/v3/marketing/singlesends/{uuid}/schedule", {"send_at": "now"}),
    ("DELETE", "/v3/marketing/singlesends/{uuid}", None),
    ("DELETE", "/v3/marketing/singlesends?ids={uuid}", None),
]


@further
@pytest.mark.parametrize("change", few_by_default(CHANGES, CHANGES[0], CHANGES[6]))
def test_a_change_waits_a_moment_for_another_one(
    change: tuple[str, str, Any], alice: Account, client_of_alice: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    method, path, body = change
    monkeypatch.setattr(patience, "PATIENCE_SECONDS", 10.0)
    campaign = ready_campaign(alice)
    with another_change_of(campaign) as end:
        threading.Timer(0.2, end).start()
        answer = client_of_alice.ask(method, path.format(id=campaign.pk, uuid=campaign.uuid), body)
    assert answer.status_code < 300, answer.content


@further
def test_a_change_that_waits_in_vain_is_a_409_that_changes_nothing(
    alice: Account, client_of_alice: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each way to change a campaign waits for the lock of its row."""
    monkeypatch.setattr(patience, "PATIENCE_SECONDS", 0.05)
    campaign = ready_campaign(alice)
    with another_change_of(campaign):
        for number, (method, path, body) in enumerate(CHANGES):
            answer = client_of_alice.ask(
                method,
                path.format(id=campaign.pk, uuid=campaign.uuid),
                body,
                headers={"Idempotency-Key": f"once-{number}"} if method == "POST" else {},
            )
            assert answer.status_code == 409, (method, path)
            error = answer.json()["errors"][0]
            text = "Another change of this campaign is in progress; try again."
            assert (error["field"], error["message"]) == (None, text), (method, path)
            stored, draft = again(campaign), CampaignStatus.DRAFT
            assert (stored.status, stored.title, stored.subject) == (draft, campaign.title, campaign.subject)
            assert stored.deleted_at is None, (method, path)


@further
def test_a_post_that_is_repeated_is_done_once(alice: Account, client_of_alice: ApiClient) -> None:
    def post(path: str, body: Any = None) -> Any:
        return client_of_alice.post(path, body, headers={"Idempotency-Key": "once"})

    for path, body in (("/v3/campaigns", {"title": "x"}), ("/v3/marketing/singlesends", {"name": "x"})):
        first, second = post(path, body), post(path, body)
        assert (first.status_code, second.content) == (201, first.content)
        assert second["Idempotency-Replayed"] == "true"
    assert Campaign.objects.count() == 2
    campaign = ready_campaign(alice)
    for behind, body, status in (("/schedules/now", None, 201), ("/schedules/test", {"to": "a@example.com"}, 204)):
        first, second = (
            post(f"/v3/campaigns/{campaign.pk}{behind}", body),
            post(f"/v3/campaigns/{campaign.pk}{behind}", body),
        )
        assert (first.status_code, second.status_code) == (status, status)
    assert Launch.objects.count() == 1


@pytest.mark.parametrize("seed", few_by_default(range(3), 0))
def test_of_many_simultaneous_sends_one_succeeds(
    seed: int, alice: Account, client_of_alice: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a busy machine another transition may take longer than a caller waits.
    monkeypatch.setattr(patience, "PATIENCE_SECONDS", 30.0)
    campaign = ready_campaign(alice)

    def by_legacy() -> int:
        return ask("POST", f"/v3/campaigns/{campaign.pk}/schedules/now", None)

    def by_single_sends() -> int:
        return ask("PUT", f"/v3/marketing/singlesends/{campaign.uuid}/schedule", {"send_at": "now"})

    def ask(method: str, path: str, body: Any) -> int:
        status = client_of_alice.ask(method, path, body).status_code
        assert isinstance(status, int)
        return status

    statuses = at_one_moment(*[by_legacy, by_single_sends] * 3)

    assert sorted(map(str, statuses)) == ["201", *["400"] * statuses.count(400), *["403"] * statuses.count(403)]
    assert Launch.objects.count() == 1
    assert again(campaign).status == CampaignStatus.QUEUED


def test_of_two_simultaneous_deletions_one_stops_the_campaign(alice: Account, client_of_alice: ApiClient) -> None:
    campaign = ready_campaign(alice)
    send_now(alice, campaign.pk)
    expand_all()

    deletions = [
        lambda: client_of_alice.delete(f"/v3/campaigns/{campaign.pk}").status_code,
        lambda: client_of_alice.delete(f"/v3/marketing/singlesends/{campaign.uuid}").status_code,
    ]
    statuses = at_one_moment(*deletions)

    assert sorted(map(str, statuses)) == ["204", "404"]
    assert again(campaign).status == CampaignStatus.CANCELLED
    assert Receipt.objects.count() == 1
