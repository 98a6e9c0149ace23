"""Every call answers ids of another account like ids that do not exist, and changes nothing."""

from __future__ import annotations

import base64
import datetime as dt
import json
import re
from typing import Any
from uuid import UUID

import pytest
from django.apps import apps

from accounts.keys import create_key
from accounts.models import Account
from audience.jobs.event_exports import begin_event_export
from batches.handles import create_batch
from batches.models import Receipt
from batches.states import BatchStatus
from batches.stop.control import stop_batch
from campaigns.states import CampaignStatus
from events.models import Delivery, Dialect
from events.webhooks.endpoints import create_endpoint
from mailer.models import Mail, Message, SuppressionKind
from mailer.pipeline.accept import accept_mail
from mailer.suppressions.groups import create_group
from mailer.suppressions.lists import New, leave_group, suppress
from tests.api.conftest import ApiClient
from tests.api.sendgrid.bodies import mail_body
from tests.api.stored_objects import audience_of, templates_of
from tests.campaigns.building import campaign_in
from tests.content.building import design_of
from tests.drafts import draft
from tests.urls import TEMPLATES, fill_in

Ids = dict[str, str]
ADDRESS = "a@example.com"
LATER = dt.datetime.now(dt.UTC).replace(microsecond=0) + dt.timedelta(days=1)
EMAILS = {"recipient_emails": [ADDRESS]}
UNKNOWN_UUID = str(UUID(int=2**127 + 1))
SCHEDULED = "/v3/user/scheduled_sends"

URL_BODIES: dict[str, Any] = {
    f"PATCH {SCHEDULED}/<batch_id>/": {"status": "cancel"},
    "PUT /v3/api_keys/<key_id>/": {"name": "Mine", "scopes": ["mail.send"]},
    "POST /v3/asm/groups/<group_id>/suppressions/": EMAILS,
    "POST /v3/asm/groups/<group_id>/suppressions/search/": EMAILS,
    "PATCH /v3/campaigns/<campaign_id>/": {"title": "Mine"},
    "POST /v3/campaigns/<campaign_id>/schedules/": {"send_at": int(LATER.timestamp())},
    "PATCH /v3/campaigns/<campaign_id>/schedules/": {"send_at": int(LATER.timestamp())},
    "POST /v3/campaigns/<campaign_id>/schedules/test/": {"to": ADDRESS},
    "PUT /v3/marketing/singlesends/<single_send_id>/schedule/": {"send_at": "now"},
    "DELETE /v3/marketing/contacts/<contact_id>/identifiers/": {
        "identifier_type": "EMAIL",
        "identifier_value": "p0@example.com",
    },
    "POST /v3/contactdb/lists/<list_id>/recipients/": ["cjBAZXhhbXBsZS5jb20="],
    "PATCH /v3/senders/<sender_id>/": {"nickname": "Mine"},
    "PATCH /v3/marketing/senders/<sender_id>/": {"nickname": "Mine"},
    "PATCH /v3/verified_senders/<sender_id>/": {"nickname": "Mine"},
    "POST /v3/marketing/segments/2.0/refresh/<segment_id>/": {"user_time_zone": "Europe/Berlin"},
    "POST /v3/templates/<template_id>/versions/": {"name": "Mine", "subject": "x"},
    "PATCH /v3/user/webhooks/event/settings/signed/<webhook_id>/": {"enabled": True},
    "POST /sluice/v1/endpoints/<endpoint_id>/replay/": {"since": LATER.isoformat()},
    "POST /sluice/v1/batches/<batch_id>/reschedule/": {"send_at": LATER.isoformat()},
    "POST /sluice/v1/messages/<message_id>/reschedule/": {"send_at": LATER.isoformat()},
}
"""Valid bodies. The other URLs get a name or no body."""
BODIES: list[tuple[str, str, Any]] = [
    ("POST", "/v3/mail/send", mail_body(batch_id="<batch_id>")),
    ("POST", "/v3/mail/send", mail_body(asm={"group_id": "<group_id>"})),
    ("POST", "/v3/mail/send", mail_body(asm={"group_id": "<group_id>", "groups_to_display": ["<group_id>"]})),
    ("POST", SCHEDULED, {"batch_id": "<batch_id>", "status": "pause"}),
    ("POST", "/v3/campaigns", {"title": "x", "list_ids": ["<list_id>"]}),
    ("POST", "/v3/campaigns", {"title": "x", "segment_ids": ["<segment_id>"]}),
    ("POST", "/v3/campaigns", {"title": "x", "sender_id": "<sender_id>"}),
    ("POST", "/v3/campaigns", {"title": "x", "suppression_group_id": "<group_id>"}),
    ("POST", "/v3/marketing/singlesends", {"name": "x", "send_to": {"list_ids": ["<list_uuid>"]}}),
    ("POST", "/v3/marketing/singlesends", {"name": "x", "send_to": {"segment_ids": ["<segment_uuid>"]}}),
    ("POST", "/v3/marketing/singlesends", {"name": "x", "email_config": {"sender_id": "<sender_id>"}}),
    ("POST", "/v3/marketing/singlesends", {"name": "x", "email_config": {"suppression_group_id": "<group_id>"}}),
    ("POST", "/v3/marketing/singlesends", {"name": "x", "email_config": {"design_id": "<design_id>"}}),
    (
        "POST",
        "/v3/marketing/test/send_email",
        {"template_id": "<dynamic_template_id>", "emails": [ADDRESS], "from_address": ADDRESS},
    ),
    (
        "POST",
        "/v3/marketing/test/send_email",
        {
            "template_id": "<dynamic_template_id>",
            "version_id_override": "<dynamic_version_id>",
            "emails": [ADDRESS],
            "from_address": ADDRESS,
        },
    ),
    ("DELETE", "/v3/marketing/singlesends?ids=<single_send_id>", None),
    ("PUT", "/v3/marketing/contacts", {"list_ids": ["<list_uuid>"], "contacts": [{"email": ADDRESS}]}),
    ("PUT", "/v3/marketing/contacts/imports", {"list_ids": ["<list_uuid>"], "file_type": "csv", "field_mappings": []}),
    ("POST", "/v3/marketing/contacts/batch", {"ids": ["<contact_uuid>"]}),
    ("POST", "/v3/marketing/contacts/exports", {"list_ids": ["<list_uuid>"]}),
    ("POST", "/v3/marketing/contacts/exports", {"segment_ids": ["<segment_uuid>"]}),
    ("POST", "/v3/contactdb/exports", {"list_ids": ["<list_id>"]}),
    ("POST", "/v3/contactdb/exports", {"segment_ids": ["<segment_id>"]}),
    (
        "POST",
        "/v3/marketing/segments/2.0",
        {"name": "x", "query_dsl": "email = ''", "parent_list_ids": ["<list_uuid>"]},
    ),
    ("GET", "/v3/verified_senders?id=<sender_id>", None),
    ("GET", "/sluice/v1/receipts?batch_id=<batch_id>", None),
]
"""Calls with ids in bodies and queries."""
MISSING = {
    "email": "b@example.com",
    "field_name": "e99_T",
    "dynamic_template_id": "d-" + "9" * 32,
    "recipient_id": base64.urlsafe_b64encode(b"nobody@example.com").decode(),
}
"""Names of objects that do not exist, where a name has a special form."""
NUMBERS = {"group_id", "list_id", "segment_id", "sender_id"}
"""The ids that bodies have as numbers."""
NOTHING = {
    f"GET {SCHEDULED}/<batch_id>/",
    "POST /v3/marketing/contacts/batch",
    "GET /v3/verified_senders?id=<sender_id>",
    "GET /sluice/v1/receipts?batch_id=<batch_id>",
}
"""Calls that answer with an empty list, or do nothing, where the id does not exist."""


@pytest.fixture
def ids(alice: Account) -> Ids:
    """Return an id of each kind of thing that Alice has."""
    batch = create_batch(alice)
    accept_mail(alice, draft(1, batch_id=batch.public_id, send_at=LATER))
    stop_batch(alice, batch.public_id, BatchStatus.PAUSED, actor="a test", allowed_from={BatchStatus.OPEN})
    group = create_group(alice, name="News", description="x")
    leave_group(alice, group.pk, [ADDRESS])
    suppress([New(alice.pk, ADDRESS, kind) for kind in SuppressionKind if kind != SuppressionKind.GROUP])
    campaign = campaign_in(alice, CampaignStatus.DRAFT)
    audience, templates = audience_of(alice), templates_of(alice)
    imported, _, exported = audience["job_id"]
    ids = {
        **{name: values[0] for name, values in audience.items()},
        "batch_id": batch.public_id,
        "key_id": create_key(alice, "x")[0].key_id,
        "group_id": group.pk,
        "campaign_id": campaign.pk,
        "campaign_uuid": campaign.uuid,
        "single_send_id": campaign.uuid,
        "sender_id": campaign.sender_id,
        "receipt_id": Receipt.objects.get().public_id,
        "email": ADDRESS,
        "message_id": Message.objects.get().pk,
        "msg_id": f"{Mail.objects.get().public_id}.{Message.objects.get().pk}",
        "download_uuid": begin_event_export(alice, "").uuid,
        "import_id": imported,
        "export_id": exported,
        "field_name": audience["field_id"][1],
        "template_id": templates["template_id"][0],
        "version_id": templates["version_id"][0],
        "dynamic_template_id": templates["template_id"][1],
        "dynamic_version_id": templates["version_id"][-1],
        "design_id": design_of(alice).uuid,
        "webhook_id": create_endpoint(alice, Dialect.SENDGRID, "https://example.com").public_id,
    }
    endpoint = create_endpoint(alice, Dialect.NATIVE, "https://example.com")
    delivery = Delivery.objects.create(endpoint=endpoint, lane_number=0, after_place=0, place=1, kinds=-1, events=1)
    ids |= {"endpoint_id": endpoint.public_id, "delivery_id": delivery.public_id}
    return {name: str(value) for name, value in ids.items() if not isinstance(value, list)}


def other_than(known: str) -> str:
    """Return an id of the same form that nobody has."""
    if known.isdecimal():
        return "2147480000"
    return UNKNOWN_UUID if len(known) == len(UNKNOWN_UUID) else known[:1] + "9" * (len(known) - 2) + known[-1:]


def ids_in(template: str, ids: Ids) -> Ids:
    """Return the ids by the names of a URL's parameters. Numbers are those of the legacy families."""
    job = "export_id" if "/exports/" in template else "import_id"
    if template.startswith(("/v3/contactdb/", "/v3/campaigns/")):
        return {**ids, "job_id": ids[job]}
    uuids = {f"{kind}_id": ids[f"{kind}_uuid"] for kind in ("campaign", "list", "segment", "contact")}
    return {**ids, **uuids, "job_id": ids[job], "field_id": ids["field_name"]}


def fill_body(body: Any, ids: Ids) -> Any:
    """Return the body with ids for their names."""
    text = json.dumps(body)
    for name, value in ids.items():
        text = text.replace(f'"<{name}>"', value if name in NUMBERS else json.dumps(value))
    return json.loads(text)


def everything_stored() -> Any:
    """Return all rows of the product's tables."""
    labels = ("accounts", "batches", "content", "mailer", "campaigns", "events")
    models = [model for label in labels for model in apps.get_app_config(label).get_models()]
    return {model: list(model._base_manager.order_by("pk").values()) for model in models}


def calls(ids: Ids) -> Any:
    """Yield each call with its method, URL and body, filled in with these ids."""
    for template in TEMPLATES:
        names = ids_in(template, ids)
        if any(f"<{name}>" in template for name in names if name != "identifier_type"):
            for method in ("GET", "PUT", "POST", "PATCH", "DELETE"):
                default = None if template.startswith("/sluice/") or method in {"GET", "DELETE"} else {"name": "Mine"}
                body = URL_BODIES.get(f"{method} {template}", default)
                yield f"{method} {template}", method, fill_in(template, names), body
    for method, url, body in BODIES:
        yield f"{method} {url}", method, fill_in(url, ids), fill_body(body, ids)


def test_ids_of_another_account_are_unknown_in_every_call(ids: Ids, client_of_charlie: ApiClient, step: int) -> None:
    before = everything_stored()
    missing = {name: other_than(value) for name, value in ids.items()} | MISSING
    named = re.compile(rf"\b({'|'.join(map(re.escape, [*ids.values(), *missing.values()]))})\b")
    count = 0
    for (call, method, *known), (_, _, *unknown) in list(zip(calls(ids), calls(missing), strict=True))[::step]:
        foreign = client_of_charlie.ask(method, *known)
        if foreign.status_code == 405:
            continue
        absent = client_of_charlie.ask(method, *unknown)
        answers = [(each.status_code, b"".join(each).decode()) for each in (foreign, absent)]
        answers = [(status, named.sub("ID", text)) for status, text in answers]
        assert answers[0] == answers[1], call
        count += 1
        if call not in NOTHING and "<email>" not in call:
            assert foreign.status_code in {400, 404}, call
    assert count > 100 // step
    assert everything_stored() == before
