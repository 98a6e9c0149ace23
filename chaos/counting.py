"""Count everything that pages show, from one snapshot of stored messages, parcels, events and receipts."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

import psycopg

from chaos.audiences import count_campaigns, count_people
from chaos.expected import Connection
from chaos.fleet import Watch
from chaos.handled import count_handled
from chaos.numbers import ONE_OF, Numbers
from chaos.over_time import count_over_time, rate_of, read_lateness, words_of
from chaos.refusals import read_failures
from chaos.stored import PARCELS, READ_EVENTS, READ_RECEIPTS, count_receipt, key_of_wave, keys_of, read_messages

# The names that have numerals and letters: one of numerals alone could not be told from a figure.
READ_NAMES = """
select name from (
    select label from batches_batch union select public_id from batches_batch
    union select username from accounts_account
    union select name from accounts_apikey union select key_id from accounts_apikey
    union select nickname from campaigns_sender union select name from mailer_unsubscribegroup
    union select title from campaigns_campaign union select name from campaigns_contactlist
    union select url from events_endpoint union select friendly_name from events_endpoint
    union select name from batches_node union select actor from batches_receipt union select reason from batches_receipt
) named(name) where name ~ '[0-9]' and name ~ '[[:alpha:]]'
"""
# The parcels of each wave by state, in the order of `PARCELS`.
READ_PARCELS = "select batch_id, send_at, state, count(*) from batches_parcel group by 1, 2, 3"


def count_stored(database_url: str, watch: Watch) -> Numbers:
    """Return the numbers of one snapshot, with those that are read when they are compared."""
    with psycopg.connect(database_url) as connection:
        connection.execute("set transaction isolation level repeatable read")
        return count_in(connection, watch)


def count_in(connection: Connection, watch: Watch) -> Numbers:
    """Return the numbers in the transaction of a connection, at which no mail is under way."""
    now, read_at = connection.execute("select sluice_now()").fetchall()[0][0], time.monotonic()
    events = connection.execute(READ_EVENTS).fetchall()
    numbers = begin(connection, events, now)
    rates, late = count_over_time(numbers, events, now, read_at), read_lateness(connection)
    numbers.readers["late"] = lambda key: words_of(late, rates, key)
    numbers.readers["all"] = lambda key: (
        words_of(late, rates, key) if key == "all:late" else rate_of(numbers, rates, key)
    )
    count_campaigns(connection, numbers, rates)
    count_people(connection, numbers)
    count_handled(connection, numbers)
    failures = read_failures(connection)
    numbers.readers |= {"failures": failures.number_of, **watch.readers()}
    return numbers


def begin(connection: Connection, events: list[Any], now: dt.datetime) -> Numbers:
    """Return the numbers of messages, parcels and receipts."""
    messages = read_messages(connection, events)
    numbers = Numbers(
        messages=messages,
        batch_ids={message.batch_id for message in messages},
        batches={message.public_id: message.batch_id for message in messages if message.public_id},
        accounts={account for message in messages for account in message.accounts},
        names=frozenset(name for (name,) in connection.execute(READ_NAMES)),
    )
    numbers.readers |= dict.fromkeys(ONE_OF, numbers.sum_of)
    for message in messages:
        numbers.by_key.update(keys_of(message, now))
    for batch_id, send_at, state, parcels in connection.execute(READ_PARCELS):
        numbers.by_key[f"{key_of_wave(batch_id, send_at)}:{PARCELS[state]}_parcels"] = parcels
    stopped: set[int | None] = set()
    for row in connection.execute(READ_RECEIPTS):
        numbers.receipts[row[1]] = row[0]
        numbers.doubts[row[0]] = count_receipt(numbers.by_key, row, messages, is_repeated=row[4] in stopped)
        stopped.add(row[4])
    return numbers
