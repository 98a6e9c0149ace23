"""Test the pages of endpoints and deliveries: what they show, their buttons, and who may see what."""

from __future__ import annotations

from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from events.log.publishing import publish_events
from events.models import Delivery, DeliveryState, Dialect, Endpoint
from events.webhooks.endpoints import create_endpoint, disable, enable
from events.webhooks.hints import due_lanes
from events.webhooks.lanes import run_lane
from foundation.admin import write_time
from foundation.clock import Now
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.deliver import Deliverer
from tests.drafts import draft
from tests.events.deliveries import store_deliveries
from tests.events.receiver import FINE, Behaviour, Receiver
from tests.operators import logged_in

ENDPOINTS, DELIVERIES = "/admin/events/endpoint/", "/admin/events/delivery/"
STATEMENTS = 12
URL = "https://example.com/hook"
LOGIN_URL = "https://shop:s3cret@example.com/hook"


def read(client: Client, path: str) -> str:
    """Return a page, which may take a few statements."""
    with CaptureQueriesContext(
        connection,
    ) as queries:
        answer = client.get(path)
    assert answer.status_code == 200, path
    assert len(queries) <= STATEMENTS, path
    return answer.text


def test_endpoints_and_their_deliveries_are_shown(alice: Account, operator: Client) -> None:
    endpoint = create_endpoint(alice, Dialect.NATIVE, LOGIN_URL, friendly_name="Shop", oauth_client_secret=b"s3cret")
    delivery = store_deliveries(endpoint, 60)
    listed = read(operator, ENDPOINTS)
    for text in (URL, "Shop", alice.username, "enabled"):
        assert text in listed
    page = read(operator, f"{ENDPOINTS}{endpoint.pk}/change/")
    assert page.count("/admin/events/delivery/") >= 20
    assert f"{DELIVERIES}?endpoint__id__exact={endpoint.pk}" in page
    assert str(delivery.public_id) in read(operator, f"{DELIVERIES}?endpoint__id__exact={endpoint.pk}")
    shown = read(operator, f"{DELIVERIES}{delivery.pk}/change/")
    for text in ("the response was 503", "&lt;b&gt;later&lt;/b&gt;", "ann@example.com", "0.50 s"):
        assert text in shown
    assert not [each for each in (listed, page, shown) if "s3cret" in each or "<b>later" in each]


def test_buttons_enable_and_disable_an_endpoint(alice: Account, operator: Client) -> None:
    endpoint = create_endpoint(alice, Dialect.SENDGRID, URL)
    path = f"{ENDPOINTS}{endpoint.pk}/"
    assert f"{path}enable/" not in read(operator, f"{path}change/")
    assert "“https://example.com/hook”" in read(operator, f"{path}disable/")
    for name, is_enabled in (("disable", False), ("disable", False), ("enable", True), ("enable", True)):
        operator.post(f"{path}{name}/")
        assert Endpoint.objects.get().is_enabled is is_enabled
    disable(endpoint)
    assert "Somebody has disabled it" in read(operator, ENDPOINTS)
    enable(endpoint)
    disable(endpoint, reason="It has failed for 3 days.")
    endpoint.refresh_from_db()
    page = read(operator, f"{path}change/")
    for words in ("It has failed for 3 days.", write_time(endpoint.disabled_at), "no mail was sent", f"{path}enable/"):
        assert words in page, words
    assert f"{path}disable/" not in page
    listed = read(operator, ENDPOINTS)
    assert "It has failed for 3 days." in listed
    assert write_time(endpoint.disabled_at) in listed
    Endpoint.objects.update(notified_at=Now())
    assert "no mail was sent" not in read(operator, f"{path}change/")
    endpoint = create_endpoint(alice, Dialect.SENDGRID, f"{URL}/2", failing_since=endpoint.created_at, failures=3)
    assert "/try-again/" in read(operator, f"{ENDPOINTS}{endpoint.pk}/change/")
    operator.post(f"{ENDPOINTS}{endpoint.pk}/try-again/")
    assert Endpoint.objects.get(pk=endpoint.pk).failures == 0
    assert LogEntry.objects.filter(change_message__contains="The endpoint is").exists()


def test_deliveries_are_posted_again(
    alice: Account, endpoint: Endpoint, receiver: Receiver, deliverer: Deliverer, operator: Client
) -> None:
    accept_mail(alice, draft(2))
    deliverer.deliver_due(seconds=5)
    publish_events()
    for lane_id in due_lanes():
        run_lane(lane_id)
    delivery = Delivery.objects.get()
    path = f"{DELIVERIES}{delivery.pk}/"
    assert f"{path}replay/" in read(operator, f"{path}change/")
    assert "once more" in read(operator, f"{path}replay/")
    operator.post(f"{path}replay/")
    receiver.decide = lambda number, arrival: Behaviour(500)
    page = operator.post(f"{path}replay/", follow=True).text
    assert "has not accepted the delivery: the response was 500" in page
    assert [arrival.body for arrival in receiver.arrivals] == [receiver.arrivals[0].body] * 3
    assert Delivery.objects.values_list("attempts", "state").get() == (3, DeliveryState.DELIVERED)
    receiver.decide = lambda number, arrival: FINE
    replay = f"{ENDPOINTS}{endpoint.pk}/replay/"
    assert "a second time" in read(operator, replay)
    for since, words in (("2100-01-01T00:00", "more than a year ahead"), ("2020-01-01T00:00", "is delivered again")):
        assert words in operator.post(replay, {"since": since}, follow=True).text
    assert sum(map(run_lane, due_lanes())) == 2
    assert [len(arrival.events) for arrival in receiver.arrivals] == [2, 2, 2, 2]
    disable(endpoint)
    assert f"{path}replay/" not in read(operator, f"{path}change/")
    operator.post(f"{path}replay/")
    assert len(receiver.arrivals) == 4


def test_a_viewer_has_no_buttons_and_sees_bodies_only_with_messages(alice: Account) -> None:
    endpoint = create_endpoint(alice, Dialect.NATIVE, URL)
    delivery = store_deliveries(endpoint)
    path = f"{ENDPOINTS}{endpoint.pk}/"
    permissions = ("events.view_endpoint", "events.view_delivery")
    with logged_in("vera", may=permissions) as client:
        assert f"{path}disable/" not in read(client, f"{path}change/")
        assert client.post(f"{path}disable/").status_code == 403
        assert client.post(f"{DELIVERIES}{delivery.pk}/replay/").status_code == 403
        assert "ann@example.com" not in read(client, f"{DELIVERIES}{delivery.pk}/change/")
    with logged_in("vic", may=(*permissions, "mailer.view_message")) as client:
        assert "ann@example.com" in read(client, f"{DELIVERIES}{delivery.pk}/change/")
    assert Endpoint.objects.get().is_enabled
