"""Test the pages behind the link in a mail: only its holder may unsubscribe."""

from __future__ import annotations

import re
from itertools import product
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from accounts import rates
from accounts.models import Account
from batches.handles import default_batch
from mailer import tasks
from mailer.draft import Address, Personalization
from mailer.models import (
    CounterDelta,
    EventKind,
    Mail,
    Measure,
    Message,
    Series,
    Suppression,
    SuppressionKind,
    UnsubscribeGroup,
)
from mailer.pipeline.deliver import Deliverer
from mailer.queries import states_of
from mailer.suppressions import leaving, own_link
from mailer.suppressions.groups import create_group, delete_group
from mailer.suppressions.links import Link, seal
from mailer.suppressions.lists import leave_everything, leave_group
from tests.examples import further
from tests.mailer.suppressions.conftest import Send
from tests.outcomes import stored_events
from tests.peer import CountingPeer

ANN = "ann@example.com"
SEVERAL = Personalization(to=(Address(ANN), Address("bob@example.com")), bcc=(Address("Eve@example.com"),))
Left = set[tuple[str, str, str | None]]


@pytest.fixture(autouse=True)
def tasks_run_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the task that mails a link where it is published."""
    monkeypatch.setattr(own_link, "publish", lambda task, args, *, queue: [tasks.mail_own_link(*args)])


@pytest.fixture
def browser() -> Client:
    """Return a browser that sends cookies and is subject to the CSRF check."""
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def path(alice: Account, news: UnsubscribeGroup, send: Send) -> str:
    """Return the path of the link in a mail of News to Ann."""
    send(ANN, unsubscribe_group=news.pk)
    return f"/u/{token_for(alice, news.pk)}"


@pytest.fixture
def path_of_several(alice: Account, news: UnsubscribeGroup, send: Send) -> str:
    """Return the path of the link in a mail of News to three recipients."""
    send(SEVERAL, unsubscribe_group=news.pk)
    return f"/u/{token_for(alice, news.pk, address='')}"


def token_for(account: Account, group_id: int, *, address: str = ANN) -> str:
    return seal(Link(account.pk, group_id, Message.objects.values_list("pk", flat=True).latest("pk"), address))


def suppressed() -> Left:
    """Return account, address and kind or group of each suppression."""
    rows = Suppression.objects.values_list("account__username", "email", "kind", "group__name")
    return {(account, email, group or SuppressionKind(kind).label) for account, email, kind, group in rows}


def text_of(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<style>.*?</style>|<[^>]+>", " ", answer.content.decode(), flags=re.DOTALL))


def test_viewing_the_page_changes_nothing(browser: Client, path: str) -> None:
    for method in ("get", "head"):
        for page in ("", "/all", "/preferences", "/"):
            answer = getattr(browser, method)(path + page)
            assert answer.status_code == 200
            assert not answer.cookies
            assert "no-store" in answer["Cache-Control"]
            assert answer["Referrer-Policy"] == "no-referrer"
            assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert suppressed() == set()
    assert "Unsubscribe from News?" in text_of(browser.get(path))


def test_the_button_unsubscribes_from_the_group(browser: Client, path: str, alice: Account) -> None:
    answer = browser.post(path, {"leave": ""})
    assert answer.status_code == 200
    assert "You are unsubscribed" in text_of(answer)
    assert suppressed() == {("alice", ANN, "News")}
    suppression = Suppression.objects.get()
    assert suppression.batch == default_batch(alice)
    assert suppression.message_id == Message.objects.get().pk


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=b"])
def test_a_mail_program_unsubscribes_with_one_click(kind: str, browser: Client, path: str) -> None:
    """RFC 8058 section 3.2 allows two forms of the body, and requires neither cookie nor redirect."""
    multipart = b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n'
    body = multipart if kind.startswith("multipart") else b"List-Unsubscribe=One-Click"
    assert browser.post(path, body, content_type=kind).status_code == 200
    assert suppressed() == {("alice", ANN, "News")}


def test_unsubscribing_twice_changes_nothing_and_can_be_undone(browser: Client, path: str) -> None:
    for _ in range(2):
        browser.post(path, {"leave": ""})
    assert Suppression.objects.count() == 1
    assert "subscribed again" in text_of(browser.post(path, {"return": ""}))
    assert suppressed() == set()


def test_a_recipient_can_unsubscribe_globally(browser: Client, path: str) -> None:
    assert "from all our e-mail?" in text_of(browser.get(f"{path}/all"))
    browser.post(f"{path}/all", {"leave": ""})
    assert suppressed() == {("alice", ANN, "global")}
    browser.post(f"{path}/all", {"return": ""})
    assert suppressed() == set()


def test_every_change_of_a_list_is_an_event_of_the_message(
    browser: Client, path: str, alice: Account, send: Send, news: UnsubscribeGroup
) -> None:
    browser.get(path)
    browser.post(f"{path}/preferences", {"save": "", "shown": str(news.pk), "group": str(news.pk)})
    assert stored_events(EventKind.UNSUBSCRIBED) == [], "nothing was left"
    for page, button in (
        *(("", "leave"), ("", "leave"), ("/all", "leave"), ("/all", "return"), ("/all", "return")),
        *(("", "return"), ("", "return"), ("", "leave")),
    ):
        browser.post(path + page, {button: ""})
    unsubscribed, resubscribed = EventKind.UNSUBSCRIBED, EventKind.RESUBSCRIBED
    of_group, of_all = SuppressionKind.GROUP, SuppressionKind.GLOBAL
    expected = [
        (unsubscribed, of_group),
        (unsubscribed, of_all),
        (resubscribed, of_all),
        (resubscribed, of_group),
        (unsubscribed, of_group),
    ]
    events = stored_events(unsubscribed, resubscribed)
    assert [(event.kind, event.suppression) for event in events] == expected
    assert {(event.recipient, event.fence) for event in events} == {(ANN, 0)}
    counted = CounterDelta.objects.filter(series=Series.ACCOUNT).values_list("measure", "n")
    assert {(Measure.UNSUBSCRIBED, 3), (Measure.RESUBSCRIBED, 2)} <= set(counted)
    (message_id,) = {event.message_id for event in events}
    assert states_of([message_id]) == {message_id: "due"}
    send(ANN, unsubscribe_group=news.pk)
    browser.post(f"/u/{token_for(alice, news.pk)}", {"leave": ""})
    assert len(stored_events(unsubscribed)) == 4, "the first of another message"


def test_a_message_has_a_bounded_number_of_such_events(
    browser: Client, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaving, "MOST_CHANGES", 3)
    for button in ("leave", "return") * 3:
        browser.post(path, {button: ""})
    assert len(stored_events(EventKind.UNSUBSCRIBED, EventKind.RESUBSCRIBED)) == 3


def test_choosing_other_groups_leaves_an_event(browser: Client, path: str, news: UnsubscribeGroup) -> None:
    browser.post(f"{path}/preferences", {"save": "", "shown": str(news.pk)})
    browser.post(f"{path}/preferences", {"save": "", "everything": ""})
    browser.post(f"{path}/preferences", {"save": "", "shown": str(news.pk), "group": str(news.pk)})
    expected = [
        (EventKind.UNSUBSCRIBED, SuppressionKind.GROUP),
        (EventKind.UNSUBSCRIBED, SuppressionKind.GLOBAL),
        (EventKind.RESUBSCRIBED, SuppressionKind.GROUP),
        (EventKind.RESUBSCRIBED, SuppressionKind.GLOBAL),
    ]
    assert [(event.kind, event.suppression) for event in stored_events(*leaving.CHANGES)] == expected


def test_a_recipient_who_unsubscribed_by_the_link_gets_no_more_mail(
    browser: Client, news: UnsubscribeGroup, send: Send, peer: CountingPeer, deliverer: Deliverer
) -> None:
    """The link comes from the mail that the peer received."""
    send(ANN, "bob@example.com", unsubscribe_group=news.pk)
    deliverer.deliver_due(seconds=10)
    mail = next(taken.data for taken in peer.ledger if taken.recipient == ANN)
    match = re.search(rb"^List-Unsubscribe: <http://localhost:8000(/u/[\w-]+)>\r$", mail, re.MULTILINE)
    assert match
    browser.post(match[1].decode(), {"List-Unsubscribe": "One-Click"})
    peer.ledger.clear()
    send(ANN, "bob@example.com", unsubscribe_group=news.pk)
    deliverer.deliver_due(seconds=10)
    assert peer.recipients == ["bob@example.com"]


def test_unsubscribing_from_a_deleted_group_is_global(
    browser: Client, path: str, alice: Account, news: UnsubscribeGroup
) -> None:
    delete_group(alice, news.pk)
    browser.post(path, {"List-Unsubscribe": "One-Click"})
    assert suppressed() == {("alice", ANN, "global")}


def test_a_link_works_when_the_mails_history_is_over(browser: Client, path: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("delete from mailer_message; delete from mailer_mail; delete from batches_parcel")
    for page in ("", "/all", "/preferences"):
        assert browser.get(path + page).status_code == 200
    browser.post(path, {"List-Unsubscribe": "One-Click"})
    assert suppressed() == {("alice", ANN, "News")}
    assert Suppression.objects.get().batch is None


def test_a_forged_link_is_a_404_without_an_effect(browser: Client, path: str, settings: Any) -> None:
    token, pages = path.removeprefix("/u/"), ("", "/all", "/preferences")
    for bad in ("x", "x" * 43, "x" * 700, token[:-3], token[::-1], f"{token}AAAA", "%00" * 50, "é" * 50, "x" * 100_000):
        for page in pages:
            for answer in (browser.get(f"/u/{bad}{page}"), browser.post(f"/u/{bad}{page}", {"leave": "", "save": ""})):
                assert answer.status_code == 404, (bad[:9], page)
    settings.SECRET_KEY = "another key, of thirty-two characters"
    for page in pages:
        assert browser.post(path + page, {"leave": "", "save": ""}).status_code == 404, page
    assert suppressed() == set()


def test_a_link_unsubscribes_from_mail_of_its_account_only(
    browser: Client, path: str, alice: Account, charlie: Account
) -> None:
    """Charlie has a group of the same name, and his mail still arrives. A link of a deleted account is invalid."""
    create_group(charlie, name="News", description="x")
    browser.post(path, {"leave": "", "group": "1", "account": str(charlie.pk), "address": "bob@example.com"})
    assert suppressed() == {("alice", ANN, "News")}
    link_of_deleted_account = seal(Link(charlie.pk + 1000, 0, 1, ANN))
    assert browser.post(f"/u/{link_of_deleted_account}", {"leave": ""}).status_code == 404


def test_another_accounts_group_in_a_link_is_no_group(
    browser: Client, path: str, alice: Account, charlie: Account
) -> None:
    other = create_group(charlie, name="Other", description="x")
    browser.post(f"/u/{token_for(alice, other.pk)}", {"leave": ""})
    assert suppressed() == {("alice", ANN, "global")}


def own_links() -> list[tuple[str, str]]:
    """Return recipient and path of each link that was mailed by itself, oldest first."""
    mails = Mail.objects.filter(subject="Your link to unsubscribe").order_by("pk")
    texts = [(Message.objects.get(mail_id=mail.pk).recipient, mail.content[0]["value"]) for mail in mails]
    return [(recipient, re.findall(r"http://localhost:8000(/u/\S+)", text)[0]) for recipient, text in texts]


@pytest.mark.parametrize("page", ["", "/all", "/preferences"])
def test_one_of_several_recipients_is_mailed_a_personal_link(page: str, browser: Client, path_of_several: str) -> None:
    question = browser.get(path_of_several + page)
    assert "What is your address?" in text_of(question)
    assert b"example.com" not in question.content, "nobody learns the addresses of others"
    browser.post(path_of_several + page, {"leave": "", "save": "", "everything": "", "address": " EVE@example.com "})
    assert suppressed() == set()
    ((recipient, path),) = own_links()
    assert (recipient, path.endswith(page)) == ("eve@example.com", True)
    browser.post(path, {"leave": "", "save": "", "everything": "on"})
    assert {email for _, email, _ in suppressed()} == {"eve@example.com"}


def test_the_page_does_not_reveal_bcc_recipients(browser: Client, path_of_several: str) -> None:
    """Every address gets the same answer, and only recipients of the message are mailed."""
    answers = {
        text_of(browser.post(path_of_several, {"address": email})).replace(email, "ADDRESS")
        for email in (ANN, "eve@example.com", "mallory@example.com")
    }
    assert len(answers) == 1
    assert [recipient for recipient, _ in own_links()] == [ANN, "eve@example.com"]
    assert suppressed() == set()


MALFORMED = ("", "x", "\0@x", "a" * 5000 + "@x", "ann@example.com,\r\nbob@example.com")


def test_a_malformed_address_is_refused(browser: Client, path_of_several: str) -> None:
    for page, address in product(("", "/all", "/preferences"), MALFORMED):
        answer = browser.post(path_of_several + page, {"leave": "", "save": "", "everything": "", "address": address})
        assert answer.status_code == 400, (page, address[:9])
        assert "enter a complete e-mail address" in text_of(answer)
    assert suppressed() == set()
    assert own_links() == []


def test_an_address_is_mailed_three_links_an_hour_and_a_message_has_twenty(
    browser: Client, path_of_several: str
) -> None:
    statuses = [browser.post(path_of_several, {"address": ANN}).status_code for _ in range(21)]
    assert statuses == [200] * 20 + [429]
    assert [recipient for recipient, _ in own_links()] == [ANN] * 3


def test_the_throttle_holds_without_redis(
    browser: Client, path_of_several: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rates, "_away_until", float("inf"))
    monkeypatch.setattr(rates, "_own_places", {})
    for _ in range(4):
        browser.post(path_of_several, {"address": ANN})
    assert [recipient for recipient, _ in own_links()] == [ANN] * 3


def test_one_click_for_a_mail_to_several_has_no_effect(browser: Client, path_of_several: str) -> None:
    assert browser.post(path_of_several, {"List-Unsubscribe": "One-Click"}).status_code == 400
    assert suppressed() == set()
    assert own_links() == []


def test_preferences_are_kept_for_each_group(
    browser: Client, path: str, alice: Account, news: UnsubscribeGroup
) -> None:
    offers = create_group(alice, name="Offers", description="<b>now & then</b>")
    hints = create_group(alice, name="Hints", description="Daily")
    leave_group(alice, hints.pk, [ANN])
    page = browser.get(f"{path}/preferences").content.decode()
    assert "&lt;b&gt;now &amp; then" in page
    assert re.findall(r'name="group" value="(\d+)"( checked)?', page) == [
        (str(news.pk), " checked"),
        (str(offers.pk), " checked"),
        (str(hints.pk), ""),
    ]
    shown = [news.pk, offers.pk, hints.pk]
    assert "Saved." in text_of(browser.post(f"{path}/preferences", {"save": "", "shown": shown, "group": [hints.pk]}))
    assert suppressed() == {("alice", ANN, "News"), ("alice", ANN, "Offers")}
    browser.post(f"{path}/preferences", {"save": "", "shown": shown, "group": shown, "everything": "on"})
    assert suppressed() == {("alice", ANN, "global")}
    assert re.search(r'name="everything" checked', browser.get(f"{path}/preferences").content.decode())
    browser.post(f"{path}/preferences", {"save": "", "shown": shown, "group": shown})
    assert suppressed() == set()


def test_a_group_that_was_not_shown_is_not_changed(
    browser: Client, path: str, alice: Account, news: UnsubscribeGroup
) -> None:
    create_group(alice, name="New since", description="x")
    browser.post(f"{path}/preferences", {"save": "", "shown": [news.pk]})
    assert suppressed() == {("alice", ANN, "News")}


def test_only_saving_changes_preferences(browser: Client, path: str, alice: Account) -> None:
    leave_everything(alice, [ANN])
    bodies: list[dict[str, str]] = [{}, {"List-Unsubscribe": "One-Click"}, {"leave": ""}]
    for body in bodies:
        browser.post(f"{path}/preferences", body)
        assert suppressed() == {("alice", ANN, "global")}, body


@further
def test_malformed_ids_are_ignored(browser: Client, path: str) -> None:
    for text in ("x", "-1", "9" * 5000, "٣", "1e3", ""):
        answer = browser.post(f"{path}/preferences", {"save": "", "shown": text, "group": text})
        assert answer.status_code == 200, text[:9]
        assert suppressed() == set(), text[:9]


@further
def test_a_mail_names_the_groups_that_its_page_offers(
    browser: Client, alice: Account, news: UnsubscribeGroup, send: Send
) -> None:
    made = [create_group(alice, name=f"Group {n}", description="x") for n in range(30)]
    send(ANN, unsubscribe_group=made[4].pk, groups_to_display=(made[2].pk, made[7].pk))
    page = browser.get(f"/u/{token_for(alice, made[4].pk)}/preferences").content.decode()
    assert re.findall(r'name="group" value="(\d+)"', page) == [str(made[n].pk) for n in (4, 2, 7)]
    send(ANN, unsubscribe_group=made[29].pk)
    page = browser.get(f"/u/{token_for(alice, made[29].pk)}/preferences").content.decode()
    shown = re.findall(r'name="group" value="(\d+)"', page)
    assert (len(shown), shown[0]) == (25, str(made[29].pk))


def test_other_methods_are_refused(browser: Client, path: str) -> None:
    for method in ("put", "delete", "patch"):
        assert getattr(browser, method)(path).status_code == 405
    assert suppressed() == set()


@further
def test_a_huge_form_is_refused(browser: Client, path: str) -> None:
    answer = browser.post(path, {"leave": "x" * 6_000_000})
    assert answer.status_code == 400
    many = "&".join(f"a{n}=1" for n in range(2000)).encode()
    answer = browser.post(path, many, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 400
