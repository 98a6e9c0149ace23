"""Numbers, names and codes in the pages are those of the code.

A fact is a part of a page with a value of the code in it: `FACTS` has them by page. Tables that list all of something
are compared as a whole.
"""

from __future__ import annotations

import dataclasses
import re
import runpy
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from accounts import guessing, rates
from api.caller import MAX_QUERY_BYTES
from api.http import MAX_DEPTH
from api.native import errors as native_errors
from api.native.inputs import account, batches, fields
from api.native.urls import urlpatterns as native_routes
from api.sendgrid.keys.inputs import MAX_SCOPES, SCOPE_LENGTH
from api.sendgrid.mail import headers, types
from api.sendgrid.values import MAX_LINE_LENGTH
from api.soap import codes, inputs, properties, reading, tokens
from api.soap.operations.retrieve import PAGE
from audience.jobs import csv_files, lifecycle, sweep
from audience.query.conditions import Custom, Kind
from audience.query.sgql import read_query
from audience.query.vocabulary import EVENT_TYPES, Vocabulary, read_campaign_number
from batches.counts import LOOKED_AT, PARCELS_OF_EACH, Counts
from batches.hints import NODE_SILENCE
from batches.models import Receipt
from campaigns import engaging, senders
from config import consuming
from config.web import requests
from config.web.connection import MOST_UNSENT
from config.web.kinds import LARGE_BYTES
from config.web.requests import MOST_STOP_BYTES
from console import fragments, now, sign_ins, viewers
from console.batches import page
from console.fleet import alarms
from events.webhooks import bodies, client, hints, schedule
from events.webhooks.endpoints import ROTATION
from mailer import checking, expressing
from mailer.admin.bulk import LARGE
from mailer.bulk import actions
from mailer.management.commands import doctor
from mailer.tracking import hits, rewriting, views
from mailer.tracking.writing import MOST_OF_MESSAGE
from mailer.transports.smtp import limits
from monitoring import problems
from tests.examples import for_each

ROOT = Path(__file__).parent.parent
REQUIRED = {"DATABASE_URL": "postgresql://u:p@localhost/x", "REDIS_URL": "redis://localhost/0", "SECRET_KEY": "x" * 32}
COMMA = "{:,}".format
COUNTED = [field.name for field in dataclasses.fields(Counts) if field.name != "accepted"]

FACTS = {
    "docs/native-api.md": (
        f"`limit` is 1 to {fields.HIGHEST_LIMIT}.",
        f"`retention_seconds` (0 to {COMMA(batches.LONGEST_RETENTION_SECONDS)})",
        f"`lateness_limit_seconds` (1 to {COMMA(account.LONGEST_LATENESS_SECONDS)})",
        f"1 to {COMMA(fields.MESSAGE_IDS)} ids",
        f"| `action` | {', '.join(Receipt.Action.values)} |",
        f"`counts` has {', '.join(COUNTED[:-1])} and {COUNTED[-1]},",
        f"| objects and lists within each other | {MAX_DEPTH} levels |",
        f"| a query string | {COMMA(MAX_QUERY_BYTES)} bytes |",
        f"| a request line and its headers | {requests.MOST_HEAD_BYTES // 1024} KB together |",
        f"| personalizations, recipients | {COMMA(types.MAX_PERSONALIZATIONS)} each |",
        f"| {headers.MAX_HEADERS}, names of {headers.MAX_NAME_LENGTH} characters, "
        f"{COMMA(headers.MAX_SIZE)} bytes together |",
        f"| subject, a name, a file's name | {MAX_LINE_LENGTH} characters |",
        f"| content blocks, attachments, categories | {types.MAX_CONTENTS}, {COMMA(types.MAX_ATTACHMENTS)}, "
        f"{types.MAX_CATEGORIES} of {types.MAX_CATEGORY_LENGTH} characters |",
        f"| scopes of a new API key | {MAX_SCOPES} of {SCOPE_LENGTH} characters |",
        f"more than {expressing.PASSES} passes",
        f"at {COMMA(checking.BLOCKS)} blocks of the table at most",
        f"does not answer within {rates.TIMEOUT_SECONDS * 1000:g} ms",
    ),
    "docs/audience.md": (
        f"its *lease* for {lifecycle.LEASE.total_seconds():g} seconds after each page",
        f"come to nothing within {sweep.STALE_HOURS} hours",
        f"is longer than {csv_files.LONGEST_ROW // 1024} KiB",
        f"good for {senders.LINK_LIFE.total_seconds() / 3600:g} hours",
        f"works for about {100 * engaging.SHARED_SECONDS:g} % of the time",
        *(f"`{event_type}`" for event_type in EVENT_TYPES),
    ),
    "docs/lifecycle.md": (
        f"A transaction has at most {limits.RECIPIENTS} recipients",
        f"`STOPPED_BATCHES_LIMIT` ({settings.STOPPED_BATCHES_LIMIT})",
        f"has not come after {settings.STOP_WAIT_SECONDS:g} seconds",
        f"about {settings.SLICE_SECONDS * 1000:g} ms of mail",
    ),
    "docs/console.md": (
        f"asks the server every {fragments.FRESH_SECONDS:g} seconds",
        f"older than {fragments.STALE_SECONDS:g} seconds",
        f"is built every {fragments.FINAL_SECONDS:g} seconds",
        f"refresh for up to {viewers.REMEMBERED_SECONDS:g} seconds",
        f"the first {now.SHOWN} mailings",
        f"exact up to {COMMA(LOOKED_AT)} of each state",
        f"at most {COMMA(LOOKED_AT)} parcels of a batch or an account",
        f"a list {COMMA(PARCELS_OF_EACH)} of each batch",
        f"batch with {COMMA(page.PARCELS_OF_WAVES)} or more parcels",
        f"at most {COMMA(sign_ins.FAILED_KEPT)} failed attempts",
        f"exactly up to {COMMA(actions.COUNTED)} messages",
        f"From {COMMA(LARGE)} messages on",
    ),
    "docs/architecture.md": (
        f"the slice's deadline: {settings.SLICE_DEADLINE_SECONDS:g} seconds",
        f"seen twice, {settings.LEASE_SECONDS:g} seconds apart",
    ),
    "docs/operations.md": (
        f"The doctor reports more than {doctor.LATE.total_seconds():g} s, and the console more than "
        f"{problems.OVERDUE.total_seconds():g} s",
        f"which reports more than {COMMA(alarms.LONG_QUEUE)})",
        f"older than {doctor.BEAT_SILENCE.total_seconds():g} s, which both report",
        f"above {alarms.OLD_TRANSACTION_SECONDS:g} s, which *Fleet* reports",
        f"written its heartbeat for {NODE_SILENCE.total_seconds():g} seconds",
        f"due for more than {problems.OVERDUE.total_seconds():g} seconds",
        f"more than {100 * problems.REFUSED_SHARE:g} % of an account's recipients, and at least "
        f"{problems.LEAST_REFUSALS}, in the last ten minutes",
        f"expires within {problems.EXPIRY_NOTICE.total_seconds() / 3600:g} hours",
        f"no delivery for {problems.FAILING_AFTER.total_seconds() / 60:g} minutes",
        f"After {schedule.FAILING_LIMIT.days} days the endpoint is disabled",
        f"for {consuming.PATIENCE_SECONDS:g} seconds takes none of the tasks",
    ),
    "docs/webhooks.md": (
        f"at most {COMMA(bodies.MOST_EVENTS)} events or 512 KB",
        f"no complete response within {client.TIMEOUT_SECONDS:g} s",
        f"at most {client.BODY_BYTES // 1024} KB of an answer and keeps the first {COMMA(client.REPLY_CHARACTERS)} "
        f"characters",
        f"also signs for {ROTATION.total_seconds() / 3600:g} hours",
        f"nothing was accepted for {schedule.FAILING_LIMIT.days} days",
        f"While {COMMA(hints.MUCH_MAIL)} messages or more are being delivered",
    ),
    "docs/tracking-and-privacy.md": (
        f"addresses of more than {COMMA(rewriting.LONGEST_URL)} bytes",
        f"everything behind the first {COMMA(rewriting.MOST_LINKS)} links of a mail",
        f"cut to {views.LONGEST_AGENT} characters",
        f"At most {COMMA(MOST_OF_MESSAGE)} events of a kind are stored for a message",
        f"up to {COMMA(hits.MOST)} in each process",
    ),
    "docs/without-effect.md": (
        f"{', '.join(f'`{name}`' for name in inputs.NOT_SET)} and a true `IsAlwaysOn` are refused",
    ),
    "docs/deployment.md": (
        f"bodies of more than {LARGE_BYTES // 1024} KB, chunked bodies",
        f"a download that is {MOST_UNSENT // 2**20} MB ahead of its reader",
        f"A request line with its headers may have {requests.MOST_HEAD_BYTES // 1024} KB",
        f"A stop with a body of more than {MOST_STOP_BYTES // 1024} KB",
    ),
    "docs/soap.md": (
        f"in pages of {COMMA(PAGE)}",
        f"is not parsed, but for its first and its last {reading.OPENING_BYTES // 1024} KiB",
        f"A header has at most {reading.MOST_HEADERS} elements",
        f"A token lives for {tokens.TOKEN_SECONDS // 60} minutes",
        f"a wrong secret for a name {guessing.WRONG_PER_MINUTE} times in a minute",
        f"up to {codes.MOST_OBJECTS} Definitions",
        f"up to {COMMA(inputs.MOST_SUBSCRIBERS)}, who become contacts",
        f"above {reading.MAX_BYTES // 2**20} MiB",
    ),
}


def page(name: str) -> str:
    """Return the text of a page with a blank between any two words."""
    return " ".join((ROOT / name).read_text().split())


@for_each("name", FACTS)
def test_the_numbers_of_a_page_are_those_of_the_code(name: str) -> None:
    text = page(name)
    assert [fact for fact in FACTS[name] if fact not in text] == []


def test_the_defaults_in_the_readme_are_those_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    table = (ROOT / "README.md").read_text().split("## Configuration")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`[A-Z].*?) \| (.*?) \| ", table, re.MULTILINE)
    for names, _ in rows:
        for name in re.findall(r"`(\w+)`", names):
            monkeypatch.delenv(name, raising=False)
    for name, value in REQUIRED.items():
        monkeypatch.setenv(name, value)
    values = runpy.run_path(str(ROOT / "config" / "settings.py"))
    wrong = []
    for names, cell in rows:
        several = re.findall(r"`(\w+)`", names)
        defaults = cell.split(", ") if len(several) > 1 else [cell]
        defaults *= len(several) if len(defaults) == 1 else 1
        for name, default in zip(several, defaults, strict=True):
            if default != written(name, values.get(name)):
                wrong.append((name, default))
    assert wrong == []


def written(name: str, value: Any) -> str:
    """Return a default as the README has it."""
    if name in REQUIRED:
        return "required"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return f"{value:g}" if isinstance(value, float) else str(value)
    return f"`{value if isinstance(value, str) else ','.join(value)}`" if value else "none"


def test_the_codes_on_the_page_of_the_native_api_are_those_of_its_errors() -> None:
    text = (ROOT / "docs" / "native-api.md").read_text()
    named = {(int(status), code) for status, code in re.findall(r"`(\d{3}) ([A-Z_]+)`", text)}
    for statuses, cell in re.findall(r"^\| ([\d, ]+) \| (`[A-Z_]+`(?:, `[A-Z_]+`)*) \|", text, re.MULTILINE):
        codes_of_row = re.findall("[A-Z_]+", cell)
        numbers = [int(status) for status in statuses.split(", ")]
        named |= set(zip(numbers if len(numbers) > 1 else numbers * len(codes_of_row), codes_of_row, strict=True))
    answers = (*native_errors.CORE_ANSWERS.values(), *native_errors.BODY_ANSWERS.values())
    known = {(answer.status, answer.code) for answer in answers}
    known |= {(status, answer.code) for status, answer in native_errors.HTTP_ANSWERS.items()}
    assert named - known == set()


def test_the_codes_of_soap_are_all_on_its_page() -> None:
    """One error is excepted: a caller who may not act for a subuser gets a fault, which has no code."""
    text = (ROOT / "docs" / "soap.md").read_text().split("## Results: codes")[1].split("\n## ")[0]
    named = {int(code) for row in re.findall(r"^\| ([\d, ]+) \|", text, re.MULTILINE) for code in row.split(", ")}
    assert named == {int(code) for code in codes.Code} - {codes.Code.NOT_AUTHORIZED}


def test_the_properties_that_soap_can_filter_by_are_on_its_page() -> None:
    text = (ROOT / "docs" / "soap.md").read_text().split("| properties | can be filtered by |")[1].split("\n\n")[0]
    rows = [
        (set(re.findall(r"`([\w.]+)`", names)), rule)
        for names, rule in re.findall(r"^\| (.+?) \| (.+?) \|$", text, re.M)
    ]
    named = set().union(*(names for names, rule in rows if rule != "no"))
    assert named - {"equals"} == {known.name for known in properties.PROPERTIES if known.column}


def test_the_queries_on_the_page_of_the_audience_can_be_read() -> None:
    """The second block of three lines is one query with a line break in it."""
    block = (ROOT / "docs" / "audience.md").read_text().split("### Queries\n\n```text\n")[1].split("\n```")[0]
    queries = re.sub(r"\n +", " ", block).splitlines()
    vocabulary = Vocabulary({"orders": Custom(1, Kind.NUMBER)}, read_campaign_number)
    assert len(queries) == 3
    for query in queries:
        read_query(query, vocabulary)


def test_the_calls_on_the_page_of_the_native_api_have_their_scopes() -> None:
    """A row of a table is a call, its fields, and its scope."""
    text = (ROOT / "docs" / "native-api.md").read_text()
    rows = re.findall(r"^\| (`(?:GET|POST|PATCH|DELETE).*?`(?:, `….*?`)*) \|.*\| `([\w.]+)` \|$", text, re.MULTILINE)
    named = {}
    for cell, scope in rows:
        first, *others = re.findall(r"`(.+?)`", cell)
        method, path = first.split()
        paths = [path, *(path.rpartition("/")[0] + other.removeprefix("…") for other in others)]
        named |= {(method, f"/sluice/v1{each}"): scope for each in paths}
    assert named == {
        (method, shown_path(pattern)): scope
        for pattern in native_routes[:-1]
        for method, scope in scopes_of(pattern).items()
    }


def scopes_of(pattern: Any) -> dict[str, str]:
    """Return the scope of each method; of several that allow a call, the last one, which the page names."""
    scopes = pattern.callback.cls.scopes
    return {method: scope if isinstance(scope, str) else scope[-1] for method, scope in scopes.items()}


def shown_path(pattern: Any) -> str:
    """Return a route as the page has it: `^v1/batches/(?P<batch_id>[a-z]+)/?$` is `/sluice/v1/batches/{id}`."""
    text = re.sub(r"\(\?P<\w+>.*?\)", "{id}", str(pattern.pattern))
    return "/sluice/" + text.removeprefix("^").removesuffix("$").removesuffix("/?")
