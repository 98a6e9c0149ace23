"""Count what pages show of problems, of actions on many messages, and of the rows of lists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import partial
from urllib.parse import parse_qsl

from chaos.expected import Connection, Shown
from chaos.numbers import Numbers
from chaos.stored import SEVERAL, WAITING, Stored
from stack.stored_numbers import DeliveryState

MOVABLE = frozenset(WAITING)
HANDLED = {"cancel": MOVABLE, "reschedule": MOVABLE, "replay": SEVERAL["in_hand"], "drop": SEVERAL["in_hand"]}
"""The states of the messages that each action on everything that matches is about."""
IN_HAND = {"mail-is-in-doubt": "in_doubt", "mail-is-held": "held"}
"""The problems about mail that needs a decision, each with the state of the mail."""
HOURS_OF_NOTICE = 12
"""The hours before mail expires in which that is a problem."""
HOURS_REMEMBERED = 24
"""The hours for which an endpoint that was disabled is a problem."""
STOPPED = ("stopped",)
# The entries of the page Activity: receipts, changes in the console, and sign-ins.
READ_ACTIVITY = """
select (select count(*) from batches_receipt) + (select count(*) from django_admin_log)
    + (select count(*) from console_signin)
"""
# The stops of many messages, and their receipts. The messages that they stopped have their events within the time of
# the action.
READ_STOPS = """
select b.id, b.created_at, b.finished_at, r.id, r.public_id
from mailer_bulkaction b cross join lateral jsonb_each_text(b.receipts) of_account(account_id, receipt_id)
join batches_receipt r on r.id = of_account.receipt_id::bigint
where b.action = 'cancel'
"""
# The newest deliveries of webhooks.
READ_DELIVERIES = "select id, events, attempts from events_delivery order by id desc limit 300"
READ_ENDPOINTS = "select id, failures from events_endpoint"
# The endpoints of which no attempt, or no attempt of one lane, has succeeded for 10 minutes, longest first, with the
# events of the deliveries that they have not accepted yet.
READ_FAILING = f"""
select coalesce((
    select sum(d.events) from events_delivery d where d.endpoint_id = e.id and d.state = {DeliveryState.PENDING}), 0)
from events_endpoint e join events_lane l on l.endpoint_id = e.id
where e.is_enabled group by e.id
having least(e.failing_since, min(l.failing_since)) < sluice_now() - interval '10 minutes'
order by least(e.failing_since, min(l.failing_since)), e.id
"""
READ_DISABLED = """
select count(*) from events_endpoint
where not is_enabled and disabled_reason <> '' and disabled_at > sluice_now() - interval '24 hours'
"""


def count_handled(connection: Connection, numbers: Numbers) -> None:
    """Count problems, selections and rows."""
    ((numbers.by_key["activity:rows"],),) = connection.execute(READ_ACTIVITY).fetchall()
    for bulk_id, since, until, receipt_id, public_id in connection.execute(READ_STOPS).fetchall():
        stopped = sum(message.had(STOPPED, until) and not message.had(STOPPED, since) for message in numbers.messages)
        numbers.bulks.append(bulk_id)
        numbers.receipts[public_id], numbers.doubts[receipt_id] = receipt_id, set()
        numbers.by_key[f"receipt:{receipt_id}:stopped"] = stopped
        for name in ("expected", "affected"):
            numbers.by_key[f"bulk:{bulk_id}:{name}"] = stopped
    count_deliveries(connection, numbers)
    numbers.readers |= {
        "match": partial(count_matching, numbers.messages),
        "problem": partial(tell_problem, numbers.messages, count_trouble(connection)),
    }


def count_deliveries(connection: Connection, numbers: Numbers) -> None:
    """Count the events and attempts of deliveries, and the failures of endpoints."""
    for delivery, events, attempts in connection.execute(READ_DELIVERIES).fetchall():
        numbers.deliveries.append(delivery)
        numbers.by_key[f"delivery:{delivery}:events"] = events
        numbers.by_key[f"delivery:{delivery}:attempts"] = attempts
    for endpoint, failures in connection.execute(READ_ENDPOINTS).fetchall():
        numbers.endpoints.append(endpoint)
        numbers.by_key[f"endpoint:{endpoint}:failures"] = failures


def count_trouble(connection: Connection) -> dict[str, tuple[int, ...]]:
    """Return the numbers in the sentences of the problems of endpoints, by their kinds."""
    failing = [int(events) for (events,) in connection.execute(READ_FAILING).fetchall()]
    ((disabled,),) = connection.execute(READ_DISABLED).fetchall()
    numbers = [*failing[:1], *([len(failing) - 1] if len(failing) > 1 else [])]
    return {
        "an-endpoint-fails": tuple(number for number in numbers if number),
        "an-endpoint-was-disabled": (disabled - 1, HOURS_REMEMBERED) if disabled > 1 else (),
    }


def count_matching(messages: list[Stored], key: str) -> Shown:
    """Return how many messages an action on everything that matches is about: `match`, the action and the filters."""
    _, action, query = key.split(":", 2)
    filters = dict(parse_qsl(query))
    if not filters.keys() <= {"state", "batch", "account"}:
        return None
    states = HANDLED[action]
    if state := filters.get("state"):
        states = states & (MOVABLE if state == "waiting" else {state})
    return sum(
        message.state in states
        and filters.get("batch") in (None, message.public_id)
        and filters.get("account") in (None, message.username)
        for message in messages
    )


def tell_problem(messages: list[Stored], of_endpoints: Mapping[str, tuple[int, ...]], key: str) -> Shown:
    """Return the numbers in the sentence of a problem; most have none."""
    kind = key.partition(":")[2]
    if kind in of_endpoints:
        return of_endpoints[kind]
    if kind in IN_HAND:
        of_accounts = Counter(message.accounts[0] for message in messages if message.state == IN_HAND[kind])
        others = len(of_accounts) - 1
        return (of_accounts.total(), *([others] if others else []))
    if kind == "retained-mail-expires-soon":
        return tell_expiring(messages)
    return ()


def tell_expiring(messages: list[Stored]) -> Shown:
    """Return the numbers of the problem that retained mail expires soon."""
    retained = Counter(message.batch_id for message in messages if message.state == "retained" and not message.is_open)
    others = len(retained) - 1
    return (retained.total(), *([others] if others else []), HOURS_OF_NOTICE)
