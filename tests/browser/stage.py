"""Fill a running stack with an object of each kind, so that each page of the console has something to show.

It runs inside the stack's environment: `manage.py shell -c "from tests.browser.stage import fill; fill()"`. Mail that
has to be accepted by a worker, refused or held comes through the API instead (`site.py`).
"""

from __future__ import annotations

import datetime as dt
import json

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.utils import timezone
from django_celery_beat.models import ClockedSchedule, SolarSchedule

from accounts.keys import create_key
from accounts.models import Account
from audience.fields import create_field
from audience.models import FieldType
from audience.query.sgql import read_query
from audience.query.vocabulary import vocabulary_of
from audience.segments import create_segment
from campaigns.lifecycle import cancel_campaign, pause_campaign, schedule_campaign, send_now
from campaigns.models import AccountTerms
from content.settings import change_setting
from events.models import Dialect, Endpoint
from events.webhooks.endpoints import create_endpoint
from tests.audience.jobs.jobs_done import done, uploaded
from tests.campaigns.building import add_sender, ready_campaign
from tests.content.building import design_of, template_of, version_of
from tests.events.deliveries import store_deliveries

ACCOUNT = "shop"
HOUR = dt.timedelta(hours=1)


def fill() -> None:
    """Create everything, and print `{"api_key": …}`."""
    account = Account.objects.create(username=ACCOUNT)
    Account.objects.create(username="shop-newsletter", parent=account)
    _, key = create_key(account, "order service")
    make_campaigns(account)
    make_audience(account)
    make_content(account)
    make_endpoints(account)
    AccountTerms.objects.create(account=account, rate_per_minute=600)
    add_sender(account, is_verified=False)
    ClockedSchedule.objects.create(clocked_time=timezone.now() + HOUR)
    SolarSchedule.objects.create(event="sunrise", latitude=0, longitude=0)
    make_history()
    print(json.dumps({"api_key": key}))  # noqa: T201


def make_campaigns(account: Account) -> None:
    """Create a campaign in each state that lasts."""
    ready_campaign(account, title="A draft of the news")
    at = timezone.now() + HOUR
    for title in ("The news of tomorrow", "A cancelled campaign"):
        campaign = schedule_campaign(account, ready_campaign(account, title=title).pk, at)
    cancel_campaign(account, campaign.pk, actor="olga", reason="Sent twice")
    # Spread over an hour, so that both are still being sent when the pages are opened.
    for title in ("A slow campaign", "A paused campaign"):
        campaign = send_now(account, ready_campaign(account, title=title, spread_seconds=3600).pk)
    pause_campaign(account, campaign.pk, actor="olga", reason="The price is wrong")


def make_audience(account: Account) -> None:
    """Create a field, a segment, and an import with a rejected row. Contacts and lists come with the campaigns."""
    create_field(account, "points", FieldType.NUMBER)
    query = "email like 'r%'"
    create_segment(account, "readers", read_query(query, vocabulary_of(account)), dialect="sgql", written=query)
    done(uploaded(account, b"address\nann@example.com\nnot an address\n"))


def make_content(account: Account) -> None:
    """Create a template with two versions, a design and settings of mail."""
    template = template_of(account)
    version_of(template, is_active=True)
    version_of(template, name="Second")
    design_of(account)
    change_setting(account, "footer", {"enabled": True, "html_content": "<p>Shop</p>", "plain_content": "Shop"})


def make_endpoints(account: Account) -> None:
    """Create an endpoint that fails and one that is disabled, with deliveries. No worker posts to their addresses."""
    for number in range(2):
        endpoint = create_endpoint(account, Dialect.NATIVE, f"https://127.0.0.1/{number}", is_enabled=not number)
        store_deliveries(endpoint, 2)
    Endpoint.objects.filter(is_enabled=True).update(failing_since=timezone.now() - HOUR)
    reason = "It has failed for 3 days. Last: the response was 500."
    Endpoint.objects.filter(is_enabled=False).update(disabled_at=timezone.now(), disabled_reason=reason)


def make_history() -> None:
    """Note a change, so that the history of an operator has an entry."""
    user = User.objects.get()
    LogEntry.objects.create(user=user, object_id=user.pk, object_repr=str(user), action_flag=CHANGE, content_type=None)
