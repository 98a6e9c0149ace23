"""The official Python client reads and changes settings, verifies a sender, and exports recipients over a socket."""

from __future__ import annotations

import pytest
import python_http_client.exceptions as refused
from sendgrid import SendGridAPIClient

from campaigns.models import Sender
from campaigns.senders import verification_link
from content.settings import DEFAULTS
from tests.api.conftest import ApiClient
from tests.api.sendgrid.audience import do_jobs
from tests.examples import further


@further
def test_the_official_client_drives_settings_senders_and_exports(client_of_alice: ApiClient, server_url: str) -> None:
    api = SendGridAPIClient(client_of_alice.key_text, host=server_url).client

    for group, names in (
        (
            "mail_settings",
            ("address_whitelist", "bounce_purge", "footer", "forward_bounce", "forward_spam", "template"),
        ),
        ("tracking_settings", ("click", "google_analytics", "open", "subscription")),
    ):
        settings = api._(group)
        assert sorted(entry["name"] for entry in settings.get().to_dict["result"]) == sorted(names)
        for name in names:
            assert settings._(name).get().to_dict == DEFAULTS[name]
            assert settings._(name).patch(request_body={"enabled": False}).to_dict == DEFAULTS[name]
    footer = {"enabled": True, "html_content": "<p>Bye</p>", "plain_content": "Bye"}
    assert api.mail_settings.footer.patch(request_body=footer).to_dict == footer
    with pytest.raises(refused.BadRequestsError) as caught:
        api.mail_settings.template.patch(request_body={"enabled": True})
    assert [error["field"] for error in caught.value.to_dict["errors"]] == ["html_content"]

    answers = {name: api.user._(name).get().to_dict for name in ("account", "profile", "email", "username")}
    assert answers["username"]["username"] == "alice"

    senders = api.verified_senders
    body = {"nickname": "Shop", "from_email": "shop@example.com", "reply_to": "shop@example.com"}
    number = senders.post(request_body=body).to_dict["id"]
    assert senders._(number).patch(request_body={"from_name": "The shop"}).to_dict["from_name"] == "The shop"
    assert senders.resend._(number).post().status_code == 204
    token = verification_link(Sender.objects.get()).rpartition("/")[2]
    assert senders.verify._(token).get().status_code == 204
    assert senders.get(query_params={"id": number}).to_dict["results"][0]["verified"] is True
    assert senders.steps_completed.get().to_dict["results"]["sender_verified"] is True
    assert senders.domains.get().to_dict["results"].keys() == {"soft_failures", "hard_failures"}
    assert senders._(number).delete().status_code == 204

    api.contactdb.recipients.post(request_body=[{"email": "ann@example.com"}])
    export_id = api.contactdb.exports.post(request_body={"file_type": "json"}).to_dict["id"]
    do_jobs()
    assert api.contactdb.exports._(export_id).get().to_dict["recipient_count"] == 1
    assert [each["id"] for each in api.contactdb.exports.get().to_dict["result"]] == [export_id]
