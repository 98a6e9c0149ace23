"""Fields that are declared to have no effect change neither the mail nor the stored rows of a call.

The fields of mail/send have separate tests.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from django.db import models

from api.without_effect import steps_of
from audience.models import Contact, Job
from audience.query.conditions import And
from audience.segments import create_segment
from campaigns import testing
from content.templates import find_active_content
from mailer.models import Mail, Message, UnsubscribeGroup
from tests.api.conftest import ApiClient
from tests.api.described_fields import DECLARED
from tests.api.easymail.calls import made
from tests.api.sendgrid.bodies import mail_body
from tests.campaigns.building import add_sender

ADA = "ada@example.com"
CONTENT = {"subject": "News", "html_content": "<p>Hello</p><a href='[unsubscribe]'>leave</a>"}
ALWAYS_DIFFERENT = {"id", "public_id", "uuid", "mail_id", "batch_id", "created_at", "updated_at", "uploaded_at"}
VALUES: dict[str, Any] = {
    "editor": "design",
    "categories": ["news"],
    "ip_pool": "main",
    "email_config.editor": "design",
    "email_config.ip_pool": "main",
    "notifications": {"email": True},
    "user_time_zone": "Europe/Berlin",
    "language": "de",
    "is_public": False,
    "enabled": True,
    "account_status_change": True,
    "spam_report": True,
    "email": "eve@example.com",
    "landing": "<p>Goodbye</p>",
    "url": "https://example.com/leave",
}
"""Values of fields; all read-only fields of a legacy recipient have the same."""
NUMBERS = count()


def stored(*kinds: type[models.Model]) -> Any:
    """Return all rows of some models but for ids and times, and remove them."""
    rows = [row for kind in kinds for row in kind._default_manager.values()]
    for kind in kinds:
        kind._default_manager.all().delete()
    return [{name: value for name, value in row.items() if name not in ALWAYS_DIFFERENT} for row in rows]


def answer_of(answer: Any) -> Any:
    assert answer.status_code < 300, answer.content
    return answer.json() if answer.content else None


def named_parts(client: ApiClient) -> dict[str, Any]:
    group, _ = UnsubscribeGroup.objects.get_or_create(account=client.account, name="news")
    return {"sender_id": add_sender(client.account).pk, "suppression_group_id": group.pk}


def mail_of_campaign(client: ApiClient, fields: dict[str, Any]) -> Any:
    body = {"title": "May", **CONTENT, **named_parts(client), **fields}
    number = answer_of(client.post("/v3/campaigns", body))["id"]
    answer_of(client.post(f"/v3/campaigns/{number}/schedules/test", {"to": ADA}))
    return stored(Message, Mail)


def mail_of_single_send(client: ApiClient, fields: dict[str, Any]) -> Any:
    return mail_of_config(client, {**CONTENT, **named_parts(client), **fields.get("email_config", {})})


def mail_of_config(client: ApiClient, config: dict[str, Any]) -> Any:
    """Return the test mail of a Single Send."""
    uuid = answer_of(client.post("/v3/marketing/singlesends", {"name": "May", "email_config": config}))["id"]
    body = {"template_id": uuid, "emails": [ADA], "sender_id": config["sender_id"]}
    answer_of(client.post("/v3/marketing/test/send_email", body))
    return stored(Message, Mail)


def stored_recipient(client: ApiClient, fields: dict[str, Any]) -> Any:
    answer = answer_of(client.post("/v3/contactdb/recipients", [{"email": ADA, **fields}]))
    assert answer["error_count"] == 0
    return stored(Contact)


def stored_export(client: ApiClient, fields: dict[str, Any]) -> Any:
    answer_of(client.post("/v3/marketing/contacts/exports", fields))
    return stored(Job)


def refreshed_segment(client: ApiClient, fields: dict[str, Any]) -> Any:
    """Return a refreshed segment; the required time zone is UTC unless the fields have one."""
    segment = create_segment(client.account, f"All {next(NUMBERS)}", And(()), dialect="sgql", written="")
    segment.refresh_from_db()
    path = f"/v3/marketing/segments/2.0/refresh/{segment.uuid}"
    answer_of(client.post(path, {"user_time_zone": "UTC", **fields}))
    segment.refresh_from_db()
    return [segment.contact_count]


def mail_of_easymail_campaign(client: ApiClient, fields: dict[str, Any]) -> Any:
    """Return the test mail of a campaign; the call is refused because nothing delivers, but the mail is stored."""
    uuid = made(client)["uuid"]
    client.post(f"/api/v1/campaigns/{uuid}/test", {"email": ADA, **fields})
    return stored(Message, Mail)


def mail_to_easymail_list(client: ApiClient, fields: dict[str, Any]) -> Any:
    body = {"name": f"News {next(NUMBERS)}", **fields}
    uuid = answer_of(client.post("/api/v1/lists", body))["data"]["uuid"]
    client.post(f"/api/v1/campaigns/{made(client, list_uuid=uuid)['uuid']}/test", {"email": ADA})
    return stored(Message, Mail)


def content_of_template(client: ApiClient, fields: dict[str, Any]) -> Any:
    template = answer_of(client.post("/v3/templates", {"name": "May"}))["id"]
    answer_of(client.post(f"/v3/templates/{template}/versions", {"name": "First", **CONTENT, **fields}))
    content = find_active_content(client.account, template)
    return [content.subject, content.html, content.plain]


def mail_with_setting(path: str, **others: Any) -> Callable[[ApiClient, dict[str, Any]], Any]:
    """Return a function that changes a setting and returns the mail that is then accepted."""

    def mail_of_setting(client: ApiClient, fields: dict[str, Any]) -> Any:
        answer_of(client.patch(f"/v3/{path}", {"enabled": True, **others, **fields}))
        answer_of(client.post("/v3/mail/send", mail_body()))
        return stored(Message, Mail)

    return mail_of_setting


def mail_with_webhook(client: ApiClient, fields: dict[str, Any]) -> Any:
    url = f"https://example.com/{next(NUMBERS)}"
    answer_of(client.post("/v3/user/webhooks/event/settings", {"url": url, **fields}))
    answer_of(client.post("/v3/mail/send", mail_body()))
    return stored(Message, Mail)


def content_of_design(client: ApiClient, fields: dict[str, Any]) -> Any:
    design = answer_of(client.post("/v3/designs", {**CONTENT, **fields}))["id"]
    return sent_with_design(client, design)


def content_of_copy(client: ApiClient, fields: dict[str, Any]) -> Any:
    design = answer_of(client.post("/v3/designs", CONTENT))["id"]
    return sent_with_design(client, answer_of(client.post(f"/v3/designs/{design}", fields))["id"])


def sent_with_design(client: ApiClient, design: str) -> Any:
    return mail_of_config(client, {"design_id": design, **named_parts(client)})


RESULTS: dict[str, Callable[[ApiClient, dict[str, Any]], Any]] = {
    "create_campaign": mail_of_campaign,
    "create_single_send": mail_of_single_send,
    "create_design": content_of_design,
    "duplicate_design": content_of_copy,
    "create_template_version": content_of_template,
    "create_recipients": stored_recipient,
    "export_contacts": stored_export,
    "refresh_segment": refreshed_segment,
    "change_forward_bounce": mail_with_setting("mail_settings/forward_bounce", enabled=False, email=ADA),
    "change_subscription_tracking": mail_with_setting("tracking_settings/subscription"),
    "create_event_webhook": mail_with_webhook,
    "easymail_test_campaign": mail_of_easymail_campaign,
    "easymail_create_list": mail_to_easymail_list,
}
"""The result of the first call of each declaration, as a function; the other calls have the same reader."""


@pytest.mark.large
def test_a_field_without_effect_does_not_change_the_result_of_a_call(
    client_of_alice: ApiClient, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.IP_POOLS = frozenset({"main"})
    monkeypatch.setattr(testing, "WAIT_SECONDS", 0.0)
    for declared in DECLARED:
        if declared.calls == ("send_mail",):
            continue
        result_of = RESULTS[declared.calls[0]]
        for path in declared.paths:
            *steps, name = steps_of(path.removeprefix("[]."))
            fields: dict[str, Any] = {name: VALUES.get(path, 7)}
            for step in reversed(steps):
                fields = {step: fields}
            result = result_of(client_of_alice, fields)
            assert result, path
            assert result == result_of(client_of_alice, {}), path
