"""Every page of the console takes few statements, also for an operator for whom nothing is kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import LazySettings
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, SolarSchedule

from accounts.models import Account
from batches.claims import Claimer
from batches.handles import create_batch
from batches.models import Batch, Parcel, Receipt
from batches.states import BatchStatus, ParcelState
from batches.stop.control import stop_batch
from batches.stop.freeze import freeze_account
from config.roles import ADMINISTRATOR
from console import header
from content.models import Template
from foundation.clock import database_now
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.deliver import Deliverer
from mailer.pipeline.rescue import rescue_parcel
from tests.browser.site import make_inbox
from tests.browser.stage import ACCOUNT, fill
from tests.campaigns.building import run_fleet
from tests.drafts import draft
from tests.examples import few_by_default
from tests.mailer.claimed import claim_and_look
from tests.operators import logged_in
from tests.peer import CountingPeer
from tests.urls import PARAMETER, admin_routes

MOST = 12
"""The statements of a page, its live part and its header, together with those for the session and the operator."""
SEVERAL = {"batches_batch_change", "campaigns_campaign_change", "in_hand", "stop"}
"""The pages that differ most with what they show. They are read for several objects or queries."""
EXPENSIVE = SEVERAL | {
    "accounts_account_change",
    "accounts_apikey_stop",
    "audience_contact_change",
    "campaigns_campaign_preview",
    "campaigns_campaign_send",
    "mailer_message_change",
    "now",
    "overview",
}
"""The pages with the most to read. They are read in every run."""
OBJECTS_READ = 4
OBJECTS_TRIED = 20
"""A page of one object may be there for some objects only: it is read for the first one that has it."""
SHARED = ("_history", "_delete")
"""The ends of the names of routes whose pages are Django's."""
EXAMPLES = ("auth_group", "content_template")
"""The models whose pages of these kinds are read."""
NOT_READ = {
    "app_list": "has a parameter that is no object; the sidebar has these pages, too",
    "autocomplete": "JSON for a field of a form",
    "bulk_action": "is there after an action; tests/mailer/test_bulk.py reads it",
    "mailer_bulk_action_end": "is there during an action",
    "content_design_preview": "takes POST only",
    "content_templateversion_preview": "takes POST only",
    "content_templateversion_changelist": "leads to the list of templates",
    "login": "redirects operators who are signed in",
    "logout": "takes POST only",
    "thaw_everything": "is there while everything is frozen",
    "view_on_site": "a redirect, which no model has",
}


@pytest.fixture
def stage(
    operator: Client, deliverer: Deliverer, peer: CountingPeer, settings: LazySettings, tmp_path: Path
) -> Iterator[Account]:
    """Create an object of each kind, and mail in every state that a page can show."""
    settings.LOCAL_INBOX = str(make_inbox(tmp_path))
    CrontabSchedule.objects.create()
    fill()
    shop = Account.objects.get(username=ACCOUNT)
    peer.replies.update({"to1@example.com": "550 5.1.1 unknown", "to2@example.com": "451 later"})
    accept_mail(shop, draft(9, batch_id=create_batch(shop).public_id))
    run_fleet(deliverer)
    accept_mail(shop, draft(2, name="held"))
    Parcel.objects.filter(state=ParcelState.DUE, attempts=0).update(state=ParcelState.HELD)
    accept_mail(shop, draft(60, name="doubt", batch_id=create_batch(shop).public_id))
    claim = claim_and_look(Claimer())
    rescue_parcel(claim.parcel_id, claim.fence)
    soon = database_now() + dt.timedelta(minutes=20)
    for number in range(2):
        batch = create_batch(shop)
        accept_mail(shop, draft(5, batch_id=batch.public_id, send_at=soon))
        if number:
            stop_batch(shop, batch.public_id, BatchStatus.PAUSED, actor="a test", allowed_from={BatchStatus.OPEN})
    freeze_account(Account.objects.exclude(pk=shop.pk).get(), actor="a test")
    yield shop
    for schedules in (ClockedSchedule, CrontabSchedule, SolarSchedule):
        schedules.objects.all().delete()


def queries_of(name: str, shop: Account) -> list[str]:
    """Return the queries with which a page that is not about one object is read."""
    in_hand = [f"?account={shop.pk}&why={why}" for why in ("held", "in_doubt")]
    chosen = f"{in_hand[0]}&of=all"
    batch = Batch.objects.filter(account=shop, is_default=False, is_campaign=False).latest("pk")
    of_batch = f"&batch={batch.public_id}"
    return {
        "activity": [f"?account={shop.username}&person=olga&day={database_now():%Y-%m-%d}"],
        "audience_contact_changelist": ["", "?q=r1%40example.com"],
        "batches_batch_changelist": ["", "?q=news"],
        "batches_receipt_changelist": ["", "?q=news"],
        "campaigns_campaign_changelist": ["", "?q=news"],
        "content_templateversion_add": [f"?template={Template.objects.latest('pk').pk}"],
        "failures": ["", f"?account={shop.username}"],
        "in_hand": ["", *in_hand, in_hand[1] + of_batch],
        "in_hand_drop": [chosen],
        "in_hand_replay": [chosen],
        "mailer_message_changelist": ["", f"?state=sent{of_batch}"],
        "mailer_messages_drop": ["?state=held"],
        "mailer_messages_replay": ["?state=held"],
        "mailer_messages_reschedule": ["?state=scheduled"],
        "mailer_messages_stop": ["?state=scheduled"],
        "stop": ["", "?q=news"],
        "stop_question": [f"?action=cancel&mailing=b{batch.pk}"],
        "stop_receipts": [f"?receipts={'.'.join(str(receipt.pk) for receipt in Receipt.objects.all())}"],
    }.get(name, [""])


def addresses_of(name: str, path: str, shop: Account) -> Iterator[str]:
    """Yield the addresses at which a route may have a page."""
    if not PARAMETER.search(path):
        for query in queries_of(name, shop):
            yield path + query
    elif name == "inbox_message":
        yield PARAMETER.sub("1.letter", path)
    else:
        rows = model_of(name)._default_manager.order_by("pk")
        for pk in rows.values_list("pk", flat=True)[: OBJECTS_READ if name in SEVERAL else OBJECTS_TRIED]:
            yield PARAMETER.sub(str(pk), path)


def model_of(name: str) -> type[Model]:
    """Return the model whose objects a route shows, by the beginning of its name."""
    models = {f"{model._meta.app_label}_{model._meta.model_name}": model for model in apps.get_models()}
    return models[max((each for each in models if name.startswith(f"{each}_")), key=len)]


def is_read(name: str) -> bool:
    return name not in NOT_READ and (not name.endswith(SHARED) or name.startswith(EXAMPLES))


def count_statements(client: Client, address: str) -> tuple[int, int]:
    """Return the status of a page, and the number of statements that it took."""
    header._last.set(None)
    with CaptureQueriesContext(connection) as statements:
        status = client.get(address).status_code
    return status, len(statements)


@pytest.mark.parametrize("step", few_by_default([12, 1], 12))
def test_every_page_takes_few_statements(stage: Account, step: int) -> None:
    # A process of the web server reads them when it starts.
    ContentType.objects.get_for_models(*apps.get_models())
    # A superuser has no permissions to be read.
    with logged_in("anna", may=(*ADMINISTRATOR,)) as administrator:
        check_statements(administrator, stage, step)


def check_statements(client: Client, stage: Account, step: int) -> None:
    routes = {name: path for name, path in admin_routes().items() if is_read(name)}
    others = sorted(routes.keys() - EXPENSIVE)
    too_many, unread = [], []
    for name in [*sorted(EXPENSIVE), *others[::step]]:
        statuses = set()
        for address in addresses_of(name, routes[name], stage):
            status, statements = count_statements(client, address)
            statuses.add(status)
            if statements > MOST:
                too_many.append(f"{address}: {statements}")
            if status == 200 and name not in SEVERAL and PARAMETER.search(routes[name]):
                break
        if not statuses & {200, 403, 405}:
            unread.append(f"{name}: {statuses}")
    assert too_many == []
    assert unread == []
