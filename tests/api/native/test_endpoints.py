"""Test the paths below /sluice/v1/endpoints: endpoints with their secrets, and their deliveries."""

from __future__ import annotations

import datetime as dt
from ipaddress import ip_network
from typing import Any
from uuid import UUID

from standardwebhooks import Webhook

from accounts.models import Account
from events.log.publishing import publish_events
from events.models import Delivery, DeliveryState, Dialect, Endpoint, Lane
from events.webhooks.endpoints import create_endpoint
from events.webhooks.hints import due_lanes
from events.webhooks.lanes import run_lane
from events.webhooks.secrets import decrypt
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.deliver import Deliverer
from tests.api.conftest import ApiClient, NewClient
from tests.api.native.bodies import UNKNOWN_FIELD, invalid, walk, written_time
from tests.drafts import draft
from tests.events.receiver import FINE, Behaviour, Receiver

ENDPOINTS = "/sluice/v1/endpoints"
URL = "https://example.com/events"
NO_ENDPOINT = {"error": {"code": "RESOURCE_NOT_FOUND", "message": "Endpoint not found."}}
NO_DELIVERY = {"error": {"code": "RESOURCE_NOT_FOUND", "message": "Delivery not found."}}
BAD_URL = "Must be a URL of http or https in visible ASCII characters. Only `url` may have a user name and a password."
BAD_KINDS = "Must be a list of kinds of events, or null for all."
OAUTH = {"oauth_client_id": "sluice", "oauth_client_secret": "s3cret", "oauth_token_url": "https://auth.example.com"}


def create(client: ApiClient, url: str = URL, **fields: Any) -> tuple[dict[str, Any], str]:
    """Create an endpoint. Return what the answer shows of it, and its secret."""
    answer = client.post(ENDPOINTS, {"url": url, **fields})
    assert answer.status_code == 201, answer.content
    shown = answer.json()["data"]
    return shown, shown.pop("secret")


def test_an_endpoint_is_created_with_a_secret_that_is_shown_once(client_of_alice: ApiClient) -> None:
    shown, secret = create(client_of_alice, name="Shop", kinds=["clicked", "refused", "sent"], **OAUTH)
    row = Endpoint.objects.get()
    assert shown == {
        "id": str(row.public_id),
        "dialect": "native",
        "url": URL,
        "name": "Shop",
        "kinds": ["sent", "refused", "clicked"],
        "enabled": True,
        **dict.fromkeys(("disabled_at", "failing_since", "retry_at", "previous_secret_expires_at")),
        "disabled_reason": "",
        "failures": 0,
        "public_key": "",
        "oauth_client_id": "sluice",
        "oauth_token_url": "https://auth.example.com",
        "created_at": written_time(row.created_at),
        "updated_at": written_time(row.updated_at),
    }
    assert row.secret
    assert row.oauth_client_secret
    assert decrypt(row.oauth_client_secret) == b"s3cret"
    assert create(client_of_alice, f"{URL}/2")[0]["kinds"] is None
    create_endpoint(client_of_alice.account, Dialect.SENDGRID, URL, kinds=2, friendly_name="Theirs")
    for path in (ENDPOINTS, f"{ENDPOINTS}/{shown['id']}"):
        text = client_of_alice.get(path).content.decode()
        assert not [each for each in (secret, "s3cret", "whsec_") if each in text]
    assert client_of_alice.get(f"{ENDPOINTS}/{shown['id']}").json() == {"data": shown}
    listed = client_of_alice.get(ENDPOINTS).json()
    assert listed["pagination"] == {"limit": 3, "next": None}
    assert [(each["dialect"], each["kinds"]) for each in listed["data"]] == [
        ("native", ["sent", "refused", "clicked"]),
        ("native", None),
        ("sendgrid", ["delivered"]),
    ]


def test_an_endpoint_is_changed_in_parts_and_deleted(client_of_alice: ApiClient) -> None:
    shown, _ = create(client_of_alice, kinds=["sent"], **OAUTH)
    path = f"{ENDPOINTS}/{shown['id']}"
    for changes in (
        {"name": "Shop"},
        {"kinds": ["held", "sent"]},
        {"kinds": None},
        {"url": f"{URL}/2", "kinds": ["refused"]},
        {"oauth_client_id": "", "oauth_token_url": ""},
        {},
    ):
        answer = client_of_alice.patch(path, changes)
        kinds = changes.get("kinds")
        shown |= {**changes, **({"kinds": sorted(kinds, reverse=True)} if kinds else {})}
        assert answer.status_code == 200
        assert {**answer.json()["data"], "updated_at": shown["updated_at"]} == shown, changes
    assert Endpoint.objects.get().oauth_client_secret is None
    disabled = client_of_alice.patch(path, {"enabled": False}).json()["data"]
    assert (disabled["enabled"], disabled["disabled_at"] is None, disabled["disabled_reason"]) == (False, False, "")
    assert client_of_alice.patch(path, {"enabled": True}).json()["data"]["disabled_at"] is None
    answer = client_of_alice.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert not Endpoint.objects.exists()


def test_enabling_tries_at_once_what_failed(client_of_alice: ApiClient) -> None:
    shown, _ = create(client_of_alice)
    Endpoint.objects.update(failures=3, is_enabled=False, disabled_reason="It has failed for 3 days.")
    answer = client_of_alice.post(f"{ENDPOINTS}/{shown['id']}/enable").json()["data"]
    assert (answer["enabled"], answer["failures"], answer["disabled_reason"]) == (True, 0, "")
    Endpoint.objects.update(failures=3)
    assert client_of_alice.post(f"{ENDPOINTS}/{shown['id']}/enable").json()["data"]["failures"] == 0


def test_a_rotated_secret_signs_beside_the_previous_one_for_a_day(client_of_alice: ApiClient) -> None:
    shown, secret = create(client_of_alice)
    path = f"{ENDPOINTS}/{shown['id']}/rotate-secret"
    answer = client_of_alice.post(path).json()["data"]
    assert answer.pop("secret") not in ("", secret)
    row = Endpoint.objects.get()
    assert row.previous_expires_at
    assert answer["previous_secret_expires_at"] == written_time(row.previous_expires_at)
    assert row.previous_expires_at - row.created_at > dt.timedelta(hours=23, minutes=59)
    sendgrid = create_endpoint(client_of_alice.account, Dialect.SENDGRID, URL)
    refused = client_of_alice.post(f"{ENDPOINTS}/{sendgrid.public_id}/rotate-secret")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "ENDPOINT_WITHOUT_SECRET")
    for each in (ENDPOINTS, path):
        answer = client_of_alice.post(each, {"url": f"{URL}/2"}, headers={"Idempotency-Key": "x"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "IDEMPOTENCY_KEY_INVALID")
    assert Endpoint.objects.count() == 2


def test_wrong_fields_are_refused_by_name(client_of_alice: ApiClient, settings: Any) -> None:
    oauth = "OAuth needs a client id, a client secret and a token URL."
    create(client_of_alice)
    sendgrid = create_endpoint(client_of_alice.account, Dialect.SENDGRID, URL)
    for body, details in (
        ({}, {"url": ["This field is required."]}),
        ({"url": ""}, {"url": [BAD_URL]}),
        ({"url": "https://us er:secret@example.com"}, {"url": [BAD_URL]}),
        ({"url": URL}, {"url": ["Another endpoint has this URL."]}),
        ({"url": "https://x.example", "oauth_client_id": "x"}, {"oauth_token_url": [oauth]}),
        ({"url": "https://x.example", **OAUTH, "oauth_token_url": "x"}, {"oauth_token_url": [BAD_URL]}),
        (
            {"url": "https://x.example", **OAUTH, "oauth_token_url": "https://a:b@c.example"},
            {"oauth_token_url": [BAD_URL]},
        ),
        (
            {"url": "https://x.example", "name": "a\nb"},
            {"name": ["Must not contain line breaks or control characters."]},
        ),
        *(
            ({"url": "https://x.example", "kinds": wrong}, {"kinds": [BAD_KINDS]})
            for wrong in ([], ["opened?"], [1], "sent", {}, ["sent"] * 99)
        ),
        ({"url": "https://x.example", "kinds": ["bounce"]}, {"kinds": ["Endpoints of this dialect have no bounce."]}),
        ({"url": "https://x.example", "secret": "x"}, {"secret": [UNKNOWN_FIELD]}),
    ):
        answer = client_of_alice.post(ENDPOINTS, body)
        assert (answer.status_code, answer.json()) == (422, invalid(**details)), body
    answer = client_of_alice.patch(f"{ENDPOINTS}/{sendgrid.public_id}", {"kinds": ["sent"]})
    assert answer.json() == invalid(kinds=["Endpoints of this dialect have no sent."])
    changed = client_of_alice.patch(f"{ENDPOINTS}/{sendgrid.public_id}", {"kinds": ["bounce"]})
    assert changed.json()["data"]["kinds"] == ["bounce"]
    settings.ENDPOINTS_LIMIT = 2
    answer = client_of_alice.post(ENDPOINTS, {"url": f"{URL}/2"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "ENDPOINT_LIMIT_REACHED")
    assert Endpoint.objects.count() == 2


def test_deliveries_are_shown_with_their_attempts_and_their_bodies(
    alice: Account, client_of_alice: ApiClient, deliverer: Deliverer, settings: Any
) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    with Receiver(lambda number, arrival: Behaviour(503, body=b"not now") if number == 1 else FINE) as receiver:
        shown, secret = create(client_of_alice, receiver.url)
        path = f"{ENDPOINTS}/{shown['id']}/deliveries"
        accept_mail(alice, draft(3))
        deliverer.deliver_due(seconds=5)
        publish_events()
        for lane_id in due_lanes():
            run_lane(lane_id)
        (failed,) = walk(client_of_alice, path, state="pending")
        assert {name: failed[name] for name in ("state", "attempts", "status_code", "error", "reply", "events")} == {
            "state": "pending",
            "attempts": 1,
            "status_code": 503,
            "error": "the response was 503",
            "reply": "not now",
            "events": 3,
        }
        assert failed["attempted_at"] < failed["next_attempt_at"]
        assert walk(client_of_alice, path, state="delivered") == []
        first = client_of_alice.get(f"{path}/{failed['id']}").json()["data"]
        client_of_alice.post(f"{ENDPOINTS}/{shown['id']}/enable")
        for lane_id in due_lanes():
            run_lane(lane_id)
        arrival = receiver.arrivals[-1]
    answer = client_of_alice.get(f"{path}/{failed['id']}").json()["data"]
    assert (answer["state"], answer["attempts"], answer["next_attempt_at"]) == ("delivered", 2, None)
    assert answer["body"] == first["body"] == arrival.body.decode()
    Webhook(secret).verify(answer["body"], arrival.headers)
    assert walk(client_of_alice, path) == [{name: value for name, value in answer.items() if name != "body"}]


def test_a_delivery_is_replayed_with_its_id_and_its_body(
    alice: Account, client_of_alice: ApiClient, deliverer: Deliverer, settings: Any
) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    with Receiver(lambda number, arrival: Behaviour(500, body=b"full") if number == 2 else FINE) as receiver:
        shown, secret = create(client_of_alice, receiver.url)
        accept_mail(alice, draft(3))
        deliverer.deliver_due(seconds=5)
        publish_events()
        for lane_id in due_lanes():
            run_lane(lane_id)
        delivery = Delivery.objects.get()
        before = list(Lane.objects.order_by("pk").values())
        path = f"{ENDPOINTS}/{shown['id']}/deliveries/{delivery.public_id}/replay"
        answers = [client_of_alice.post(path).json()["data"] for _ in range(2)]
        assert [(each["attempts"], each["status_code"], each["reply"]) for each in answers] == [
            (2, 500, "full"),
            (3, 200, "thanks"),
        ]
        assert len({arrival.body for arrival in receiver.arrivals}) == 1
        assert {arrival.headers["webhook-id"] for arrival in receiver.arrivals} == {str(delivery.public_id)}
        Webhook(secret).verify(receiver.arrivals[-1].body, receiver.arrivals[-1].headers)
        assert list(Lane.objects.order_by("pk").values()) == before
        assert Delivery.objects.get().state == DeliveryState.DELIVERED
        for change in ({"events": 4}, {"state": DeliveryState.PENDING}):
            Delivery.objects.update(**change)
            answer = client_of_alice.post(path)
            assert (answer.status_code, answer.json()["error"]["code"]) == (409, "DELIVERY_NOT_REPLAYABLE"), change
            Delivery.objects.update(events=3, state=DeliveryState.DELIVERED)
        client_of_alice.patch(f"{ENDPOINTS}/{shown['id']}", {"enabled": False})
        assert client_of_alice.post(path).status_code == 409
        assert len(receiver.arrivals) == 3


def test_everything_since_a_time_is_replayed(
    alice: Account, client_of_alice: ApiClient, deliverer: Deliverer, settings: Any
) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    with Receiver() as receiver:
        shown, _ = create(client_of_alice, receiver.url)
        accept_mail(alice, draft(3))
        deliverer.deliver_due(seconds=5)
        publish_events()
        for _ in range(2):
            for lane_id in due_lanes():
                run_lane(lane_id)
            answer = client_of_alice.post(f"{ENDPOINTS}/{shown['id']}/replay", {"since": shown["created_at"]})
            assert (answer.status_code, answer.json()["data"]["id"]) == (200, shown["id"])
        assert len(receiver.events) == 6
        assert len({event["id"] for event in receiver.events}) == 3
    for body in ({}, {"since": "yesterday"}, {"since": None}):
        assert client_of_alice.post(f"{ENDPOINTS}/{shown['id']}/replay", body).status_code == 422, body


def test_deliveries_are_paged_newest_first(client_of_alice: ApiClient) -> None:
    shown, _ = create(client_of_alice)
    endpoint = Endpoint.objects.get()
    rows = [
        Delivery.objects.create(
            endpoint=endpoint, lane_number=0, state=state, after_place=0, place=1, kinds=-1, events=number
        )
        for number, state in enumerate([DeliveryState.DELIVERED] * 6 + [DeliveryState.PENDING])
    ]
    path = f"{ENDPOINTS}/{shown['id']}/deliveries"
    assert [each["events"] for each in walk(client_of_alice, path, limit=3)] == [6, 5, 4, 3, 2, 1, 0]
    assert [each["events"] for each in walk(client_of_alice, path, limit=3, state="delivered")] == [5, 4, 3, 2, 1, 0]
    other = create_endpoint(client_of_alice.account, Dialect.NATIVE, f"{URL}/2")
    for query in (
        f"{other.public_id}/deliveries?after={rows[0].public_id}",
        f"{other.public_id}/deliveries/{UUID(int=1)}",
        f"{other.public_id}/deliveries/a-b",
    ):
        answer = client_of_alice.get(f"{ENDPOINTS}/{query}")
        assert (answer.status_code, answer.json()) == (404, NO_DELIVERY), query
    for query in ("state=x", "after=x", "limit=0", "limit=501", "before=1"):
        assert client_of_alice.get(f"{path}?{query}").status_code == 422, query


def test_endpoints_of_others_are_unknown(client_of_alice: ApiClient, client_of_charlie: ApiClient) -> None:
    theirs, _ = create(client_of_charlie)
    for endpoint_id in (theirs["id"], UUID(int=1), "1", "a-b"):
        for method, path, body in (
            ("GET", "", None),
            ("PATCH", "", {"enabled": False}),
            ("DELETE", "", None),
            ("POST", "/enable", None),
            ("POST", "/replay", {"since": "2026-01-01T00:00:00Z"}),
            ("POST", "/rotate-secret", None),
            ("GET", "/deliveries", None),
            ("GET", f"/deliveries/{UUID(int=1)}", None),
            ("POST", f"/deliveries/{UUID(int=1)}/replay", None),
        ):
            answer = client_of_alice.ask(method, f"{ENDPOINTS}/{endpoint_id}{path}", body)
            assert (answer.status_code, answer.json()) == (404, NO_ENDPOINT), (method, path)
    assert client_of_alice.get(ENDPOINTS).json()["data"] == []
    assert client_of_charlie.get(f"{ENDPOINTS}/{theirs['id']}").json() == {"data": theirs}


def test_bodies_need_the_scope_of_messages(alice: Account, new_client: NewClient) -> None:
    scope = "user.webhooks.event.settings"
    settings, reader = new_client(alice, [f"{scope}.read"]), new_client(alice, ["messages.read"])
    path = f"{ENDPOINTS}/{UUID(int=1)}/deliveries"
    assert [client.get(path).status_code for client in (settings, reader)] == [404, 403]
    assert [client.get(f"{path}/{UUID(int=1)}").status_code for client in (settings, reader)] == [403, 404]
    for method, url in (("POST", ENDPOINTS), ("PATCH", f"{ENDPOINTS}/{UUID(int=1)}"), ("DELETE", f"{ENDPOINTS}/1")):
        assert settings.ask(method, url, {}).status_code == 403, method
