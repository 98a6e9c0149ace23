"""Create the endpoints of the run before the first fault, and enable them again after faults as an operator does it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress

import psycopg

from chaos.api import Api
from chaos.receiver import NATIVE, SENDGRID, Keys, Receiver
from chaos.site import Site
from stack import StackError
from stack.stored_numbers import DeliveryState
from stack.waiting import wait_until

SETTINGS = "/v3/user/webhooks/event/settings"
KINDS = ("processed", "delivered", "deferred", "bounce", "dropped", "open", "click", "spam_report", "unsubscribe")
GROUP_KINDS = ("group_unsubscribe", "group_resubscribe")
LANES = 4
"""The lanes of an endpoint, each of which posts one body after the other."""
PATIENCE_SECONDS = 3.0
"""The time for which an operator waits before they enable an endpoint."""
HEALING_SECONDS = 30.0
LEASE_SECONDS = 60
"""The time after which another process takes the lanes of a process that has died."""
DELIVERY_SECONDS = 2.5 * LEASE_SECONDS
FELT_SECONDS = LEASE_SECONDS + 20.0

# The endpoints that make no attempt at this moment: they are disabled, or wait after a failure.
FAILING = """
select public_id::text from events_endpoint e
where not is_enabled or failing_since is not null
    or exists (select from events_lane l where l.endpoint_id = e.id and l.next_at is not null)
"""
# The notices that are not in the log yet, the bodies that were not accepted, and the lanes that are not at its end.
UNDELIVERED = f"""
select (select count(*) from mailer_lognotice)
    + (select count(*) from events_delivery where state = {DeliveryState.PENDING})
    + (select count(*) from events_lane l join events_endpoint e on e.id = l.endpoint_id
        where l."offset" is not null or exists (
            select from events_logentry g where g.account_id = e.account_id and g.place > l.place))
"""


# An endpoint has at most one notice an hour. Notices to one address would count as a message that was sent twice.
NOTIFY_NOBODY = "update events_endpoint set notified_at = sluice_now()"


def create_endpoints(api: Api, receiver: Receiver, database_url: str) -> Keys:
    """Create an endpoint of each dialect that gets all kinds of events, and return their keys.

    Nobody is mailed when one of them is disabled.
    """
    native = api.call("POST", "/sluice/v1/endpoints", {"url": receiver.url_of(NATIVE), "name": "chaos"})["data"]
    kinds: Mapping[str, bool] = dict.fromkeys((*KINDS, *GROUP_KINDS, "sluice_events"), True)
    webhook = api.call("POST", SETTINGS, {"url": receiver.url_of(SENDGRID), "enabled": True, **kinds})
    signed = api.call("PATCH", f"{SETTINGS}/signed/{webhook['id']}", {"enabled": True})
    with psycopg.connect(database_url) as connection:
        connection.execute(NOTIFY_NOBODY)
    return Keys(native["secret"], signed["public_key"])


def find_failing(site: Site) -> list[str]:
    """Return the public ids of the endpoints that make no attempt at this moment."""
    return [public_id for (public_id,) in site.query(FAILING)]


def is_failing(site: Site) -> bool:
    """Return whether an endpoint makes no attempt at this moment, and False while that cannot be read."""
    with suppress(psycopg.Error):
        return bool(find_failing(site))
    return False


def enable_failing(site: Site) -> None:
    """Enable these endpoints, so that what failed is tried at once. While the database is away, nothing is done."""
    with suppress(psycopg.Error):
        for public_id in find_failing(site):
            site.api.ask("POST", f"/sluice/v1/endpoints/{public_id}/enable", {})


def await_with_operator(site: Site, condition: Callable[[], object], *, seconds: float) -> bool:
    """Wait for a condition, while an operator looks for endpoints that wait after failures. Return whether it holds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with suppress(StackError):
            wait_until(condition, seconds=PATIENCE_SECONDS, what="a condition")
            return True
        enable_failing(site)
    return bool(condition())


def await_felt(site: Site, condition: Callable[[], object], effect: str) -> None:
    """Require that a fault of the receiver has an effect. The lanes of a worker that has died wait for their leases."""
    site.expect(await_with_operator(site, condition, seconds=FELT_SECONDS), f"expected that {effect}")


def enable_again(site: Site) -> None:
    """Enable failing endpoints, as an operator does when a receiver works again, until no endpoint waits any more."""
    enable_failing(site)

    def is_well() -> bool:
        with suppress(psycopg.Error):
            return not find_failing(site)
        return False

    if not await_with_operator(site, is_well, seconds=HEALING_SECONDS):
        site.say("an endpoint still waits after a failure")


def await_deliveries(site: Site) -> bool:
    """Wait until every lane has delivered the whole log, and return whether that is so."""

    def is_delivered() -> bool:
        with suppress(psycopg.Error):
            return bool(site.query(UNDELIVERED)[0][0] == 0)
        return False

    return await_with_operator(site, is_delivered, seconds=DELIVERY_SECONDS)
