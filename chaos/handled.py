"""Count what pages show of problems, of actions on many messages, and of the rows of lists."""

from __future__ import annotations

from collections import Counter
from functools import partial
from urllib.parse import parse_qsl

from chaos.expected import Connection, Shown
from chaos.numbers import Numbers
from chaos.stored import SEVERAL, WAITING, Stored

MOVABLE = frozenset(WAITING)
HANDLED = {"cancel": MOVABLE, "reschedule": MOVABLE, "replay": SEVERAL["in_hand"], "drop": SEVERAL["in_hand"]}
"""The states of the messages that each action on everything that matches is about."""
READ_LISTED = "select 'accounts_account', count(*) from accounts_account"
# The entries of the page Activity: receipts, changes in the console, and sign-ins.
READ_ACTIVITY = """
select (select count(*) from batches_receipt) + (select count(*) from django_admin_log)
    + (select count(*) from console_signin)
"""
# What an action on many messages did: events of its kind that happened while it ran.
READ_BULK = """
select b.id, b.action, b.expected, count(m.id) filter (where e.kind = 4), count(m.id) filter (where e.kind = 6)
from mailer_bulkaction b
left join batches_batch batch on b.account_id is null or batch.account_id = b.account_id
left join mailer_mail mail on mail.batch_id = batch.id
left join mailer_message m on m.mail_id = mail.id
left join mailer_event e on e.message_id = m.id and e.at between b.created_at and coalesce(b.finished_at, b.created_at)
group by 1, 2, 3
"""


def count_handled(connection: Connection, numbers: Numbers) -> None:
    """Count problems, selections and rows."""
    for table, rows in connection.execute(READ_LISTED):
        numbers.by_key[f"listed:{table}"] = rows
    ((numbers.by_key["activity:rows"],),) = connection.execute(READ_ACTIVITY).fetchall()
    numbers.readers |= {
        "match": partial(count_matching, numbers.messages),
        "problem": partial(tell_problem, numbers.messages),
    }


def count_matching(messages: list[Stored], key: str) -> Shown:
    """Return how many messages an action on everything that matches is about: `match`, the action and the filters."""
    _, action, query = key.split(":", 2)
    filters = dict(parse_qsl(query))
    if not filters.keys() <= {"state", "batch", "account"}:
        return None
    wanted = HANDLED[action]
    if state := filters.get("state"):
        wanted = wanted & (MOVABLE if state == "waiting" else {state})
    return sum(
        message.state in wanted
        and filters.get("batch") in (None, message.public_id)
        and filters.get("account") in (None, message.username)
        for message in messages
    )


def tell_problem(messages: list[Stored], key: str) -> Shown:
    """Return the numbers in the sentence of a problem."""
    kind = key.partition(":")[2]
    if kind in IN_HAND:
        of_accounts = Counter(message.accounts[0] for message in messages if message.state == IN_HAND[kind])
        others = len(of_accounts) - 1
        return (of_accounts.total(), *([others] if others else []))
    if kind == "retained-mail-expires-soon":
        return tell_expiring(messages)
    return ()


IN_HAND = {"mail-is-in-doubt": "in_doubt", "mail-is-held": "held"}
HOURS_OF_NOTICE = 12


def tell_expiring(messages: list[Stored]) -> Shown:
    """Return the numbers of the problem that retained mail expires soon."""
    retained = Counter(message.batch_id for message in messages if message.state == "retained" and not message.is_open)
    others = len(retained) - 1
    return (retained.total(), *([others] if others else []), HOURS_OF_NOTICE)
