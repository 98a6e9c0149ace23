"""Event webhooks: the endpoints of SendGrid's dialect are created, shown, changed, signed and deleted."""

from __future__ import annotations

from base64 import b64encode
from ipaddress import ip_network
from typing import Any
from uuid import UUID

import pytest
from sendgrid import SendGridAPIClient
from sendgrid.helpers.eventwebhook import EventWebhook
from sendgrid.helpers.eventwebhook.eventwebhook_header import EventWebhookHeader

from accounts.models import Account
from events.models import Delivery, Dialect, Endpoint, Lane
from events.webhooks.endpoints import create_endpoint
from events.webhooks.kinds import SendGridKind
from events.webhooks.secrets import decrypt
from tests.api.conftest import ApiClient, NewClient
from tests.events.receiver import FINE, Behaviour, Receiver

SETTINGS = "/v3/user/webhooks/event/settings"
URL = "https://example.com/events"
OAUTH = {"oauth_client_id": "sluice", "oauth_token_url": "https://auth.example.com/token"}
SECRET = {"oauth_client_secret": "s3cret"}
FLAGS = {
    *("processed", "delivered", "deferred", "bounce", "dropped", "open", "click", "spam_report", "unsubscribe"),
    *("group_unsubscribe", "group_resubscribe"),
}
TEST = "/v3/user/webhooks/event/test"
UNKNOWN = {"errors": [{"message": "Invalid id provided."}]}


def create(client: ApiClient, url: str = URL, **fields: Any) -> dict[str, Any]:
    """Create a webhook, and return it as the answer shows it."""
    answer = client.post(SETTINGS, {"url": url, **fields})
    assert answer.status_code == 201, answer.content
    return answer.json()  # type: ignore[no-any-return]


def refusal(answer: Any) -> tuple[int, str]:
    """Return the status of a refusal and the text of its only problem."""
    (problem,) = answer.json()["errors"]
    return answer.status_code, problem["message"]


def test_a_webhook_is_created_with_the_named_events(client_of_alice: ApiClient) -> None:
    created = create(client_of_alice, delivered=True, bounce=True, open=False, click=None, friendly_name="Shop")
    endpoint = Endpoint.objects.get()
    assert created == {
        "enabled": True,
        "url": URL,
        **dict.fromkeys(FLAGS, False),
        "delivered": True,
        "bounce": True,
        "sluice_events": False,
        "friendly_name": "Shop",
        "id": str(endpoint.public_id),
        "created_date": created["created_date"],
        "updated_date": created["created_date"],
    }
    assert created["created_date"] == f"{endpoint.created_at:%Y-%m-%dT%H:%M:%SZ}"
    assert (endpoint.kinds, endpoint.dialect) == (SendGridKind.DELIVERED | SendGridKind.BOUNCE, Dialect.SENDGRID)
    assert Lane.objects.count() == 4
    assert create(client_of_alice, f"{URL}/2", enabled=False, sluice_events=True)["enabled"] is False
    listed = client_of_alice.get(f"{SETTINGS}/all").json()
    assert listed["max_allowed"] == 20
    assert [each["url"] for each in listed["webhooks"]] == [URL, f"{URL}/2"]
    assert listed["webhooks"][0] == client_of_alice.get(f"{SETTINGS}/{created['id']}").json() == created
    assert listed["webhooks"][0] == client_of_alice.get(SETTINGS).json()


def test_a_webhook_is_changed_in_parts(client_of_alice: ApiClient) -> None:
    first, second = create(client_of_alice, processed=True), create(client_of_alice, f"{URL}/2")
    answer = client_of_alice.patch(f"{SETTINGS}/{second['id']}", {"url": f"{URL}/3", "click": True, "enabled": False})
    expected = {**second, "url": f"{URL}/3", "click": True, "enabled": False}
    assert answer.status_code == 200
    assert {**answer.json(), "updated_date": second["updated_date"]} == expected
    flags = {"url": URL, "account_status_change": True, "processed": None, "deferred": True}
    answer = client_of_alice.patch(f"{SETTINGS}?include=account_status_change", flags)
    assert {**answer.json(), "updated_date": first["updated_date"]} == {
        **first,
        "deferred": True,
        "account_status_change": True,
    }
    assert "account_status_change" not in client_of_alice.get(SETTINGS).json()
    assert client_of_alice.patch(SETTINGS, {"processed": False}).json()["processed"] is False


def test_enabling_tries_again_what_failed(client_of_alice: ApiClient) -> None:
    webhook_id = create(client_of_alice)["id"]
    Endpoint.objects.update(failures=3, is_enabled=False, disabled_reason="It has failed.")
    client_of_alice.patch(f"{SETTINGS}/{webhook_id}", {"enabled": True})
    assert Endpoint.objects.values_list("is_enabled", "failures", "disabled_reason").get() == (True, 0, "")
    for body, failures in (({"enabled": True, "url": URL}, 3), ({"url": f"{URL}/2"}, 0)):
        Endpoint.objects.update(failures=3)
        client_of_alice.patch(f"{SETTINGS}/{webhook_id}", body)
        assert Endpoint.objects.get().failures == failures, body


def test_oauth_is_complete_or_absent_and_its_secret_is_never_shown(client_of_alice: ApiClient) -> None:
    def stored() -> tuple[str, bytes | None]:
        endpoint = Endpoint.objects.get()
        secret = endpoint.oauth_client_secret
        return endpoint.oauth_client_id, decrypt(secret) if secret else None

    shown = create(client_of_alice, **OAUTH, **SECRET)
    assert {name: value for name, value in shown.items() if name.startswith("oauth")} == OAUTH
    assert stored() == ("sluice", b"s3cret")
    assert b"s3cret" not in bytes(Endpoint.objects.get().oauth_client_secret or b"")
    path = f"{SETTINGS}/{shown['id']}"
    answer = client_of_alice.patch(path, {"oauth_client_id": "other"})
    assert answer.json()["oauth_client_id"] == "other"
    assert stored() == ("other", b"s3cret")
    for body, missing in (
        ({"oauth_token_url": ""}, "oauth_token_url"),
        ({"oauth_client_id": ""}, "oauth_client_id"),
        ({"oauth_client_secret": ""}, "oauth_client_secret"),
        ({"oauth_token_url": "https://elsewhere.example.com/token"}, "oauth_client_secret"),
    ):
        status, text = refusal(client_of_alice.patch(path, body))
        assert (status, text.partition(" ")[0]) == (400, missing)
    assert stored() == ("other", b"s3cret")
    ended = client_of_alice.patch(path, {**dict.fromkeys(OAUTH, ""), "oauth_client_secret": None})
    assert "oauth_client_id" not in ended.json()
    assert stored() == ("", None)
    for fields in (OAUTH, SECRET, {**SECRET, "oauth_client_id": "x"}):
        assert client_of_alice.post(SETTINGS, {"url": f"{URL}/2", **fields}).status_code == 400, fields
    answer = client_of_alice.post(SETTINGS, {"url": f"{URL}/2", **OAUTH, **SECRET, "oauth_token_url": "ftp://x"})
    assert refusal(answer) == (400, "'ftp://x' is not a valid url")


INVALID_URLS = [
    *("", " ", "example.com", "ftp://example.com", "https://", "https:///x", "https://a b", "https://exa\nmple.com"),
    *("https://a:b@c@example.com", "https://user:secret@", "https://@example.com", "https://[::1", "//a"),
    *("https://example.com:x", "https://example.com:99999", "https://example.com:0", "https://a..b/", "https://é.fr"),
    *(r"https://a\@b", "https://-a.example", f"https://example.com/{'x' * 2000}", "javascript:alert(1)"),
]


def test_urls_are_checked_and_unique(client_of_alice: ApiClient, client_of_charlie: ApiClient) -> None:
    for url in INVALID_URLS:
        answer = client_of_alice.post(SETTINGS, {"url": url})
        assert refusal(answer) == (400, f"'{url[:200]}' is not a valid url"), url
    assert refusal(client_of_alice.post(SETTINGS, {})) == (400, "'' is not a valid url")
    assert not Endpoint.objects.exists()
    for url in ("http://localhost", "https://[::1]:8443/x", "HTTPS://example.com.", "https://192.0.2.1:81/a?b=c&d=%20"):
        create(client_of_alice, url)
    first, second = create(client_of_alice), create(client_of_alice, f"{URL}/2")
    text = f"Webhook at '{URL}' already exists. Please provide a unique URL."
    for answer in (
        client_of_alice.post(SETTINGS, {"url": URL}),
        client_of_alice.patch(f"{SETTINGS}/{second['id']}", {"url": URL}),
    ):
        assert answer.status_code == 400
        assert answer.json() == {"errors": [{"id": first["id"], "message": text, "url": URL}]}
    create(client_of_charlie)


def test_wrong_values_are_refused(client_of_alice: ApiClient) -> None:
    for body, text in (
        ({"url": 1}, "url must be a string"),
        ({"url": URL, "open": "yes"}, "open must be a boolean"),
        ({"url": URL, "enabled": 1}, "enabled must be a boolean"),
        ({"url": URL, "friendly_name": "a\nb"}, "friendly_name can't contain line breaks or control characters"),
        ({"url": URL, "friendly_name": "x" * 256}, "friendly_name is too long (maximum is 255 characters)"),
        ({"url": URL, "oauth_client_id": "\a"}, "oauth_client_id can't contain line breaks or control characters"),
    ):
        assert refusal(client_of_alice.post(SETTINGS, body)) == (400, text)
    for data in (b"", b"[]", b"{"):
        assert client_of_alice.post(SETTINGS, data).status_code == 400
    assert not Endpoint.objects.exists()


def test_an_account_has_a_limited_number_of_endpoints(client_of_alice: ApiClient, settings: Any) -> None:
    settings.ENDPOINTS_LIMIT = 2
    create_endpoint(client_of_alice.account, Dialect.NATIVE, URL)
    create(client_of_alice)
    answer = client_of_alice.post(SETTINGS, {"url": f"{URL}/2"})
    assert refusal(answer) == (
        400,
        "You have reached the maximum number of webhooks per your current billing plan.",
    )
    assert Endpoint.objects.count() == 2


def test_a_webhook_signs_or_not(client_of_alice: ApiClient) -> None:
    webhook_id = create(client_of_alice)["id"]
    for path in (f"{SETTINGS}/signed", f"{SETTINGS}/signed/{webhook_id}"):
        assert client_of_alice.get(path).json() == {"id": webhook_id, "public_key": ""}
        signed = client_of_alice.patch(path, {"enabled": True}).json()
        assert signed["public_key"].startswith("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE")
        assert client_of_alice.get(path).json() == client_of_alice.patch(path, {"enabled": True}).json() == signed
        assert client_of_alice.get(SETTINGS).json()["public_key"] == signed["public_key"]
        assert client_of_alice.patch(path, {"enabled": False}).json() == {"id": webhook_id, "public_key": ""}
    assert "public_key" not in client_of_alice.get(SETTINGS).json()
    assert refusal(client_of_alice.patch(f"{SETTINGS}/signed", {})) == (400, "enabled is required")


def test_a_webhook_is_deleted_by_its_id_only(client_of_alice: ApiClient) -> None:
    webhook_id = create(client_of_alice)["id"]
    assert client_of_alice.delete(SETTINGS).status_code == 405
    answer = client_of_alice.delete(f"{SETTINGS}/{webhook_id}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert not Endpoint.objects.exists()


def test_an_unknown_webhook_is_404(client_of_alice: ApiClient, client_of_charlie: ApiClient) -> None:
    theirs = create(client_of_charlie)["id"]
    native = create_endpoint(client_of_alice.account, Dialect.NATIVE, URL).public_id
    for webhook_id in ("", theirs, native, UUID(int=1), "x", "1", "%00"):
        for path in (f"{SETTINGS}/{webhook_id}", f"{SETTINGS}/signed/{webhook_id}"):
            for method, body in (("GET", None), ("PATCH", {"enabled": True}), ("DELETE", None)):
                answer = client_of_alice.ask(method, path.removesuffix("/"), body)
                if answer.status_code == 405:
                    continue
                assert answer.status_code == 404, path
                assert webhook_id == "%00" or answer.json() == UNKNOWN, path
    assert client_of_charlie.get(SETTINGS).json()["id"] == theirs


def test_each_call_has_its_scopes(alice: Account, new_client: NewClient) -> None:
    scope = "user.webhooks.event.settings"
    reader, creator, changer = (new_client(alice, [f"{scope}.{verb}"]) for verb in ("read", "create", "update"))
    assert [client.post(SETTINGS, {"url": URL}).status_code for client in (reader, creator)] == [403, 201]
    assert reader.post(SETTINGS, {}).json() == {"errors": [{"field": None, "message": "access forbidden"}]}
    for path in (SETTINGS, f"{SETTINGS}/all", f"{SETTINGS}/signed"):
        assert [client.get(path).status_code for client in (reader, changer)] == [200, 403], path
    for path in (SETTINGS, f"{SETTINGS}/signed"):
        statuses = [client.patch(path, {"enabled": True}).status_code for client in (reader, changer)]
        assert statuses == [403, 200], path


def test_the_official_client_manages_webhooks(alice: Account, client_of_alice: ApiClient, server_url: str) -> None:
    client = SendGridAPIClient(client_of_alice.key_text, host=server_url).client.user.webhooks.event.settings
    created = client.post(request_body={"url": URL, "delivered": True}).to_dict
    assert client._(created["id"]).get().to_dict == created
    assert client.patch(request_body={"url": URL, "open": True}).to_dict["open"] is True
    assert client.all.get(query_params={"include": "account_status_change"}).to_dict["webhooks"][0]["url"] == URL
    assert client.signed._(created["id"]).patch(request_body={"enabled": True}).to_dict["public_key"]
    assert client._(created["id"]).delete().status_code == 204


def test_samples_of_all_events_are_posted_signed_and_with_a_token(client_of_alice: ApiClient, settings: Any) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    token = Behaviour(body=b'{"access_token": "t0ken", "expires_in": 3600}')
    with Receiver(lambda number, arrival: token if b"client_credentials" in arrival.body else FINE) as receiver:
        assert client_of_alice.post(TEST, {"url": receiver.url}).status_code == 204
        (plain,) = receiver.arrivals
        assert {event["event"] for event in plain.events} == {*FLAGS, "spamreport"} - {"spam_report"}
        assert len({event["sg_event_id"] for event in plain.events}) == len(plain.events)
        assert "authorization" not in plain.headers
        assert EventWebhookHeader.SIGNATURE.lower() not in plain.headers

        oauth = {"oauth_client_id": "sluice", "oauth_token_url": receiver.url}
        webhook_id = create(client_of_alice, **oauth, **SECRET)["id"]
        public_key = client_of_alice.patch(f"{SETTINGS}/signed", {"enabled": True}).json()["public_key"]
        for secret in ({}, {"oauth_client_secret": "other"}):
            body = {"id": webhook_id, "url": receiver.url, **oauth, **secret}
            assert client_of_alice.post(TEST, body).status_code == 204
            *_, token_request, signed = receiver.arrivals
            pair = f"sluice:{secret.get('oauth_client_secret', 's3cret')}"
            assert token_request.headers["authorization"] == f"Basic {b64encode(pair.encode()).decode()}"
            assert signed.headers["authorization"] == "Bearer t0ken"
        webhook = EventWebhook(public_key)
        assert webhook.verify_signature(
            signed.body.decode(),
            signed.headers[EventWebhookHeader.SIGNATURE.lower()],
            signed.headers[EventWebhookHeader.TIMESTAMP.lower()],
        )
    assert not Delivery.objects.exists()


def test_a_stored_secret_is_not_posted_elsewhere(
    client_of_alice: ApiClient, client_of_charlie: ApiClient, settings: Any
) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    create(client_of_alice, **OAUTH, **SECRET)
    with Receiver() as receiver:
        for client, oauth in (
            (client_of_alice, {**OAUTH, "oauth_token_url": receiver.url}),
            (client_of_alice, {**OAUTH, "oauth_client_id": "other"}),
            (client_of_charlie, OAUTH),
        ):
            status, text = refusal(client.post(TEST, {"url": receiver.url, **oauth}))
            assert (status, text.partition(" ")[0]) == (400, "oauth_client_secret"), oauth
        assert receiver.arrivals == []


def test_a_test_that_fails_is_reported_and_not_repeated(
    client_of_alice: ApiClient, client_of_charlie: ApiClient, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "the test events were not accepted: "
    with Receiver(lambda number, arrival: Behaviour(500)) as receiver:
        answer = client_of_alice.post(TEST, {"url": receiver.url})
        assert refusal(answer) == (400, f"{text}the address of the host is not allowed")
        settings.WEBHOOK_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
        assert refusal(client_of_alice.post(TEST, {"url": receiver.url})) == (400, f"{text}the response was 500")
        assert len(receiver.arrivals) == 1
        theirs = create(client_of_charlie)["id"]
        for webhook_id in (theirs, "x"):
            assert client_of_alice.post(TEST, {"id": webhook_id, "url": receiver.url}).status_code == 404
        assert refusal(client_of_alice.post(TEST, {"url": "x"})) == (400, "'x' is not a valid url")
        assert refusal(client_of_alice.post(TEST, {})) == (400, "'' is not a valid url")
        monkeypatch.setattr("api.sendgrid.event_webhooks.views.TRIALS_PER_MINUTE", 1)
        statuses = [client_of_charlie.post(TEST, {"url": receiver.url}).status_code for _ in range(3)]
        assert 429 in statuses[1:]
