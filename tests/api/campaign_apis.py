"""Define the APIs with campaigns as one journey needs them: each makes the same moves with different calls."""

from __future__ import annotations

import abc
import datetime as dt
from html import escape
from typing import Any, ClassVar, NamedTuple

from audience.jobs.run import run_job
from audience.models import Job
from campaigns.senders import vouch_for_sender
from mailer.models import UnsubscribeGroup
from tests.api.conftest import ApiClient
from tests.api.soap.envelopes import PARTNER, Reply, envelope, perform, post, user
from tests.campaigns.building import add_sender

SUBJECT = "News"
HTML = "<p>Hello</p>"
SENDER = {
    "nickname": "news",
    "from": {"email": "news@example.com", "name": "News"},
    "reply_to": {"email": "answers@example.com"},
    "address": "1 Street",
    "city": "Town",
    "country": "Land",
}


class StopCounts(NamedTuple):
    """The counts that the answer to a stop gives: whether they are final, and how many messages were sent."""

    is_settled: bool
    sent: int


class CampaignApi(abc.ABC):
    """A client of one API with one campaign, whose primary key or public id is `key`."""

    missing_steps: ClassVar[frozenset[str]] = frozenset()
    """The steps of the journey that this API does not have."""
    key: dict[str, Any]

    def __init__(self, client: ApiClient) -> None:
        self.client = client

    @abc.abstractmethod
    def create_audience(self, emails: list[str]) -> None:
        """Create a list of these contacts and a verified sender."""

    @abc.abstractmethod
    def create(self) -> None:
        """Create a campaign to the list, as a draft where the API has drafts."""

    @abc.abstractmethod
    def schedule(self, at: dt.datetime) -> None:
        """Schedule the campaign for a time in whole seconds."""

    @abc.abstractmethod
    def unschedule(self) -> None:
        """Turn the campaign back into a draft."""

    @abc.abstractmethod
    def launch(self) -> None:
        """Send the campaign now."""

    @abc.abstractmethod
    def cancel(self) -> StopCounts:
        """Cancel the campaign while it is being sent."""

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.client.ask(method, path, body)
        assert 200 <= answer.status_code < 300, (method, path, answer.status_code, answer.content)
        return answer

    def group(self) -> int:
        return UnsubscribeGroup.objects.create(account=self.client.account, name="news").pk

    def verify(self, sender_id: int) -> int:
        """Verify a sender as an operator who vouches for its address."""
        return vouch_for_sender(self.client.account, sender_id).pk


def counts_in_headers(answer: Any) -> StopCounts:
    return StopCounts(answer["X-Sluice-Settled"] == "true", int(answer["X-Sluice-Sent"]))


class Legacy(CampaignApi):
    """SendGrid's legacy campaigns, which are cancelled by deleting them."""

    def create_audience(self, emails: list[str]) -> None:
        self.list = self.ask("POST", "/v3/contactdb/lists", {"name": "customers"}).json()["id"]
        stored = self.ask("POST", "/v3/contactdb/recipients", [{"email": email} for email in emails]).json()
        self.ask("POST", f"/v3/contactdb/lists/{self.list}/recipients", stored["persisted_recipients"])
        self.sender = self.verify(self.ask("POST", "/v3/senders", SENDER).json()["id"])

    def create(self) -> None:
        body = {
            "title": "May",
            "subject": SUBJECT,
            "sender_id": self.sender,
            "list_ids": [self.list],
            "html_content": f"{HTML}<a href='[unsubscribe]'>leave</a>",
            "suppression_group_id": self.group(),
        }
        number = self.ask("POST", "/v3/campaigns", body).json()["id"]
        self.key, self.path = {"pk": number}, f"/v3/campaigns/{number}"

    def schedule(self, at: dt.datetime) -> None:
        self.ask("POST", f"{self.path}/schedules", {"send_at": int(at.timestamp())})

    def unschedule(self) -> None:
        self.ask("DELETE", f"{self.path}/schedules")

    def launch(self) -> None:
        self.ask("POST", f"{self.path}/schedules/now")

    def cancel(self) -> StopCounts:
        return counts_in_headers(self.ask("DELETE", self.path))


class SingleSends(CampaignApi):
    """SendGrid's Single Sends, which are cancelled by deleting them."""

    def create_audience(self, emails: list[str]) -> None:
        self.list = self.ask("POST", "/v3/marketing/lists", {"name": "customers"}).json()["id"]
        contacts = [{"email": email} for email in emails]
        self.ask("PUT", "/v3/marketing/contacts", {"list_ids": [self.list], "contacts": contacts})
        for job in Job.objects.all():
            run_job(job.pk, seconds=60)
        self.sender = self.verify(self.ask("POST", "/v3/marketing/senders", SENDER).json()["id"])

    def create(self) -> None:
        parts = {"sender_id": self.sender, "suppression_group_id": self.group()}
        body = {
            "name": "May",
            "send_to": {"list_ids": [self.list]},
            "email_config": {"subject": SUBJECT, "html_content": HTML, **parts},
        }
        uuid = self.ask("POST", "/v3/marketing/singlesends", body).json()["id"]
        self.key, self.path = {"uuid": uuid}, f"/v3/marketing/singlesends/{uuid}"

    def schedule(self, at: dt.datetime) -> None:
        self.ask("PUT", f"{self.path}/schedule", {"send_at": at.strftime("%Y-%m-%dT%H:%M:%SZ")})

    def unschedule(self) -> None:
        self.ask("DELETE", f"{self.path}/schedule")

    def launch(self) -> None:
        self.ask("PUT", f"{self.path}/schedule", {"send_at": "now"})

    def cancel(self) -> StopCounts:
        return counts_in_headers(self.ask("DELETE", self.path))


class Easymail(CampaignApi):
    """Easymail's campaigns. Their identities come from the core, since Easymail creates them on its pages."""

    missing_steps = frozenset({"a sender"})

    def create_audience(self, emails: list[str]) -> None:
        self.list = self.ask("POST", "/api/v1/lists", {"name": "customers"}).json()["data"]["uuid"]
        for email in emails:
            self.ask("POST", "/api/v1/contacts", {"email": email, "contact_lists": [self.list]})
        add_sender(self.client.account)
        self.identity = self.ask("GET", "/api/v1/sender-identities").json()["data"][0]["uuid"]

    def create(self) -> None:
        body = {
            "name": "May",
            "subject": SUBJECT,
            "content": "Hello",
            "from_name": "News",
            "from_identity": self.identity,
            "list_uuid": self.list,
        }
        uuid = self.ask("POST", "/api/v1/campaigns", body).json()["data"]["uuid"]
        self.key, self.path = {"uuid": uuid}, f"/api/v1/campaigns/{uuid}"

    def schedule(self, at: dt.datetime) -> None:
        self.ask("POST", f"{self.path}/schedule", {"scheduled_at": at.strftime("%Y-%m-%dT%H:%M:%SZ")})

    def unschedule(self) -> None:
        self.ask("POST", f"{self.path}/unschedule")

    def launch(self) -> None:
        self.ask("POST", f"{self.path}/send")

    def cancel(self) -> StopCounts:
        return counts_in_headers(self.ask("POST", f"{self.path}/cancel"))


class Soap(CampaignApi):
    """Marketing Cloud's sends, which are created with a time and recipients and are never drafts."""

    missing_steps = frozenset({"a sender", "draft", "unschedule"})

    def create_audience(self, emails: list[str]) -> None:
        add_sender(self.client.account)
        self.group()
        subscribers = (f"<Subscribers><EmailAddress>{email}</EmailAddress></Subscribers>" for email in emails)
        self.audience = f"<List>{''.join(subscribers)}</List>"

    def create(self) -> None:
        text = escape(f"{HTML}<a href='[unsubscribe]'>leave</a>")
        self.email = f"<Email><HTMLBody>{text}</HTMLBody><Subject>{SUBJECT}</Subject></Email>"

    def schedule(self, at: dt.datetime) -> None:
        self._send(f"<SendDate>{at.strftime('%Y-%m-%dT%H:%M:%SZ')}</SendDate>")

    def unschedule(self) -> None:
        raise NotImplementedError

    def launch(self) -> None:
        self._send("")

    def _send(self, date: str) -> None:
        address = "<FromAddress>news@example.com</FromAddress>"
        send = f'<Objects xsi:type="Send">{self.email}{self.audience}{date}{address}</Objects>'
        made = self._call(f'<CreateRequest xmlns="{PARTNER}">{send}</CreateRequest>')
        self.key = {"pk": int(made.text("p:NewID"))}

    def cancel(self) -> StopCounts:
        reply = self._call(perform("cancel", self.key["pk"]))
        return StopCounts(reply.headers["X-Sluice-Settled"] == "true", int(reply.headers["X-Sluice-Sent"]))

    def _call(self, body: str) -> Reply:
        reply = post(envelope(body, user(self.client.account.username, self.client.key_text)))
        assert reply.overall == "OK", reply.content
        return reply
