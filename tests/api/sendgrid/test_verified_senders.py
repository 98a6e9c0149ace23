"""Test verified senders, which are the senders of campaigns in another form."""

from __future__ import annotations

from typing import Any

from accounts.models import Account
from campaigns.editing import create_campaign
from campaigns.models import Sender
from campaigns.senders import verification_link
from foundation.clock import Now
from mailer.models import Mail
from tests.api.conftest import ApiClient, NewClient
from tests.examples import further

PATH = "/v3/verified_senders"
WHOLE = {
    "nickname": "Orders",
    "from_email": "orders@example.com",
    "from_name": "Example Orders",
    "reply_to": "reply@example.com",
    "reply_to_name": "Replies",
    "address": "1 Street",
    "address2": "Door 2",
    "state": "NW",
    "city": "Bonn",
    "zip": "53111",
    "country": "Germany",
}


def created(client: ApiClient, **changes: Any) -> Any:
    answer = client.post(PATH, WHOLE | changes)
    assert answer.status_code == 201, answer.content
    return answer.json()


def problems_of(answer: Any) -> tuple[int, list[Any]]:
    return answer.status_code, answer.json()["errors"]


def test_a_sender_is_created_changed_verified_by_its_token_and_deleted(client_of_alice: ApiClient) -> None:
    ask = client_of_alice.ask
    sender = created(client_of_alice)
    assert sender == {"id": sender["id"], **WHOLE, "verified": False, "locked": False}
    assert ask("GET", PATH).json() == {"results": [sender]}
    changed = ask("PATCH", f"{PATH}/{sender['id']}", {"nickname": "Shop", "address2": None})
    assert (changed.status_code, changed.json()) == (200, {**sender, "nickname": "Shop", "address2": ""})
    assert ask("POST", f"{PATH}/resend/{sender['id']}").status_code == 204
    assert Mail.objects.count() == 2
    token = verification_link(Sender.objects.get()).rpartition("/")[2]
    for _ in range(2):
        assert ask("GET", f"{PATH}/verify/{token}").status_code == 204
    assert ask("GET", PATH).json()["results"][0]["verified"] is True
    assert problems_of(ask("POST", f"{PATH}/resend/{sender['id']}")) == (
        400,
        [{"message": "The Sender Identity is already verified.  No email sent.", "error_id": "sender_verified"}],
    )
    assert ask("DELETE", f"{PATH}/{sender['id']}").status_code == 204
    unknown = [{"message": "resource not found", "error_id": "unknown_sender"}]
    for method, path in (("PATCH", ""), ("DELETE", ""), ("POST", "/resend")):
        assert problems_of(ask(method, f"{PATH}{path}/{sender['id']}", {})) == (404, unknown)


def test_a_sender_needs_less_here_than_in_the_other_apis(client_of_alice: ApiClient) -> None:
    least = {name: WHOLE[name] for name in ("nickname", "from_email", "reply_to")}
    answer = client_of_alice.post(PATH, least)
    assert (answer.status_code, answer.json()["city"]) == (201, "")
    number = answer.json()["id"]
    assert client_of_alice.patch(f"{PATH}/{number}", {"from_name": "", "city": "Bonn"}).status_code == 200
    status, problems = problems_of(client_of_alice.post(PATH, {}))
    assert (status, [problem["field"] for problem in problems]) == (400, list(least))
    assert client_of_alice.patch(f"/v3/senders/{number}", {"from": {"name": ""}}).status_code == 400


def test_wrong_values_are_refused_by_name(client_of_alice: ApiClient) -> None:
    created(client_of_alice)
    wrong: list[tuple[dict[str, Any], str, str]] = [
        ({"nickname": 7}, "nickname", "nickname must be a string."),
        ({"from_email": "nobody"}, "from_email", "From email is not a valid email address."),
        ({"nickname": "orders"}, "nickname", "You already have a sender identity with the same nickname."),
        ({"nickname": "x", "city": "a\nb"}, "city", "city is not valid."),
    ]
    for changes, field, text in wrong:
        status, problems = problems_of(client_of_alice.post(PATH, WHOLE | changes))
        assert (status, [(each["field"], each["message"]) for each in problems]) == (400, [(field, text)])


def test_a_sender_of_a_campaign_is_locked(alice: Account, client_of_alice: ApiClient) -> None:
    number = created(client_of_alice)["id"]
    create_campaign(alice, {"title": "May", "sender": number})
    assert client_of_alice.get(PATH).json()["results"][0]["locked"] is True
    for method in ("PATCH", "DELETE"):
        status, (problem,) = problems_of(client_of_alice.ask(method, f"{PATH}/{number}", {"nickname": "x"}))
        assert (status, problem["error_id"]) == (403, "sender_locked")


@further
def test_the_list_has_pages_by_the_last_id(client_of_alice: ApiClient) -> None:
    numbers = [created(client_of_alice, nickname=name, from_email=f"{name}@example.com")["id"] for name in "abc"]

    def listed(query: str) -> list[int]:
        return [each["id"] for each in client_of_alice.get(f"{PATH}?{query}").json()["results"]]

    assert listed("limit=2") == numbers[:2]
    assert listed(f"limit=2&lastSeenID={numbers[1]}") == numbers[2:]
    assert listed(f"id={numbers[1]}") == [numbers[1]]
    assert listed("id=0") == []
    assert client_of_alice.get(f"{PATH}?limit=x").status_code == 400


def test_a_token_of_another_account_verifies_nothing(client_of_alice: ApiClient, client_of_charlie: ApiClient) -> None:
    created(client_of_alice)
    token = verification_link(Sender.objects.get()).rpartition("/")[2]
    for text in (token, f"{token}x", "x" * 60):
        status, problems = problems_of(client_of_charlie.get(f"{PATH}/verify/{text}"))
        assert (status, problems) == (404, [{"message": "resource not found", "error_id": "unknown_link"}])
    assert Sender.objects.get().verified_at is None


def test_domains_and_steps_tell_what_a_sender_needs(client_of_alice: ApiClient, settings: Any) -> None:
    settings.VERIFIED_DOMAINS = frozenset()
    domains = client_of_alice.get(f"{PATH}/domains").json()["results"]
    assert "gmail.com" in domains["soft_failures"]
    assert "yahoo.com" in domains["hard_failures"]

    def steps() -> Any:
        return client_of_alice.get(f"{PATH}/steps_completed").json()

    created(client_of_alice)
    assert steps() == {"results": {"sender_verified": False, "domain_verified": False}}
    Sender.objects.update(verified_at=Now())
    settings.VERIFIED_DOMAINS = frozenset({"example.com"})
    assert steps() == {"results": {"sender_verified": True, "domain_verified": True}}


def test_scopes_of_sender_authentication_or_campaigns_are_needed(alice: Account, new_client: NewClient) -> None:
    for scope in ("whitelabel.read", "marketing.read", "marketing_campaigns.read"):
        reader = new_client(alice, [scope])
        assert reader.get(PATH).status_code == 200
        assert [reader.post(PATH, WHOLE).status_code, reader.get(f"{PATH}/verify/{'x' * 60}").status_code] == [403, 403]
    assert new_client(alice, ["mail.send"]).get(PATH).status_code == 403
