"""Every request within the OpenAPI document, or near it, is answered as the document says and never with a 5xx.

Schemathesis makes the requests from the document and sends them to the WSGI application. Many requests get ids of
objects that exist, since a random id only ever leads to a 404. `CONFORMANCE_EXAMPLES=500` runs longer.
"""

from __future__ import annotations

import datetime as dt
import json
import os
from collections import defaultdict
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from accounts.keys import create_key
from accounts.models import Account
from api.document import document_text
from api.sendgrid.contactdb.recipient_ids import recipient_id
from api.sendgrid.fields.ids import write_field_id
from audience.contacts import list_contacts
from audience.drafts import make_draft
from audience.fields import create_field
from audience.jobs.deletions import begin_deletion
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
from batches.stop.begin import stop_batch
from campaigns import testing
from campaigns.senders import list_senders
from campaigns.states import CampaignStatus
from foundation.clock import database_now
from mailer.models import Message, SuppressionKind
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.deliver import Deliverer
from mailer.suppressions.groups import create_group
from mailer.suppressions.lists import New, leave_group, suppress
from tests.api.conftest import ApiClient
from tests.api.sendgrid.test_fuzz import bent_bodies
from tests.campaigns.building import campaign_in
from tests.drafts import draft

EXAMPLES = int(os.environ.get("CONFORMANCE_EXAMPLES", "2"))
LATER = dt.datetime(2100, 1, 1, 12, tzinfo=dt.UTC)
CALLS: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
"""The calls of the document, by tag."""
for _path, _item in json.loads(document_text())["paths"].items():
    for _method, _call in _item.items():
        CALLS[_call["tags"][0]].append((_method.upper(), _path))
PARTS = 8
"""The number of groups of tags. Each group shares a database, which takes longer to empty than most calls take."""
CHECKS = (
    *("not_a_server_error", "status_code_conformance", "content_type_conformance"),
    *("response_headers_conformance", "response_schema_conformance"),
)
MAIL_SEND = "/v3/mail/send"
Ids = dict[str, list[Any]]


def strict(piece: Any) -> Any:
    """Return a copy in which every object has the named fields only, so that an undescribed field is found.

    This applies to our answers only. The document itself does not promise it, since an answer may get new fields at any
    time.
    """
    if isinstance(piece, list):
        return [strict(each) for each in piece]
    if not isinstance(piece, dict):
        return piece
    copy = {key: strict(value) for key, value in piece.items()}
    return {"additionalProperties": False, **copy} if isinstance(piece.get("properties"), dict) else copy


def strict_document() -> Any:
    document = json.loads(document_text())
    for item in document["paths"].values():
        for call in item.values():
            call["responses"] = strict(call["responses"])
    # From the types of a mail Schemathesis makes huge ones, a second each; the dialect's own fuzz test has better ones.
    mail = document["paths"][MAIL_SEND]["post"]["requestBody"]["content"]["application/json"]
    mail["schema"] = {"type": "object", "maxProperties": 1}
    schemas = document["components"]["schemas"]
    names = named_in([call["responses"] for item in document["paths"].values() for call in item.values()], schemas)
    document["components"]["schemas"] = schemas | {name: strict(schemas[name]) for name in names}
    return document


def named_in(piece: Any, schemas: Any) -> set[str]:
    """Return the components that a part of the document refers to, directly or not."""
    names: set[str] = set()
    waiting = [piece]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict) and "$ref" in each:
            name = each["$ref"].rpartition("/")[2]
            if name not in names:
                names.add(name)
                waiting.append(schemas[name])
        elif isinstance(each, dict | list):
            waiting += each.values() if isinstance(each, dict) else each
    return names


@pytest.fixture(scope="module")
def schema() -> Any:
    # Imported here, or every run of any test would wait a second for it.
    import schemathesis

    schema = schemathesis.openapi.from_dict(strict_document())
    schema.app = WSGIHandler()
    return schema


@pytest.fixture
def ids(alice: Account, deliverer: Deliverer, monkeypatch: pytest.MonkeyPatch) -> Ids:
    """Create objects of Alice and her subuser; tests of campaigns do not wait for their delivery."""
    monkeypatch.setattr(testing, "WAIT_SECONDS", 0.0)
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
    campaigns = [campaign_in(alice, CampaignStatus(status)) for status in (0, 0, 1, 3)]
    single_sends = [str(campaign.uuid) for campaign in campaigns]
    receipts = list(Receipt.objects.values_list("public_id", flat=True))
    audience = audience_of(alice)
    return {
        "batch_id": [batch.public_id for batch in batches],
        "message_id": messages,
        "receipt_id": receipts,
        "key_id": [other_key.key_id],
        "group_id": list(map(str, groups)),
        "email": ["a@example.com", "b@example.com"],
        "campaign_id": [each for campaign in campaigns for each in (campaign.pk, str(campaign.uuid))],
        "single_send_id": single_sends,
        "ids": [[each] for each in single_sends],
        "singlesend_ids": [single_sends],
        "template_id": single_sends,
        "sender_id": [campaign.sender_id for campaign in campaigns],
        **audience,
        "scopes": [["mail.send"]],
        "after": [batches[0].public_id, *receipts, *messages],
        "On-Behalf-Of": ["alice-shop"],
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
        "query": ["pet = 'dog'"],
        "query_dsl": ["pet = 'dog'"],
        "conditions": [written],
        "field_mappings": [["_rf2_T"]],
        "user_time_zone": ["Europe/Berlin"],
    }


@pytest.mark.parametrize("tags", [list(CALLS)[part::PARTS] for part in range(PARTS)], ids=" + ".join)
def test_calls_answer_as_described(tags: list[str], schema: Any, ids: Ids, client_of_alice: ApiClient) -> None:
    for method, path in (call for tag in tags for call in CALLS[tag]):
        ask_often(schema, method, path, ids=ids, key_text=client_of_alice.key_text)


def ask_often(schema: Any, method: str, path: str, *, ids: Ids, key_text: str) -> None:
    """Send many requests of one call; a failure shows a curl command that repeats it."""
    from schemathesis import GenerationMode
    from schemathesis.generation.feedback import NO_FEEDBACK

    # Without feedback, which would be constants found in whatever modules happen to be loaded.
    good, bad = (schema[path][method].as_strategy(mode, feedback=NO_FEEDBACK) for mode in GenerationMode)
    headers = {"Authorization": f"Bearer {key_text}"}

    @seed(7)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=good | bad, data=st.data())
    def ask(case: Any, data: st.DataObject) -> None:
        if path == MAIL_SEND and isinstance(case.body, dict):
            case.body = data.draw(bent_bodies())
        for part in (case.path_parameters, case.query, case.headers, case.body):
            put_ids(part, ids, data)
        for name in ("On-Behalf-Of", "Idempotency-Key"):
            if data.draw(st.integers(0, 3)):
                case.headers.pop(name, None)
        case.call_and_validate(headers=headers, checks=checks())

    ask()


def checks() -> list[Any]:
    """Return Schemathesis's checks of single answers."""
    from schemathesis import checks

    checks.load_all_checks()
    return [checks.CHECKS.get_one(name) for name in CHECKS]


def put_ids(part: Any, ids: Ids, data: st.DataObject) -> None:
    """Replace half of the ids by those of objects that exist, of the right kind or of another."""
    if isinstance(part, dict):
        for name in part.keys() & ids.keys():
            if data.draw(st.booleans()):
                part[name] = data.draw(st.sampled_from(ids[name]))
