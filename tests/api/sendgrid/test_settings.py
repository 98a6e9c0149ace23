"""Mail settings and tracking settings: PATCH changes the given parts, and GET returns what is stored."""

from __future__ import annotations

from typing import Any

from accounts.models import Account
from content.settings import DEFAULTS
from tests.api.conftest import ApiClient, NewClient

WORDS = {"html_content": "<p>Leave: <% here %></p>", "plain_content": "Leave: <% %>"}
PATHS: dict[str, tuple[str, Any]] = {
    "mail_settings/address_whitelist": ("address_whitelist", {"list": ["a@example.com", "example.org"]}),
    "mail_settings/bounce_purge": ("bounce_purge", {"soft_bounces": 5, "hard_bounces": None}),
    "mail_settings/footer": ("footer", {"html_content": "<p>Bye</p>"}),
    "mail_settings/forward_bounce": ("forward_bounce", {"email": "a@example.com"}),
    "mail_settings/forward_spam": ("forward_spam", {"email": "a@example.com,b@example.com"}),
    "mail_settings/template": ("template", {"html_content": "<i><% body %></i>"}),
    "tracking_settings/click": ("click", {}),
    "tracking_settings/google_analytics": ("google_analytics", {"utm_source": "news", "utm_term": "x"}),
    "tracking_settings/open": ("open", {}),
    "tracking_settings/subscription": (
        "subscription",
        {**WORDS, "landing": "<p>Bye</p>", "replace": "[leave]", "url": "https://example.com/leave"},
    ),
}
"""The name of each setting in the core, and parts that a PATCH changes."""


def test_each_setting_is_changed_in_parts(client_of_alice: ApiClient, client_of_charlie: ApiClient, step: int) -> None:
    for path, (name, parts) in list(PATHS.items())[::step]:
        expected = DEFAULTS[name]
        assert client_of_alice.get(f"/v3/{path}").json() == expected, path
        for changes in (parts, {"enabled": True, "unknown": 1}, {}):
            answer = client_of_alice.patch(f"/v3/{path}", changes)
            expected = expected | {part: value for part, value in changes.items() if part != "unknown"}
            assert (answer.status_code, answer.json()) == (200, expected), path
        assert client_of_alice.get(f"/v3/{path}/").json() == expected, path
        assert client_of_charlie.get(f"/v3/{path}").json() == DEFAULTS[name], path


def test_the_lists_show_which_settings_are_enabled(client_of_alice: ApiClient) -> None:
    client_of_alice.patch("/v3/mail_settings/footer", {"enabled": True})
    client_of_alice.patch("/v3/tracking_settings/subscription", {"enabled": True})
    for group, enabled in (("mail_settings", "footer"), ("tracking_settings", "subscription")):
        result = client_of_alice.get(f"/v3/{group}").json()["result"]
        assert {f"{group}/{entry['name']}" for entry in result} == {path for path in PATHS if path.startswith(group)}
        assert [entry["name"] for entry in result if entry["enabled"]] == [enabled]
        assert all(entry["title"] and entry["description"] for entry in result)
    result = client_of_alice.get("/v3/mail_settings?limit=2&offset=1").json()["result"]
    assert [entry["name"] for entry in result] == ["bounce_purge", "footer"]
    assert client_of_alice.get("/v3/mail_settings?offset=9").json() == {"result": []}
    assert client_of_alice.get("/v3/mail_settings?limit=0").status_code == 400


def test_the_effect_is_written_with_the_setting(alice: Account, client_of_alice: ApiClient) -> None:
    client_of_alice.patch("/v3/tracking_settings/subscription", {"enabled": True, **WORDS, "replace": "[leave]"})
    alice.refresh_from_db()
    assert alice.mail_defaults == {
        "subscription": {"text": WORDS["plain_content"], "html": WORDS["html_content"], "tag": "[leave]"}
    }


WRONG: list[tuple[str, Any, str, str]] = [
    ("mail_settings/footer", {"enabled": "yes"}, "enabled", "enabled must be a boolean"),
    ("mail_settings/footer", {"html_content": None}, "html_content", "html_content must be a string"),
    ("mail_settings/footer", {"plain_content": "x" * 70_000}, "plain_content", "may not exceed 65,536 bytes"),
    ("mail_settings/footer", {"plain_content": "\a"}, "plain_content", "holds U+0007"),
    ("mail_settings/address_whitelist", {"list": "a.example"}, "list", "list must be an array of strings"),
    ("mail_settings/address_whitelist", {"list": ["a.example", 1]}, "list", "list must be an array of strings"),
    ("mail_settings/address_whitelist", {"list": ["a.b"] * 1001}, "list", "list is limited to 1000"),
    ("mail_settings/address_whitelist", {"list": ["a b"]}, "list[0]", "must be an email address or a domain"),
    ("mail_settings/bounce_purge", {"soft_bounces": True}, "soft_bounces", "soft_bounces must be an integer"),
    ("mail_settings/bounce_purge", {"hard_bounces": -1}, "hard_bounces", "from 1 to 3,650"),
    ("mail_settings/template", {"enabled": True, "html_content": "x"}, "html_content", "<% body %>"),
    ("mail_settings/forward_bounce", {"email": "nobody"}, "email", "email must be an email address"),
    ("mail_settings/forward_spam", {"enabled": True}, "email", "email is required"),
    ("tracking_settings/subscription", {"url": "javascript:x"}, "url", "url must be an http or https address"),
    ("tracking_settings/google_analytics", {"utm_term": ["x"]}, "utm_term", "utm_term must be a string"),
]


def test_wrong_values_are_refused_by_name(client_of_alice: ApiClient) -> None:
    for path, body, field, text in WRONG:
        answer = client_of_alice.patch(f"/v3/{path}", body)
        (problem,) = answer.json()["errors"]
        assert (answer.status_code, problem["field"]) == (400, field), path
        assert text in problem["message"], path
    for body in (b"", b"[]", b"{"):
        assert client_of_alice.patch("/v3/mail_settings/footer", body).status_code == 400


def test_each_setting_has_its_scopes(alice: Account, new_client: NewClient) -> None:
    for path in PATHS:
        group = path.replace("/", ".")
        reader, writer = (new_client(alice, [f"{group}.{verb}"]) for verb in ("read", "update"))
        for method, body in (("GET", None), ("PATCH", {})):
            statuses = [client.ask(method, f"/v3/{path}", body).status_code for client in (reader, writer)]
            assert statuses == ([200, 403] if method == "GET" else [403, 200]), path
    reader = new_client(alice, ["mail_settings.read"])
    assert [reader.get(f"/v3/{group}").status_code for group in ("mail_settings", "tracking_settings")] == [200, 403]
    assert reader.get("/v3/mail_settings/footer").status_code == 403


def test_a_parent_changes_the_settings_of_a_subuser(
    client_of_alice: ApiClient, subuser: Account, alice: Account
) -> None:
    headers = {"On-Behalf-Of": subuser.username}
    footer = {"enabled": True, "plain_content": "Bye"}
    assert client_of_alice.patch("/v3/mail_settings/footer", footer, headers=headers).status_code == 200
    for account, defaults in ((subuser, {"footer": {"text": "Bye", "html": ""}}), (alice, None)):
        account.refresh_from_db()
        assert account.mail_defaults == defaults
