"""The key of a caller is stored with its mail, its batches and the campaigns that it scheduled."""

from __future__ import annotations

import datetime as dt

from accounts.keys import create_key
from accounts.models import Account
from batches.handles import create_batch
from batches.models import Batch
from campaigns.lifecycle import schedule_campaign, send_now
from foundation.clock import database_now
from mailer.models import Mail
from tests.api.conftest import ApiClient
from tests.api.sendgrid.bodies import mail_body
from tests.api.soap.envelopes import SoapCaller, request
from tests.campaigns.building import again, ready_campaign
from tests.examples import further

LATER = "2030-05-01T12:00:00Z"
SECONDS = int(dt.datetime(2030, 5, 1, 12, tzinfo=dt.UTC).timestamp())


def test_mail_keeps_the_key_that_it_was_accepted_with(client_of_alice: ApiClient) -> None:
    batch = create_batch(client_of_alice.account)
    bodies = [
        mail_body(),
        mail_body(),  # Now the key is recalled.
        mail_body(batch_id=batch.public_id, personalizations=[{"to": [{"email": f"to{n}@a.example"}]} for n in (1, 2)]),
    ]
    for body in bodies:
        assert client_of_alice.post("/v3/mail/send", body).status_code == 202
    headers = {"Idempotency-Key": "order-1"}
    assert client_of_alice.post("/v3/mail/send", mail_body(), headers=headers).status_code == 202
    assert list(Mail.objects.values_list("api_key_id", flat=True)) == [client_of_alice.key.pk] * 4
    assert not Batch.objects.filter(api_key__isnull=False).exists(), (
        "neither this batch nor the default one is the key's"
    )


def test_a_batch_keeps_the_key_that_made_it(client_of_alice: ApiClient) -> None:
    for path in ("/v3/mail/batch", "/sluice/v1/batches"):
        assert client_of_alice.post(path).status_code == 201
    assert list(Batch.objects.values_list("api_key", flat=True)) == [client_of_alice.key.pk] * 2


def test_a_campaign_keeps_the_key_that_scheduled_it_last(alice: Account, client_of_alice: ApiClient) -> None:
    soap_of_alice = SoapCaller(alice)
    by_key = client_of_alice.key
    single, legacy, at_once, easymail, sent = (ready_campaign(alice) for _ in range(5))
    answers = [
        client_of_alice.put(f"/v3/marketing/singlesends/{single.uuid}/schedule", {"send_at": LATER}),
        client_of_alice.post(f"/v3/campaigns/{legacy.pk}/schedules", {"send_at": SECONDS}),
        client_of_alice.post(f"/v3/campaigns/{at_once.pk}/schedules/now"),
        client_of_alice.post(f"/api/v1/campaigns/{easymail.uuid}/schedule", {"scheduled_at": LATER}),
        client_of_alice.post(f"/api/v1/campaigns/{sent.uuid}/send"),
    ]
    assert [answer.status_code for answer in answers] == [201, 201, 201, 200, 200]
    for campaign in (single, legacy, at_once, easymail, sent):
        launch = again(campaign).launch
        assert again(campaign).api_key == by_key
        assert launch is None or launch.batch.api_key == by_key
    assert client_of_alice.patch(f"/v3/campaigns/{legacy.pk}/schedules", {"send_at": SECONDS + 60}).status_code == 200
    assert again(legacy).api_key == by_key
    change = f"<ID>{legacy.pk}</ID><SendDate>{LATER}</SendDate>"
    assert soap_of_alice.ask(request("Update", change)).overall == "OK"
    assert again(legacy).api_key == soap_of_alice.key


@further
def test_an_operator_who_schedules_takes_the_place_of_the_key(alice: Account) -> None:
    key, _ = create_key(alice, "a key")
    first, second = ready_campaign(alice), ready_campaign(alice)
    for campaign in (first, second):
        schedule_campaign(alice, campaign.pk, database_now() + dt.timedelta(hours=1), key=key)
        assert again(campaign).api_key == key
    schedule_campaign(alice, first.pk, database_now() + dt.timedelta(hours=2))
    send_now(alice, second.pk)
    launch = again(second).launch
    assert launch is not None
    assert [again(first).api_key, again(second).api_key, launch.batch.api_key] == [None, None, None]
