"""Test the lists of bounces, blocks, invalid addresses, spam reports and global unsubscribes."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from accounts.models import Account
from foundation.clock import database_now
from mailer.models import Suppression, SuppressionKind
from mailer.suppressions.lists import New, suppress
from tests.api.conftest import ApiClient, NewClient
from tests.examples import few_by_default

KINDS = {
    "bounces": SuppressionKind.BOUNCE,
    "blocks": SuppressionKind.BLOCK,
    "invalid_emails": SuppressionKind.INVALID,
    "spam_reports": SuppressionKind.SPAM,
}
FIELDS = {
    "bounces": ["created", "email", "reason", "status"],
    "blocks": ["created", "email", "reason", "status"],
    "invalid_emails": ["created", "email", "reason"],
    "spam_reports": ["created", "email", "ip"],
    "unsubscribes": ["created", "email"],
}
every_list = pytest.mark.parametrize("name", few_by_default(KINDS, "bounces"))


def add(account: Account, kind: SuppressionKind, *emails: str) -> None:
    suppress(New(account.pk, email, kind, reason="550 5.1.1 no", status="5.1.1") for email in emails)


def emails_of(answer: Any) -> list[str]:
    assert answer.status_code == 200
    return [each["email"] for each in answer.json()]


def test_a_list_shows_its_own_entries(
    client_of_alice: ApiClient, client_of_charlie: ApiClient, alice: Account, subtests: pytest.Subtests
) -> None:
    for other, kind in {**KINDS, "unsubscribes": SuppressionKind.GLOBAL}.items():
        add(alice, kind, f"{other}@example.com")
    for name in FIELDS:
        with subtests.test(name=name):
            answer = client_of_alice.get(f"/v3/suppression/{name}")
            assert emails_of(answer) == [f"{name}@example.com"]
            assert list(answer.json()[0]) == FIELDS[name]
            assert abs(answer.json()[0]["created"] - database_now().timestamp()) < 60
            assert client_of_charlie.get(f"/v3/suppression/{name}").json() == []


@every_list
def test_one_address_is_shown_and_taken_off(
    name: str, client_of_alice: ApiClient, client_of_charlie: ApiClient, alice: Account
) -> None:
    add(alice, KINDS[name], "ann@example.com", "bob@example.com")
    path = f"/v3/suppression/{name}"
    assert emails_of(client_of_alice.get(f"{path}/ANN%40example.com")) == ["ann@example.com"]
    assert client_of_alice.get(f"{path}/nobody@example.com").json() == []
    assert client_of_charlie.get(f"{path}/ann@example.com").json() == []
    assert client_of_charlie.delete(f"{path}/ann@example.com").status_code == 204
    assert len(emails_of(client_of_alice.get(path))) == 2
    assert client_of_alice.delete(f"{path}/ann@example.com").status_code == 204
    assert emails_of(client_of_alice.get(path)) == ["bob@example.com"]


@every_list
def test_several_or_all_are_taken_off(name: str, client_of_alice: ApiClient, alice: Account, charlie: Account) -> None:
    for account in (alice, charlie):
        add(account, KINDS[name], "ann@example.com", "bob@example.com", "eve@example.com")
    others = next(kind for other, kind in KINDS.items() if other != name)
    add(alice, others, "ann@example.com")
    path = f"/v3/suppression/{name}"
    assert (
        client_of_alice.delete(path, body={"emails": ["ANN@example.com", "nobody", "eve@example.com"]}).status_code
        == 204
    )
    assert emails_of(client_of_alice.get(path)) == ["bob@example.com"]
    assert client_of_alice.delete(path, body={"delete_all": True}).status_code == 204
    assert client_of_alice.get(path).json() == []
    assert Suppression.objects.filter(account=charlie).count() == 3
    assert Suppression.objects.filter(account=alice, kind=others).count() == 1


@every_list
def test_a_request_with_neither_or_both_selectors_removes_nobody(
    name: str, client_of_alice: ApiClient, alice: Account
) -> None:
    add(alice, KINDS[name], "a@b.c")
    for body in (
        *({}, {"delete_all": False}, {"delete_all": True, "emails": ["a@b.c"]}, {"delete_all": True, "emails": []}),
        *({"delete_all": "true"}, {"delete_all": 1}, {"emails": "a@b.c"}, {"emails": [1]}, {"emails": None}),
        {"emails": ["a@b.c"] * 10_001},
    ):
        case = str(body)[:40]
        answer = client_of_alice.delete(f"/v3/suppression/{name}", body=body)
        assert answer.status_code == 400, case
        assert list(answer.json()) == ["errors"], case
        assert Suppression.objects.count() == 1, case


def test_a_deletion_without_a_body_removes_nothing(client_of_alice: ApiClient, alice: Account) -> None:
    add(alice, SuppressionKind.BOUNCE, "a@b.c")
    assert client_of_alice.delete("/v3/suppression/bounces").status_code == 400
    assert Suppression.objects.count() == 1


def test_global_unsubscribes_are_not_removed_by_this_list(client_of_alice: ApiClient, alice: Account) -> None:
    add(alice, SuppressionKind.GLOBAL, "a@b.c")
    assert client_of_alice.delete("/v3/suppression/unsubscribes", body={"delete_all": True}).status_code == 405
    assert client_of_alice.get("/v3/suppression/unsubscribes/a@b.c").status_code == 404


@pytest.fixture
def aged_bounces(alice: Account) -> int:
    """Create ten bounces, a minute apart; return the time of the first as Unix time."""
    first = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
    for n in range(10):
        add(alice, SuppressionKind.BOUNCE, f"p{n}@example.com")
        Suppression.objects.filter(email=f"p{n}@example.com").update(
            created_at=first + dt.timedelta(minutes=n, milliseconds=400)
        )
    return int(first.timestamp())


def test_the_newest_come_first_and_a_part_at_a_time(client_of_alice: ApiClient, aged_bounces: int) -> None:
    path = "/v3/suppression/bounces"
    assert emails_of(client_of_alice.get(path)) == [f"p{n}@example.com" for n in range(9, -1, -1)]
    answer = client_of_alice.get(f"{path}?limit=4&offset=4")
    assert emails_of(answer) == [f"p{n}@example.com" for n in (5, 4, 3, 2)]
    links = dict(reversed(link.split("; ", 1)) for link in answer["Link"].split(", "))
    url = f"<http://testserver{path}?limit=4&offset="
    assert links == {
        'rel="next"; title="3"': f"{url}8>",
        'rel="prev"; title="1"': f"{url}0>",
        'rel="first"; title="1"': f"{url}0>",
        'rel="last"; title="3"': f"{url}8>",
    }


def test_a_list_can_be_filtered_by_time(client_of_alice: ApiClient, aged_bounces: int) -> None:
    path = f"/v3/suppression/bounces?start_time={aged_bounces + 120}&end_time={aged_bounces + 240}"
    assert emails_of(client_of_alice.get(path)) == ["p4@example.com", "p3@example.com", "p2@example.com"]


def test_a_list_can_be_filtered_by_address(
    client_of_alice: ApiClient, alice: Account, subtests: pytest.Subtests
) -> None:
    people = ("sales", "salesman", "manager", "under_score", "underscore")
    add(alice, SuppressionKind.BOUNCE, *(f"{each}@example.com" for each in people))
    for pattern, matches in [
        ("sales", ["sales@example.com", "salesman@example.com"]),
        ("SALES@", ["sales@example.com"]),
        ("%25man", ["salesman@example.com", "manager@example.com"]),
        ("%25s%25man", ["salesman@example.com"]),
        ("_ales", []),
        ("a\\", []),
        ("under_", ["under_score@example.com"]),
        ("%27%3B drop table", []),
    ]:
        with subtests.test(pattern=pattern, matches=matches):
            assert sorted(emails_of(client_of_alice.get(f"/v3/suppression/bounces?email={pattern}"))) == sorted(matches)


MISTAKES = [
    *("limit=0", "limit=501", "limit=x", "limit=-1", "limit=1e2", "limit=", "offset=-1", "offset=x"),
    *("start_time=x", "end_time=-1", "start_time=99999999999", "start_time=" + "9" * 300, "email=%00"),
    "email=" + "x" * 400,
]


def test_invalid_filters_are_refused(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for query in MISTAKES:
        with subtests.test(query=query):
            answer = client_of_alice.get(f"/v3/suppression/bounces?{query}")
            assert answer.status_code == 400
            assert answer.json()["errors"][0]["field"] == query.partition("=")[0]


def test_an_offset_beyond_the_end_returns_an_empty_list(client_of_alice: ApiClient, aged_bounces: int) -> None:
    assert client_of_alice.get("/v3/suppression/bounces?offset=999999999999").json() == []


def test_a_list_needs_its_scope_or_that_of_all_lists(
    new_client: NewClient, alice: Account, subtests: pytest.Subtests
) -> None:
    for name in FIELDS:
        with subtests.test(name=name):
            path = f"/v3/suppression/{name}"
            for verb, method, body in (("read", "GET", None), ("delete", "DELETE", {"delete_all": True})):
                if (name, method) == ("unsubscribes", "DELETE"):
                    continue
                for scope in (f"suppression.{name}.{verb}", f"suppression.{verb}"):
                    assert new_client(alice, [scope]).ask(method, path, body).status_code < 300
                wrong = [f"suppression.{other}.{verb}" for other in FIELDS if other != name]
                assert new_client(alice, [*wrong, "suppression.create"]).ask(method, path, body).status_code == 403
