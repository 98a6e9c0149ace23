"""Create objects of each kind that an account has, by the names that the APIs give their ids."""

from __future__ import annotations

import datetime as dt
from typing import Any

from accounts.keys import create_key
from accounts.models import Account
from api.sendgrid.contactdb.recipient_ids import recipient_id
from api.sendgrid.ids import write_field_id
from audience.contacts import list_contacts
from audience.drafts import make_draft
from audience.fields import create_field
from audience.jobs.deletions import begin_deletion
from audience.jobs.event_exports import begin_event_export
from audience.jobs.exports import begin_export
from audience.jobs.imports import begin_import
from audience.lists import create_list
from audience.models import FieldForm, FieldType
from audience.query.legacy_conditions import read_legacy
from audience.query.vocabulary import vocabulary_of
from audience.segments import create_segment
from audience.upsert import upsert_contacts
from batches.handles import create_batch
from batches.models import Receipt
from batches.states import BatchStatus
from batches.stop.control import stop_batch
from campaigns.senders import list_senders
from campaigns.states import CampaignStatus
from events.models import Delivery, Dialect
from events.webhooks.endpoints import create_endpoint
from foundation.clock import database_now
from mailer.models import Mail, Message, SuppressionKind
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.deliver import Deliverer
from mailer.suppressions.groups import create_group
from mailer.suppressions.lists import New, leave_group, suppress
from tests.campaigns.building import campaign_in
from tests.content.building import design_of, template_of, version_of
from tests.drafts import draft

LATER = dt.datetime(2100, 1, 1, 12, tzinfo=dt.UTC)

Ids = dict[str, list[Any]]


def ids_of(alice: Account, deliverer: Deliverer) -> Ids:
    """Create objects of this account and a subuser, and return their ids by the names of parameters."""
    batches = [create_batch(alice) for _ in range(3)]
    for batch in batches:
        accept_mail(alice, draft(3, batch_id=batch.public_id, send_at=LATER))
    for batch, status in zip(batches, (BatchStatus.PAUSED, BatchStatus.CANCELLED), strict=False):
        stop_batch(alice, batch.public_id, status, actor="a test", allowed_from={BatchStatus.OPEN})
    groups = [create_group(alice, name=f"Group {n}", description="x").pk for n in range(6)]
    leave_group(alice, groups[0], ["a@example.com"])
    suppress([New(alice.pk, "a@example.com", kind) for kind in SuppressionKind if kind != SuppressionKind.GROUP])
    other_key, _ = create_key(alice, "another key")
    Account.objects.create(username="alice-shop", parent=alice)
    accept_mail(alice, draft(2, batch_id=batches[2].public_id, send_at=database_now()))
    deliverer.deliver_due(seconds=5)
    messages = [str(pk) for pk in Message.objects.order_by("-pk").values_list("pk", flat=True)[:4]]
    newest = Mail.objects.latest("pk").public_id
    msg_ids = [f"{newest}.{message_id}" for message_id in messages[:2]]
    campaigns = [campaign_in(alice, CampaignStatus(status)) for status in (0, 0, 1, 3)]
    single_sends = [str(campaign.uuid) for campaign in campaigns]
    receipts = list(Receipt.objects.values_list("public_id", flat=True))
    audience, templates = audience_of(alice), templates_of(alice)
    return {
        "batch_id": [batch.public_id for batch in batches],
        "message_id": messages,
        "msg_id": msg_ids,
        "download_uuid": [str(begin_event_export(alice, "").uuid)],
        "receipt_id": receipts,
        "key_id": [other_key.key_id],
        "group_id": list(map(str, groups)),
        "email": ["a@example.com", "b@example.com"],
        "campaign_id": [each for campaign in campaigns for each in (campaign.pk, str(campaign.uuid))],
        "single_send_id": single_sends,
        "ids": [[each] for each in single_sends],
        "singlesend_ids": [single_sends],
        "template_id": [*templates["template_id"], *single_sends],
        "version_id": templates["version_id"],
        "version_id_override": templates["version_id"],
        "design_id": [str(design_of(alice).uuid)],
        "webhook_id": [str(create_endpoint(alice, Dialect.SENDGRID, "https://example.com").public_id)],
        **endpoint_of(alice),
        "sender_id": [campaign.sender_id for campaign in campaigns],
        **audience,
        "scopes": [["mail.send"]],
        "after": [batches[0].public_id, *receipts, *messages],
        "On-Behalf-Of": ["alice-shop"],
    }


def endpoint_of(account: Account) -> Ids:
    """Create an endpoint of the native dialect with a delivery."""
    endpoint = create_endpoint(account, Dialect.NATIVE, "https://example.com")
    delivery = Delivery.objects.create(endpoint=endpoint, lane_number=0, after_place=0, place=1, kinds=-1, events=1)
    return {"endpoint_id": [str(endpoint.public_id)], "delivery_id": [str(delivery.public_id)]}


def templates_of(account: Account) -> Ids:
    """Create a template of each kind, each with two versions."""
    templates = [template_of(account, is_dynamic=is_dynamic) for is_dynamic in (False, True)]
    versions = [version_of(template) for template in templates for _ in range(2)]
    return {
        "template_id": [template.public_id for template in templates],
        "version_id": [str(version.uuid) for version in versions],
    }


def audience_of(account: Account) -> Ids:
    """Create a contact, a list, a segment, a custom field and a job of each kind, with the ids of both APIs."""
    field = create_field(account, "pet", FieldType.TEXT)
    create_field(account, "tags", FieldType.TEXT, form=FieldForm.LIST)
    rows = [make_draft({"email": f"p{n}@example.com"}, {field.pk: "dog"}, fields={field.pk: field}) for n in range(3)]
    news = create_list(account, "News")
    upsert_contacts(account, rows, list_ids=[news.pk])
    contacts = list(list_contacts(account, limit=3))
    written = [{"field": "pet", "operator": "eq", "value": "dog", "and_or": ""}]
    condition = read_legacy(written, vocabulary_of(account))
    dogs = create_segment(account, "Dogs", condition, dialect="legacy", written=written)
    jobs = [begin_import(account, ["email"]), begin_deletion(account, []), begin_export(account)]
    return {
        "list_id": [news.pk, str(news.uuid)],
        "segment_id": [dogs.pk, str(dogs.uuid)],
        "field_id": [field.pk, write_field_id(field)],
        "from_identity": [str(each.uuid) for each in list_senders(account)],
        "list_uuid": [str(news.uuid)],
        "segment_uuid": [str(dogs.uuid)],
        "contact_uuid": [str(each.uuid) for each in contacts],
        "contact_lists": [[str(news.uuid)]],
        "field_key": ["pet", "tags"],
        "scheduled_at": ["2090-01-31T08:30:00Z"],
        "contact_id": [str(each.uuid) for each in contacts],
        "recipient_id": [recipient_id(each) for each in contacts],
        "job_id": [str(job.uuid) for job in jobs],
        "list_ids": [[str(news.uuid)]],
        "parent_list_ids": [str(news.uuid), [str(news.uuid)]],
        "identifier_type": ["email", "external_id"],
        "emails": [["p1@example.com"]],
        "query": ["pet = 'dog'", 'status = "delivered"'],
        "query_dsl": ["pet = 'dog'"],
        "conditions": [written],
        "field_mappings": [["_rf2_T"]],
        "user_time_zone": ["Europe/Berlin"],
    }
