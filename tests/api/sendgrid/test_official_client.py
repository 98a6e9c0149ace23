"""The official Python client with another host sends mail over a real socket."""

from __future__ import annotations

import pytest
import python_http_client.exceptions as refused
from sendgrid import SendGridAPIClient
from sendgrid.helpers.mail import Attachment, BatchId, Category, Content, CustomArg, Header, Mail, SendAt, To

from accounts.models import Account
from batches.models import Batch
from batches.states import BatchStatus
from foundation.clock import database_now
from mailer.models import Mail as StoredMail
from tests.api.conftest import ApiClient
from tests.examples import further


@pytest.fixture
def sendgrid(client_of_alice: ApiClient, server_url: str) -> SendGridAPIClient:
    """Return an official client with a key of Alice."""
    return SendGridAPIClient(client_of_alice.key_text, host=server_url)


def helper_mail(**changes: object) -> Mail:
    return Mail(
        from_email=("from_address@example.com", "From, Name"),
        to_emails=[To("john@example.com", "John"), To("jane@example.com")],
        subject="Hello",
        plain_text_content="text",
        html_content="<p>text</p>",
        is_multiple=True,
    )


@further
def test_a_scheduled_batch_is_stopped_and_resumed(sendgrid: SendGridAPIClient) -> None:
    made = sendgrid.client.mail.batch.post()
    assert made.status_code == 201
    batch_id = made.to_dict["batch_id"]
    assert sendgrid.client.mail.batch._(batch_id).get().status_code == 200

    mail = helper_mail()
    mail.send_at = SendAt(int(database_now().timestamp()) + 3600)
    mail.batch_id = BatchId(batch_id)
    sent = sendgrid.send(mail)
    assert (sent.status_code, sent.body) == (202, b"")
    assert sent.headers["X-Message-Id"] == StoredMail.objects.get().public_id

    sends = sendgrid.client.user.scheduled_sends
    stopped = sends.post(request_body={"batch_id": batch_id, "status": "cancel"})
    assert stopped.status_code == 201
    assert stopped.headers["X-Sluice-Settled"] == "true"
    assert sends._(batch_id).get().to_dict == [{"batch_id": batch_id, "status": "cancel"}]
    assert sends.get().to_dict == [{"batch_id": batch_id, "status": "cancel"}]
    assert sends._(batch_id).patch(request_body={"status": "pause"}).status_code == 204
    assert Batch.objects.get(public_id=batch_id).status == BatchStatus.PAUSED
    assert sends._(batch_id).delete().status_code == 204
    assert Batch.objects.get(public_id=batch_id).status == BatchStatus.OPEN


def test_helper_mail_with_everything_is_accepted(sendgrid: SendGridAPIClient) -> None:
    mail = helper_mail()
    mail.add_attachment(Attachment("aGVsbG8=", "hello.txt", "text/plain", "attachment", "cid"))
    mail.add_category(Category("news"))
    mail.add_custom_arg(CustomArg("k", "v"))
    mail.add_header(Header("X-Test", "1"))
    mail.add_content(Content("text/calendar", "BEGIN:VCALENDAR"))
    mail.reply_to = "reply@example.com"
    assert sendgrid.send(mail).status_code == 202
    stored = StoredMail.objects.get()
    assert stored.sender_name == "From, Name"
    assert [part["type"] for part in stored.content] == ["text/plain", "text/html", "text/calendar"]


def test_an_invalid_address_raises_the_clients_documented_error(sendgrid: SendGridAPIClient) -> None:
    body = helper_mail().get() | {"personalizations": [{"to": [{"email": "nobody"}]}]}
    with pytest.raises(refused.BadRequestsError) as caught:
        sendgrid.client.mail.send.post(request_body=body)
    (error,) = caught.value.to_dict["errors"]
    assert list(error) == ["message", "field", "help"]
    assert error["message"] == "Does not contain a valid address."


def test_invalid_keys_raise_the_clients_documented_error(server_url: str) -> None:
    client = SendGridAPIClient("SG.unknown", host=server_url).client
    with pytest.raises(refused.UnauthorizedError):
        client.mail.send.post(request_body=helper_mail().get())
    with pytest.raises(refused.UnauthorizedError):
        client.scopes.get()
    with pytest.raises(refused.NotFoundError):
        client.no.such.thing.get()


def test_client_acts_for_a_subuser(client_of_alice: ApiClient, subuser: Account, server_url: str) -> None:
    sendgrid = SendGridAPIClient(client_of_alice.key_text, host=server_url, impersonate_subuser=subuser.username)
    batch_id = sendgrid.client.mail.batch.post().to_dict["batch_id"]
    assert Batch.objects.get(public_id=batch_id).account == subuser
    stranger = SendGridAPIClient(client_of_alice.key_text, host=server_url, impersonate_subuser="nobody")
    with pytest.raises(refused.ForbiddenError):
        stranger.client.mail.batch.post()


def test_keys_are_created_and_revoked(sendgrid: SendGridAPIClient, server_url: str) -> None:
    made = sendgrid.client.api_keys.post(request_body={"name": "second", "scopes": ["mail.send"]}).to_dict
    second = SendGridAPIClient(made["api_key"], host=server_url)
    assert second.client.scopes.get().to_dict == {"scopes": ["mail.send"]}
    assert sendgrid.client.api_keys._(made["api_key_id"]).delete().status_code == 204
    with pytest.raises(refused.UnauthorizedError):
        second.client.scopes.get()


@further
def test_every_operation_of_templates_succeeds(sendgrid: SendGridAPIClient) -> None:
    templates = sendgrid.client.templates
    made = templates.post(request_body={"name": "Welcome", "generation": "dynamic"})
    template_id = made.to_dict["id"]
    template = templates._(template_id)
    body = {"name": "First", "subject": "Hello {{name}}", "html_content": "<p>Hi {{name}}</p>"}
    first, second = (template.versions.post(request_body=body) for _ in range(2))
    version = template.versions._(second.to_dict["id"])
    answers = [
        (made, 201),
        (first, 201),
        (version.get(), 200),
        (version.patch(request_body={"subject": "Goodbye {{name}}"}), 200),
        (version.activate.post(), 200),
        (template.get(), 200),
        (template.patch(request_body={"name": "Goodbye"}), 200),
        (templates.get(query_params={"generations": "legacy,dynamic", "page_size": 18}), 200),
        (template.post(request_body={"name": "Copy"}), 201),
    ]
    assert [answer.status_code for answer, _ in answers] == [status for _, status in answers]
    activated, shown, listed, copied = (answers[n][0].to_dict for n in (4, 5, 7, 8))
    assert (activated["active"], activated["subject"]) == (1, "Goodbye {{name}}")
    assert [each["active"] for each in shown["versions"]] == [1, 0]
    assert [each["name"] for each in listed["result"]] == ["Goodbye"]
    assert [each["subject"] for each in copied["versions"]] == ["Goodbye {{name}}", "Hello {{name}}"]
    with pytest.raises(refused.BadRequestsError) as caught:
        version.patch(request_body={"html_content": "{{#each items}}"})
    (error,) = caught.value.to_dict["errors"]
    assert (error["field"], "line 1, column" in error["message"]) == ("html_content", True)
    assert version.delete().status_code == 204
    assert template.delete().status_code == 204
    with pytest.raises(refused.NotFoundError):
        template.get()


@further
def test_every_operation_of_designs_succeeds(sendgrid: SendGridAPIClient) -> None:
    designs = sendgrid.client.designs
    made = designs.post(request_body={"name": "News", "html_content": "<p>Hi</p>"})
    design = designs._(made.to_dict["id"])
    answers = [
        (made, 201),
        (design.get(), 200),
        (design.patch(request_body={"subject": "Hello"}), 200),
        (design.post(request_body={"name": "Copy"}), 201),
        (designs.get(query_params={"page_size": 100, "summary": "true"}), 200),
        (designs._("pre-builts").get(), 200),
    ]
    assert [answer.status_code for answer, _ in answers] == [status for _, status in answers]
    assert [each["name"] for each in answers[4][0].to_dict["result"]] == ["Copy", "News"]
    assert answers[5][0].to_dict["result"] == []
    for call in (designs._("pre-builts")._(made.to_dict["id"]).get, designs._("pre-builts")._("x").post):
        with pytest.raises(refused.NotFoundError):
            call()
    assert design.delete().status_code == 204
