"""Test statistics of an account's mail, in all and by category."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.conf import LazySettings
from sendgrid import SendGridAPIClient

from accounts.models import Account
from api.sendgrid.stats.inputs import MAX_DAYS
from foundation.clock import database_now
from mailer.models import Mail, Measure, Message, SuppressionKind
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.deliver import Deliverer
from mailer.suppressions.lists import New, suppress
from mailer.tracking.tokens import TrackedLink, TrackedMessage
from mailer.tracking.writing import Hit, write_hits
from tests.api.conftest import ApiClient, NewClient
from tests.counted import count_day, count_mail
from tests.drafts import draft
from tests.examples import further
from tests.peer import CountingPeer

STATS, CATEGORIES = "/v3/stats", "/v3/categories"
OF_CATEGORIES, SUMS = "/v3/categories/stats", "/v3/categories/stats/sums"
NAMES = [
    *("blocks", "bounce_drops", "bounces", "clicks", "deferred", "delivered", "invalid_emails", "opens", "processed"),
    *("requests", "spam_report_drops", "spam_reports", "unique_clicks", "unique_opens", "unsubscribe_drops"),
    "unsubscribes",
]
NOTHING = dict.fromkeys(NAMES, 0)
DAY = dt.date(2026, 3, 4)
"""A Wednesday."""
RANGE = "start_date=2026-03-04&end_date=2026-03-05"


def at(day: dt.date, hour: int = 0, minute: int = 0) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour, minute), dt.UTC)


def entries(client: ApiClient, path: str) -> list[Any]:
    answer = client.get(path)
    assert answer.status_code == 200, answer.content
    return list(answer.json())


def metrics_by_date(client: ApiClient, query: str) -> dict[str, dict[str, int]]:
    """Return the metrics that are not 0, by date."""
    result = {}
    for entry in entries(client, f"{STATS}?{query}"):
        assert list(entry) == ["date", "stats"]
        (stats,) = entry["stats"]
        assert list(stats) == ["metrics"]
        assert list(stats["metrics"]) == NAMES
        result[entry["date"]] = {name: n for name, n in stats["metrics"].items() if n}
    return result


def delivered(client: ApiClient, query: str) -> dict[str, int]:
    return {date: metrics.get("delivered", 0) for date, metrics in metrics_by_date(client, query).items()}


def names(client: ApiClient, query: str = "") -> list[str]:
    return [entry["category"] for entry in entries(client, f"{CATEGORIES}?{query}")]


def errors_of(answer: Any) -> tuple[int, list[Any]]:
    return answer.status_code, answer.json()["errors"]


# --- all mail ---------------------------------------------------------------------------------------------------------


def test_every_metric_is_made_of_its_counters(client_of_alice: ApiClient, alice: Account) -> None:
    counts = {
        Measure.ACCEPTED: 1000,
        Measure.SENT: 700,
        Measure.REFUSED: 100,
        Measure.BOUNCED: 40,
        Measure.BLOCKED: 20,
        Measure.INVALID: 5,
        Measure.DEFERRED: 30,
        Measure.DROPPED: 66,
        Measure.DROPPED_BOUNCE: 6,
        Measure.DROPPED_SPAM: 7,
        Measure.DROPPED_UNSUBSCRIBE: 8,
        Measure.DROPPED_INVALID: 9,
        Measure.UNSUBSCRIBED: 3,
        Measure.STOPPED: 1,
        Measure.IN_DOUBT: 2,
        Measure.EXPIRED: 4,
        Measure.LATE_1S: 700,
    }
    count_mail(alice, at(DAY), counts, "news")
    expected = NOTHING | {
        "requests": 1000,
        "processed": 800,
        "delivered": 700,
        "bounces": 40,
        "blocks": 55,
        "invalid_emails": 14,
        "deferred": 30,
        "bounce_drops": 6,
        "spam_report_drops": 7,
        "unsubscribe_drops": 8,
        "unsubscribes": 3,
    }
    assert entries(client_of_alice, f"{STATS}?{RANGE}") == [
        {"date": "2026-03-04", "stats": [{"metrics": expected}]},
        {"date": "2026-03-05", "stats": [{"metrics": NOTHING}]},
    ]
    assert entries(client_of_alice, f"{OF_CATEGORIES}?{RANGE}&categories=news") == [
        {"date": "2026-03-04", "stats": [{"metrics": expected, "name": "news", "type": "category"}]},
        {"date": "2026-03-05", "stats": [{"metrics": NOTHING, "name": "news", "type": "category"}]},
    ]
    assert client_of_alice.get(f"{SUMS}?{RANGE}").json() == {
        "date": "2026-03-04",
        "stats": [{"metrics": expected, "name": "news", "type": "category"}],
    }


def test_what_the_sweeper_has_added_up_and_what_it_has_not_is_counted_once(
    client_of_alice: ApiClient, alice: Account
) -> None:
    count_day(alice, DAY, {Measure.SENT: 5}, "news")
    count_mail(alice, at(DAY, 12, 30), {Measure.SENT: 3}, "news")
    count_mail(alice, at(DAY, 12, 31), {Measure.SENT: 1})
    assert delivered(client_of_alice, RANGE) == {"2026-03-04": 9, "2026-03-05": 0}
    sums = client_of_alice.get(f"{SUMS}?{RANGE}").json()["stats"]
    assert [each["metrics"]["delivered"] for each in sums] == [8]


def test_days_are_those_of_utc_and_both_ends_are_included(client_of_alice: ApiClient, alice: Account) -> None:
    for moment, n in (
        (at(DAY) - dt.timedelta(minutes=1), 1),
        (at(DAY), 20),
        (at(DAY, 23, 59), 300),
        (at(DAY) + dt.timedelta(days=1), 4000),
        (at(DAY, 23, 59) + dt.timedelta(days=1), 50_000),
        (at(DAY) + dt.timedelta(days=2), 600_000),
    ):
        count_mail(alice, moment, {Measure.SENT: n})
    assert delivered(client_of_alice, RANGE) == {"2026-03-04": 320, "2026-03-05": 54_000}
    assert delivered(client_of_alice, "start_date=2026-03-04&end_date=2026-03-04") == {"2026-03-04": 320}


def test_weeks_begin_on_monday_and_months_on_their_first(client_of_alice: ApiClient, alice: Account) -> None:
    """2020 had 53 weeks. Days outside the range are not counted, although their week or month is shown."""
    first = dt.date(2020, 12, 20)
    for n in range(25):
        count_day(alice, first + dt.timedelta(days=n), {Measure.SENT: 1})
    days = "start_date=2020-12-23&end_date=2021-01-11"
    assert list(delivered(client_of_alice, days).values()) == [1] * 20
    assert delivered(client_of_alice, f"{days}&aggregated_by=week") == {
        "2020-12-21": 5,
        "2020-12-28": 7,
        "2021-01-04": 7,
        "2021-01-11": 1,
    }
    assert delivered(client_of_alice, f"{days}&aggregated_by=month") == {"2020-12-01": 9, "2021-01-01": 11}
    assert delivered(client_of_alice, f"{days}&aggregated_by=day") == delivered(client_of_alice, days)


def test_the_range_ends_today_by_the_clock_of_the_database(client_of_alice: ApiClient, alice: Account) -> None:
    now = database_now()
    yesterday = now.date() - dt.timedelta(days=1)
    count_mail(alice, now.replace(second=0, microsecond=0), {Measure.SENT: 2})
    assert delivered(client_of_alice, f"start_date={yesterday}") == {str(yesterday): 0, str(now.date()): 2}


@further
def test_a_range_of_three_years_is_answered_in_parts(client_of_alice: ApiClient, alice: Account) -> None:
    first, last = dt.date(2024, 1, 1), dt.date(2026, 12, 31)
    for day in (first, last):
        count_day(alice, day, {Measure.SENT: 7})
    query = f"start_date={first}&end_date={last}"
    days = delivered(client_of_alice, query)
    assert (len(days), days["2024-01-01"], days["2026-12-31"], sum(days.values())) == (1096, 7, 7, 14)
    assert len(delivered(client_of_alice, f"{query}&aggregated_by=month")) == 36
    answer = client_of_alice.get(f"{STATS}?{query}&limit=100&offset=1000")
    assert [entry["date"] for entry in answer.json()] == list(days)[1000:]
    assert f'{query}&limit=100&offset=900>; rel="prev"' in answer["Link"]
    assert entries(client_of_alice, f"{STATS}?{query}&offset=999999999999") == []
    assert len(entries(client_of_alice, f"{STATS}?{query}&limit=999999999999")) == 1096


DATE_MISTAKES = [
    *("", "x", "2026-3-4", "20260304", "2026-02-30", "2026-13-01", "0000-01-01", "2026-03-04T00:00:00Z"),
    *("2026-03-04 ", "%D9%A2026-03-04", "2026-03-04%00", "-2026-03-04", "9" * 400, "2026-W10-3"),
]


@further
def test_wrong_dates_are_refused_in_sendgrids_words(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for path in (STATS, OF_CATEGORIES, SUMS):
        assert errors_of(client_of_alice.get(path)) == (
            400,
            [{"field": "start_date", "message": "start_date is required"}],
        )
        for date in DATE_MISTAKES:
            for name, query in (("start_date", f"start_date={date}"), ("end_date", f"{RANGE}&end_date={date}")):
                with subtests.test(path=path, name=name, date=date):
                    message = f"{name} should be a YYYY-MM-DD formatted date"
                    answer = client_of_alice.get(f"{path}?{query}")
                    assert errors_of(answer) == (400, [{"field": name, "message": message}])


def test_wrong_ranges_are_refused(client_of_alice: ApiClient, alice: Account, subtests: pytest.Subtests) -> None:
    count_day(alice, DAY, {Measure.SENT: 1}, "news")
    backwards = "start_date=2026-03-05&end_date=2026-03-04"
    for path in (STATS, OF_CATEGORIES, SUMS):
        with subtests.test(path=path):
            status, (error,) = errors_of(client_of_alice.get(f"{path}?{backwards}&categories=news"))
            assert (status, error["field"]) == (400, "start_date")
    longest, too_long = (DAY + dt.timedelta(days=MAX_DAYS - 1 + n) for n in (0, 1))
    for path in (STATS, OF_CATEGORIES):
        with subtests.test(path=path):
            assert len(entries(client_of_alice, f"{path}?start_date={DAY}&end_date={longest}&categories=news")) == 1098
            for query in (f"start_date={DAY}&end_date={too_long}", "start_date=0001-01-01&end_date=9999-12-31"):
                assert client_of_alice.get(f"{path}?{query}&categories=news").status_code == 400
            edges = "start_date=9999-12-30&end_date=9999-12-31&categories=news&aggregated_by="
            for length, count in (("day", 2), ("week", 1), ("month", 1)):
                assert len(entries(client_of_alice, f"{path}?{edges}{length}")) == count
            assert (
                client_of_alice.get(
                    f"{path}?start_date=0001-01-01&end_date=0001-01-02&categories=news&aggregated_by=week"
                ).json()[0]["date"]
                == "0001-01-01"
            )
    sums = client_of_alice.get(f"{SUMS}?start_date=0001-01-01&end_date=9999-12-31").json()
    assert (sums["date"], len(sums["stats"])) == ("0001-01-01", 1)


PARAMETER_MISTAKES = [
    *((path, "aggregated_by", value) for path in (STATS, OF_CATEGORIES, SUMS) for value in ("", "year", "DAY", "%00")),
    *(
        (path, name, value)
        for path in (STATS, CATEGORIES, SUMS)
        for name, values in (("limit", ("0", "-1", "x", "", "1e2", "9" * 30)), ("offset", ("-1", "x", "9" * 30)))
        for value in values
    ),
    *((path, "limit", "501") for path in (CATEGORIES, SUMS)),
    *((SUMS, "sort_by_metric", value) for value in ("", "x", "date", "delivered;drop", "%00")),
    *((SUMS, "sort_by_direction", value) for value in ("", "DESC", "desc;", "%00")),
    *((CATEGORIES, "category", value) for value in ("%00", "x" * 256)),
]


def test_wrong_parameters_are_refused(client_of_alice: ApiClient, alice: Account, subtests: pytest.Subtests) -> None:
    count_day(alice, DAY, {Measure.SENT: 1}, "news")
    for path, name, value in PARAMETER_MISTAKES:
        with subtests.test(path=path, name=name, value=value):
            status, (error,) = errors_of(client_of_alice.get(f"{path}?{RANGE}&categories=news&{name}={value}"))
            assert (status, error["field"]) == (400, name)


# --- categories -------------------------------------------------------------------------------------------------------

ODD_NAMES = ["%", "A", "A, B", "B", "_", "a", "a&b=c", "a\\b", "a' or 1=1 --", "ab", "zoë", "漢字", "😀", "x" * 255]


def test_categories_are_listed_as_they_were_sent(client_of_alice: ApiClient, alice: Account) -> None:
    count_day(alice, DAY, {Measure.ACCEPTED: 1}, *ODD_NAMES[::2])
    count_mail(alice, at(DAY), {Measure.ACCEPTED: 1}, *ODD_NAMES[1::2])
    assert names(client_of_alice) == sorted(ODD_NAMES)
    for prefix in (*ODD_NAMES, "", "%25", "a'", "zo", "zz", "x" * 254, "\U0010ffff"):
        expected = [name for name in sorted(ODD_NAMES) if name.startswith(prefix)]
        assert names(client_of_alice, urlencode({"category": prefix})) == expected, prefix


def test_categories_are_listed_in_pages(client_of_alice: ApiClient, alice: Account) -> None:
    everything = [f"category {n:03}" for n in range(120)]
    count_day(alice, DAY, {Measure.ACCEPTED: 1}, *everything[:70])
    count_day(alice, DAY + dt.timedelta(days=1), {Measure.SENT: 1}, *everything[:70])
    count_mail(alice, at(DAY), {Measure.ACCEPTED: 1}, *everything[50:])
    assert names(client_of_alice) == everything[:50]
    assert names(client_of_alice, "limit=500") == everything
    assert names(client_of_alice, "limit=7&offset=65") == everything[65:72]
    assert names(client_of_alice, "limit=7&offset=115") == everything[115:]
    assert names(client_of_alice, "category=category 11&limit=4&offset=8") == everything[118:]
    assert names(client_of_alice, "offset=999999999999") == []
    links = client_of_alice.get(f"{CATEGORIES}?limit=40&offset=40")["Link"].split(", ")
    assert links == [
        f'<http://testserver{CATEGORIES}?limit=40&offset={offset}>; rel="{rel}"; title="{page}"'
        for rel, offset, page in (("next", 80, 3), ("prev", 0, 1), ("first", 0, 1))
    ]
    assert 'offset=80>; rel="next"' in client_of_alice.get(f"{CATEGORIES}?limit=40&offset=80")["Link"]


def test_statistics_of_some_categories_are_returned(client_of_alice: ApiClient, alice: Account) -> None:
    count_day(alice, DAY, {Measure.SENT: 5}, "news", "a, b", "c")
    count_day(alice, DAY + dt.timedelta(days=1), {Measure.SENT: 2}, "news")
    for query, expected in (
        ("categories=news&categories=c", {"news": [5, 2], "c": [5, 0]}),
        ("categories=c&categories=news&categories=c", {"c": [5, 0], "news": [5, 2]}),
        ("categories=news,c", {"news": [5, 2], "c": [5, 0]}),
        (f"categories={quote('a, b')}", {"a, b": [5, 0]}),
        (f"categories={quote('a, b')}&categories=news", {"a, b": [5, 0], "news": [5, 2]}),
    ):
        days = entries(client_of_alice, f"{OF_CATEGORIES}?{RANGE}&{query}")
        figures: dict[str, list[int]] = {}
        for day in days:
            for each in day["stats"]:
                figures.setdefault(each["name"], []).append(each["metrics"]["delivered"])
        assert figures == expected, query
        assert list(figures) == list(expected), query
    (week,) = entries(client_of_alice, f"{OF_CATEGORIES}?{RANGE}&categories=news&aggregated_by=week")
    assert (week["date"], week["stats"][0]["metrics"]["delivered"]) == ("2026-03-02", 7)


def test_unknown_categories_and_a_wrong_number_of_them_are_refused(client_of_alice: ApiClient, alice: Account) -> None:
    count_day(alice, DAY, {Measure.SENT: 5}, *(f"c{n}" for n in range(11)))
    unknown = (404, [{"field": "categories", "message": "category does not exist"}])
    for value in ("x", "C1", "c1 ", "c1,x", "%00", "x" * 300, "c1%00", "c", ",x"):
        assert errors_of(client_of_alice.get(f"{OF_CATEGORIES}?{RANGE}&categories={value}")) == unknown, value
    number = (400, [{"field": "categories", "message": "categories must have from 1 to 10 entries"}])
    ten = [f"c{n}" for n in range(10)]
    for query in (
        *("", "categories=", "categories=,,", "&".join(f"categories={name}" for name in (*ten, "c10"))),
        f"categories={','.join((*ten, 'c10'))}",
        "categories=" + "," * 3000,
    ):
        assert errors_of(client_of_alice.get(f"{OF_CATEGORIES}?{RANGE}&{query}")) == number, query
    assert len(entries(client_of_alice, f"{OF_CATEGORIES}?{RANGE}&categories={','.join(ten)}")[0]["stats"]) == 10


def test_sums_are_sorted_by_a_metric(client_of_alice: ApiClient, alice: Account) -> None:
    for n, counts in enumerate(
        (
            {Measure.SENT: 10, Measure.REFUSED: 1},
            {Measure.SENT: 30, Measure.REFUSED: 9, Measure.BOUNCED: 9},
            {Measure.SENT: 20, Measure.REFUSED: 5, Measure.INVALID: 1},
            {Measure.ACCEPTED: 4},
            {Measure.ACCEPTED: 3},
            {Measure.ACCEPTED: 5},
        )
    ):
        count_day(alice, DAY, counts, f"c{n}")
        count_mail(alice, at(DAY) + dt.timedelta(days=1), counts, f"c{n}")
    count_day(alice, DAY - dt.timedelta(days=1), {Measure.SENT: 1}, "earlier")
    count_day(alice, DAY, {Measure.STOPPED: 1, Measure.LATE_1S: 1}, "stopped")

    def order(query: str) -> str:
        stats = client_of_alice.get(f"{SUMS}?{RANGE}&{query}").json()["stats"]
        return "".join(each["name"].removeprefix("c") for each in stats)

    assert order("") == "12034"
    assert order("limit=10") == "120345"
    assert order("limit=2&offset=1") == "20"
    assert order("offset=999999999999") == ""
    assert order("sort_by_direction=asc") == "34502"
    assert order("sort_by_metric=blocks&limit=10") == "201345"
    assert order("sort_by_metric=requests&limit=3") == "534"
    assert order("sort_by_metric=opens&limit=10") == "012345"
    assert order("sort_by_metric=opens&sort_by_direction=asc&limit=10") == "012345"
    assert order("aggregated_by=month") == "12034"
    best = client_of_alice.get(f"{SUMS}?{RANGE}&limit=1").json()["stats"][0]["metrics"]
    assert best == NOTHING | {"delivered": 60, "bounces": 18, "processed": 78}


# --- accounts and real mail -------------------------------------------------------------------------------------------


def test_an_account_sees_only_its_own_mail(
    client_of_alice: ApiClient, client_of_charlie: ApiClient, alice: Account, charlie: Account, subuser: Account
) -> None:
    for n, account in enumerate((alice, charlie, subuser), start=1):
        count_day(account, DAY, {Measure.SENT: n}, "shared", f"of {account.username}")
        count_mail(account, at(DAY), {Measure.SENT: n * 10}, "shared", f"new of {account.username}")

    def view(client: ApiClient, **headers: str) -> tuple[Any, ...]:
        options = {"headers": {name.replace("_", "-"): value for name, value in headers.items()}}
        (day, _) = client.get(f"{STATS}?{RANGE}", **options).json()
        (shared, _) = client.get(f"{OF_CATEGORIES}?{RANGE}&categories=shared", **options).json()
        sums = client.get(f"{SUMS}?{RANGE}", **options).json()["stats"]
        return (
            day["stats"][0]["metrics"]["delivered"],
            shared["stats"][0]["metrics"]["delivered"],
            {each["name"]: each["metrics"]["delivered"] for each in sums},
            [each["category"] for each in client.get(CATEGORIES, **options).json()],
        )

    for n, username, seen in (
        (1, "alice", view(client_of_alice)),
        (2, "charlie", view(client_of_charlie)),
        (3, "alice-shop", view(client_of_alice, On_Behalf_Of="alice-shop")),
    ):
        own = {"shared": 11 * n, f"of {username}": n, f"new of {username}": 10 * n}
        assert seen == (11 * n, 11 * n, own, [f"new of {username}", f"of {username}", "shared"])
    for name in ("of charlie", "new of charlie", "of alice-shop"):
        assert client_of_alice.get(f"{OF_CATEGORIES}?{RANGE}&categories={name}").status_code == 404


def test_each_call_needs_its_scope(new_client: NewClient, alice: Account, subtests: pytest.Subtests) -> None:
    count_day(alice, DAY, {Measure.SENT: 1}, "news")
    scopes = {
        STATS: {"stats.read", "stats.global.read"},
        CATEGORIES: {"categories.read"},
        OF_CATEGORIES: {"categories.stats.read"},
        SUMS: {"categories.stats.sums.read"},
    }
    for scope in set().union(*scopes.values()):
        client = new_client(alice, [scope])
        for path, allowing in scopes.items():
            with subtests.test(scope=scope, path=path):
                status = client.get(f"{path}?{RANGE}&categories=news").status_code
                assert status == (200 if scope in allowing else 403)


def test_a_slow_sum_is_given_up(client_of_alice: ApiClient, alice: Account, settings: LazySettings) -> None:
    count_day(alice, DAY, {Measure.SENT: 1}, *(f"c{n}" for n in range(3000)))
    settings.SEARCH_SECONDS = 0.001
    for path in (f"{SUMS}?{RANGE}", f"{CATEGORIES}?offset=2900"):
        assert client_of_alice.get(path).status_code == 408, path


def test_real_mail_is_counted(
    client_of_alice: ApiClient, alice: Account, deliverer: Deliverer, peer: CountingPeer
) -> None:
    suppress([New(alice.pk, "to0@example.com", SuppressionKind.BOUNCE)])
    peer.replies["to1@example.com"] = "550 5.1.1 no such user"
    peer.replies["to2@example.com"] = "451 4.3.0 later"
    mail = draft(12, send_at=database_now())
    accept_mail(alice, dataclasses.replace(mail, categories=("news", "Über, alles")))
    deliverer.deliver_due(seconds=5)
    today = database_now().date()
    expected = {"requests": 12, "processed": 10, "delivered": 9, "bounces": 1, "bounce_drops": 1, "deferred": 1}
    assert metrics_by_date(client_of_alice, f"start_date={today}")[str(today)] == expected
    assert names(client_of_alice) == ["news", "Über, alles"]
    for category in client_of_alice.get(f"{SUMS}?start_date={today}").json()["stats"]:
        assert category["metrics"] == NOTHING | expected


def test_the_official_client_reads_statistics(client_of_alice: ApiClient, alice: Account, server_url: str) -> None:
    count_day(alice, DAY, {Measure.SENT: 3}, "news", "bills")
    client = SendGridAPIClient(client_of_alice.key_text, host=server_url).client
    days = {"start_date": "2026-03-04", "end_date": "2026-03-05"}
    stats = client.stats.get(query_params={"aggregated_by": "day", "limit": 1, "offset": 0, **days}).to_dict
    assert [(each["date"], each["stats"][0]["metrics"]["delivered"]) for each in stats] == [("2026-03-04", 3)]
    assert client.categories.get(query_params={"category": "n", "limit": 1, "offset": 0}).to_dict == [
        {"category": "news"}
    ]
    both = client.categories.stats.get(query_params={"categories": ["news", "bills"], **days}).to_dict
    assert [each["name"] for each in both[0]["stats"]] == ["news", "bills"]
    ranked = {"sort_by_metric": "delivered", "sort_by_direction": "asc", "limit": 1, "offset": 1}
    sums = client.categories.stats.sums.get(query_params={**ranked, **days}).to_dict
    assert [(each["name"], each["metrics"]["delivered"]) for each in sums["stats"]] == [("news", 3)]


def test_opens_and_clicks_of_people_are_metrics(client_of_alice: ApiClient, alice: Account) -> None:
    accept_mail(alice, dataclasses.replace(draft(1), categories=("news",)))
    mail, message = Mail.objects.get(), Message.objects.get()
    tracked = TrackedMessage(alice.pk, mail.pk, message.pk, 0)
    link = TrackedLink("https://shop.example/", 0, is_html=True)
    now = dt.datetime.now(dt.UTC)
    for target, is_machine in ((None, False), (None, False), (link, False), (None, True), (link, True)):
        write_hits([Hit(now, tracked, target, None, "Firefox", is_machine)])
    today = now.date().isoformat()
    for path in (f"/v3/stats?start_date={today}", f"/v3/categories/stats?categories=news&start_date={today}"):
        metrics = client_of_alice.get(path).json()[0]["stats"][0]["metrics"]
        counted = [metrics[name] for name in ("opens", "unique_opens", "clicks", "unique_clicks")]
        assert counted == [2, 1, 1, 1], path
