"""Test the call POST /v3/mail/send: what is accepted, who may send, and what is stored."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import re
from typing import Any

import pytest
from django.test import Client

from accounts.models import Account
from batches.handles import create_batch
from batches.models import Batch, Parcel
from foundation.clock import database_now
from mailer.models import Mail, Message
from tests.api.conftest import ApiClient, NewClient
from tests.api.sendgrid.bodies import mail_body, personalized

SEND = "/v3/mail/send"
BAD_REQUEST = {"errors": [{"message": "Bad Request", "field": None, "help": None}]}


def in_seconds(seconds: float) -> int:
    return int(database_now().timestamp() + seconds)


def test_accepted_mail_answers_202_with_its_id_and_no_body(client_of_alice: ApiClient) -> None:
    answer = client_of_alice.post(SEND, mail_body())
    assert (answer.status_code, answer.content) == (202, b"")
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer["Content-Length"] == "0"
    assert re.fullmatch(r"[\w-]{22}", answer["X-Message-Id"], re.ASCII)
    mail = Mail.objects.get()
    assert (mail.public_id, mail.account) == (answer["X-Message-Id"], client_of_alice.account)
    assert Message.objects.get().recipient == "john@example.com"


def test_every_field_of_a_mail_is_stored(client_of_alice: ApiClient) -> None:
    batch = create_batch(client_of_alice.account)
    send_at = in_seconds(3600)
    body = mail_body(
        personalizations=[
            {
                "to": [{"email": "john@example.com", "name": "Doe, John"}, {"email": "jane@example.com"}],
                "cc": [{"email": "cc@example.com"}],
                "bcc": [{"email": "bcc@example.com", "name": "B"}],
                "from": {"email": "other@Example.com", "name": "Other"},
                "subject": "Mine -name-",
                "headers": {"X-One": "1"},
                "substitutions": {"-name-": "John"},
                "custom_args": {"id": "1"},
                "send_at": send_at + 60,
            }
        ],
        reply_to={"email": "reply@example.com", "name": "R"},
        attachments=[{"content": "aGk=", "filename": "a, b.txt", "type": "text/plain", "content_id": "c"}],
        headers={"X-All": "yes"},
        categories=["news"],
        custom_args={"campaign": "7"},
        send_at=send_at,
        batch_id=batch.public_id,
    )
    body["from"]["name"] = "Me"
    assert client_of_alice.post(SEND, body).status_code == 202
    mail = Mail.objects.get()
    assert (mail.sender, mail.sender_name, mail.subject) == ("from_address@example.com", "Me", "Hello, World!")
    assert mail.reply_to == [["reply@example.com", "R"]]
    assert mail.attachments[0]["filename"] == "a, b.txt"
    assert (mail.headers, mail.categories, mail.custom_args) == ({"X-All": "yes"}, ["news"], {"campaign": "7"})
    assert (mail.batch, mail.send_at) == (batch, dt.datetime.fromtimestamp(send_at, dt.UTC))
    assert Message.objects.get().personal == {
        "to": [["john@example.com", "Doe, John"], ["jane@example.com", ""]],
        "cc": [["cc@example.com", ""]],
        "bcc": [["bcc@example.com", "B"]],
        "from": ["other@Example.com", "Other"],
        "subject": "Mine -name-",
        "headers": {"X-One": "1"},
        "substitutions": {"-name-": "John"},
        "custom_args": {"id": "1"},
        "send_at": send_at + 60,
    }
    assert Parcel.objects.get().send_at == dt.datetime.fromtimestamp(send_at + 60, dt.UTC)


@pytest.mark.parametrize("field", ["send_at", "sent_at"])
def test_time_is_taken_by_either_name_on_the_mail_and_on_a_personalization(
    field: str, client_of_alice: ApiClient
) -> None:
    at_mail, at_person = in_seconds(600), in_seconds(1200)
    people = [{"to": [{"email": "a@b.c"}]}, {"to": [{"email": "d@e.f"}], field: at_person}]
    assert client_of_alice.post(SEND, mail_body(personalizations=people, **{field: at_mail})).status_code == 202
    times = {parcel.send_at.timestamp() for parcel in Parcel.objects.all()}
    assert times == {at_mail, at_person}


def test_send_at_wins_over_sent_at(client_of_alice: ApiClient) -> None:
    soon, late = in_seconds(600), in_seconds(1200)
    assert client_of_alice.post(SEND, mail_body(send_at=soon, sent_at=late)).status_code == 202
    assert Parcel.objects.get().send_at.timestamp() == soon


@pytest.mark.parametrize("past", [0, -1, 1484913600, -(10**30)])
def test_past_time_means_now(past: int, client_of_alice: ApiClient) -> None:
    before = database_now()
    assert client_of_alice.post(SEND, personalized(send_at=past)).status_code == 202
    assert before <= Parcel.objects.get().send_at <= database_now()


def test_past_time_of_a_personalization_beats_the_mails_later_time(client_of_alice: ApiClient) -> None:
    body = personalized(send_at=1) | {"send_at": in_seconds(3600)}
    assert client_of_alice.post(SEND, body).status_code == 202
    assert Parcel.objects.get().send_at <= database_now()


def test_72_hours_ahead_are_allowed_and_more_is_not(client_of_alice: ApiClient) -> None:
    assert client_of_alice.post(SEND, mail_body(send_at=in_seconds(72 * 3600 + 30))).status_code == 202
    assert client_of_alice.post(SEND, mail_body(send_at=in_seconds(72 * 3600 + 90))).status_code == 400
    assert Mail.objects.count() == 1


def test_sandbox_mode_answers_200_and_stores_nothing(client_of_alice: ApiClient) -> None:
    answer = client_of_alice.post(SEND, mail_body(mail_settings={"sandbox_mode": {"enable": True}}))
    assert (answer.status_code, answer.content) == (200, b"")
    assert "X-Message-Id" not in answer
    assert not Mail.objects.exists()
    assert client_of_alice.post(SEND, mail_body(mail_settings={"sandbox_mode": {"enable": False}})).status_code == 202


def test_sandbox_mode_refuses_invalid_mail(client_of_alice: ApiClient) -> None:
    body = mail_body(mail_settings={"sandbox_mode": {"enable": True}}, batch_id="unknown")
    assert client_of_alice.post(SEND, body).status_code == 400


def test_batch_of_another_account_is_unknown(client_of_alice: ApiClient, client_of_charlie: ApiClient) -> None:
    batch = create_batch(client_of_alice.account)
    answer = client_of_charlie.post(SEND, mail_body(batch_id=batch.public_id))
    assert answer.status_code == 400
    assert answer.json() == {
        "errors": [
            {
                "message": "invalid batch id",
                "field": "batch_id",
                "help": "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html#message.batch_id",
            }
        ]
    }
    assert client_of_charlie.post(SEND, mail_body(batch_id="")).json() == answer.json()
    assert not Mail.objects.exists()
    assert client_of_alice.post(SEND, mail_body(batch_id=batch.public_id)).status_code == 202


def test_on_behalf_of_has_no_effect_here(client_of_alice: ApiClient, subuser: Account) -> None:
    for named in (subuser.username, "charlie"):
        assert client_of_alice.post(SEND, mail_body(), headers={"On-Behalf-Of": named}).status_code == 202
    assert {mail.account for mail in Mail.objects.all()} == {client_of_alice.account}


def test_wrong_credentials_are_401_with_sendgrids_text(database: None, subtests: pytest.Subtests) -> None:
    for authorization, message in [
        (None, "Permission denied, wrong credentials"),
        ("", "Permission denied, wrong credentials"),
        ("Bearer", "Permission denied, wrong credentials"),
        ("Bearer  ", "Permission denied, wrong credentials"),
        ("Basic YTpi", "Permission denied, wrong credentials"),
        ("garbled", "Permission denied, wrong credentials"),
        ("Bearer SG.x.y", "The provided authorization grant is invalid, expired, or revoked"),
        ("Bearer " + "ÿ" * 40, "The provided authorization grant is invalid, expired, or revoked"),
    ]:
        with subtests.test(authorization=authorization, message=message):
            headers = {} if authorization is None else {"Authorization": authorization}
            answer = Client().post(SEND, b"{", content_type="application/json", headers=headers)
            assert answer.status_code == 401
            assert answer["Content-Type"] == "application/json"
            assert answer.content.decode() == f'{{"errors":[{{"message":"{message}","field":null,"help":null}}]}}'


def test_revoked_key_sends_nothing_at_the_very_next_request(client_of_alice: ApiClient) -> None:
    assert client_of_alice.post(SEND, mail_body()).status_code == 202
    assert client_of_alice.delete(f"/v3/api_keys/{client_of_alice.key.key_id}").status_code == 204
    answer = client_of_alice.post(SEND, mail_body())
    assert answer.status_code == 401
    assert "authorization grant is invalid" in answer.json()["errors"][0]["message"]
    assert Mail.objects.count() == 1


def test_key_without_the_scope_may_not_send(alice: Account, new_client: NewClient) -> None:
    answer = new_client(alice, ["mail.batch.create"]).post(SEND, mail_body())
    assert answer.status_code == 401
    assert answer.json()["errors"][0]["message"] == "Authenticated user is not authorized to send mail"
    assert not Mail.objects.exists()
    assert new_client(alice, ["mail.send"]).post(SEND, mail_body()).status_code == 202


def test_other_methods_are_405(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for method in ["GET", "PUT", "PATCH", "DELETE", "HEAD", "TRACE"]:
        with subtests.test(method=method):
            answer = client_of_alice.ask(method, SEND)
            assert answer.status_code == 405
            if method != "HEAD":
                assert answer.json()["errors"][0]["message"] == "method not allowed"


def test_other_content_type_is_415(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for content_type in ["", "text/plain", "application/x-www-form-urlencoded", "application/xml"]:
        with subtests.test(content_type=content_type):
            answer = client_of_alice.post(SEND, mail_body(), content_type=content_type)
            assert answer.status_code == 415
            expected = '{"errors":[{"message":"Content-Type should be application/json.","field":null,"help":null}]}'
            assert answer.content.decode() == expected


def test_charset_parameter_is_welcome(client_of_alice: ApiClient) -> None:
    assert client_of_alice.post(SEND, mail_body(), content_type="application/json; charset=utf-8").status_code == 202


def test_empty_body_is_415(client_of_alice: ApiClient) -> None:
    answer = client_of_alice.post(SEND)
    assert answer.status_code == 415
    assert answer.json()["errors"][0]["message"] == "Content-Type should be application/json."


def test_bad_utf8_is_415(client_of_alice: ApiClient) -> None:
    answer = client_of_alice.post(SEND, json.dumps(mail_body(subject="x")).encode().replace(b'"x"', b'"\xff"'))
    assert answer.status_code == 415
    assert answer.json()["errors"][0]["message"] == "Invalid UTF8 in request"


BODY = json.dumps(mail_body(subject="SUBJECT")).encode()


UNREADABLE = [
    b"{",
    b"nonsense",
    b"[]",
    b'"text"',
    b"null",
    b"1",
    BODY + b"x",
    BODY[:-1],
    BODY.replace(b"SUBJECT", rb"a\u0000b"),
    BODY.replace(b"SUBJECT", rb"a\\\u0000b"),
    BODY.replace(b"SUBJECT", rb"\ud800"),
    BODY.replace(b"SUBJECT", rb"\udc00 \ud800x"),
    BODY.replace(b"SUBJECT", b"a\nb"),
    BODY[:-1] + b',"send_at":' + b"9" * 5000 + b"}",
    BODY[:-1] + b',"n":NaN}',
    BODY[:-1] + b',"custom_args":{"n":1}}',
    BODY[:-1] + b',"custom_args":{"n":null}}',
    json.dumps(personalized(substitutions={"-n-": 1})).encode(),
    json.dumps(personalized(substitutions={"-n-": 1, "-m-": None})).encode(),
    json.dumps(personalized(custom_args={"a": {"b": "c"}})).encode(),
]


def test_an_unreadable_body_is_a_bad_request(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for body in UNREADABLE:
        with subtests.test(body=body):
            answer = client_of_alice.post(SEND, body)
            assert (answer.status_code, answer.json()) == (400, BAD_REQUEST)
            assert not Mail.objects.exists()


def test_escaped_backslash_before_u0000_is_plain_text(client_of_alice: ApiClient) -> None:
    assert client_of_alice.post(SEND, BODY.replace(b"SUBJECT", rb"a\\u0000b")).status_code == 202
    assert Mail.objects.get().subject == r"a\u0000b"


def test_number_too_big_for_any_clock_is_too_far_ahead(client_of_alice: ApiClient) -> None:
    answer = client_of_alice.post(SEND, BODY[:-1] + b',"send_at":' + b"9" * 400 + b"}")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "send_at"


def test_body_over_the_limit_is_413(client_of_alice: ApiClient, settings: Any) -> None:
    settings.MAX_BODY_BYTES = len(BODY)
    assert client_of_alice.post(SEND, BODY).status_code == 202
    answer = client_of_alice.post(SEND, BODY + b" ")
    assert answer.status_code == 413
    assert answer.content.decode() == '{"errors":[{"message":"content too large","field":null,"help":null}]}'
    assert Mail.objects.count() == 1


def test_message_too_large_with_its_substitutions_is_413(
    client_of_alice: ApiClient, settings: Any, subtests: pytest.Subtests
) -> None:
    for is_sandboxed in [False, True]:
        with subtests.test(is_sandboxed=is_sandboxed):
            settings.MAX_MESSAGE_BYTES = 100_000
            mail = personalized(substitutions={"-v-": "v" * 1000}) | {
                "content": [{"type": "text/plain", "value": "-v-" * 101}],
                "mail_settings": {"sandbox_mode": {"enable": is_sandboxed}},
            }
            answer = client_of_alice.post(SEND, mail)
            text = "A message may not exceed 100,000 bytes with its substitutions made."
            problem = {"message": text, "field": "personalizations.0", "help": None}
            assert (answer.status_code, answer.json()) == (413, {"errors": [problem]})
            assert not Mail.objects.exists()


def test_a_body_beyond_the_admins_upload_limit_is_accepted(client_of_alice: ApiClient) -> None:
    block = {"type": "text/plain", "value": "x" * (6 * 1024 * 1024)}
    assert client_of_alice.post(SEND, mail_body(content=[block])).status_code == 202


def test_gzipped_body_is_taken(client_of_alice: ApiClient) -> None:
    answer = client_of_alice.post(SEND, gzip.compress(BODY), headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 202
    assert Mail.objects.get().subject == "SUBJECT"


def test_gzip_bomb_is_413(client_of_alice: ApiClient, settings: Any) -> None:
    settings.MAX_BODY_BYTES = 1024 * 1024
    bomb = gzip.compress(BODY + b" " * 50 * 1024 * 1024)
    assert len(bomb) < 100_000
    answer = client_of_alice.post(SEND, bomb, headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 413


def test_broken_gzip_is_a_bad_request(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for packed in [b"no gzip", gzip.compress(BODY)[:-9], gzip.compress(BODY) + gzip.compress(b" "), BODY]:
        with subtests.test(packed=packed):
            answer = client_of_alice.post(SEND, packed, headers={"Content-Encoding": "gzip"})
            assert (answer.status_code, answer.json()) == (400, BAD_REQUEST)


def test_unknown_content_encoding_is_415(client_of_alice: ApiClient) -> None:
    assert client_of_alice.post(SEND, BODY, headers={"Content-Encoding": "br"}).status_code == 415


def test_odd_but_legal_mail_is_accepted(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for changes in [
        {"headers": {}, "custom_args": {}, "categories": [], "attachments": [], "sections": {}},
        {"sections": {"section": {":name": "text"}, ":other": "text"}},
        {"unknown": {"deep": [1, None]}, "attachments": [{"content": "aGk=", "filename": "", "name": 7}]},
        {"reply_to_list": [{"email": "a@b.c"}, {"email": "d@e.f"}]},
        {"reply_to": {"email": "a@b.c"}, "reply_to_list": []},
        {"subject": "tab\tis no line break", "headers": {"X-Empty": ""}},
        {"content": [{"type": "text/plain", "value": "a"}, {"type": "text/html", "value": "b"}]},
        {"content": [{"type": "TEXT/HTML", "value": "a"}, {"type": "text/calendar", "value": "b"}]},
        {"content": [{"type": "text/calendar", "value": "a"}]},
        {"attachments": [{"content": "aGVs\r\nbG8=", "filename": "x", "type": "pdf", "disposition": "inline"}]},
        {"attachments": [{"content": "aGk=", "filename": "x", "type": 'text/plain; charset="utf-8"; name="a;b,c"'}]},
        {"attachments": [{"content": "QTogYgoK", "filename": "x", "type": "message/rfc822"}]},
        {"ip_pool_name": "pool"},
        {
            "mail_settings": {
                "footer": {"enable": True, "text": "t", "html": "h"},
                "bcc": {"enable": True, "email": "x@example.com"},
                "spam_check": {"enable": True, "threshold": 1, "post_to_url": "http://u"},
                "bypass_list_management": {"enable": True},
            },
            "tracking_settings": {
                "click_tracking": {"enable": True, "enable_text": True},
                "open_tracking": {"enable": True, "substitution_tag": "%o"},
                "subscription_tracking": {"enable": True, "text": "t", "html": "h", "substitution_tag": "s"},
                "ganalytics": {"enable": True, "utm_source": "s", "utm_name": 7},
            },
        },
    ]:
        with subtests.test(changes=changes):
            answer = client_of_alice.post(SEND, mail_body(**changes))
            assert (answer.status_code, answer.content) == (202, b"")


def test_mail_that_no_message_can_express_is_refused_with_its_field(
    client_of_alice: ApiClient, subtests: pytest.Subtests
) -> None:
    for changes, field in [
        ({"headers": {"References": "<größe@example.com>"}}, "headers"),
        ({"headers": {"List-Unsubscribe": f"<https://example.com/{'t' * 999}>"}}, "headers"),
        (
            {"attachments": [{"content": "AAAA", "filename": "x", "type": "message/rfc822"}]},
            "attachments.0.content",
        ),
        (
            {"attachments": [{"content": "aGk=", "filename": "x", "type": "a/b", "content_id": "ä" * 200}]},
            "attachments.0.content_id",
        ),
        ({"content": [{"type": "message/rfc822", "value": "x"}]}, "content.0.type"),
    ]:
        with subtests.test(changes=changes, field=field):
            answer = client_of_alice.post(SEND, mail_body(**changes))
            (problem,) = answer.json()["errors"]
            assert (answer.status_code, problem["field"]) == (400, field)
            assert problem["message"].startswith(f"{field} cannot be sent: ")
            assert not Mail.objects.exists()


def test_uncommon_addresses_are_accepted(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for email in [
        "user@localhost",
        "first.last+tag@sub.example.co.uk",
        "dot..dot.@docomo.example",
        "użytkownik@przykład.example",
        "xn--bcher@xn--bcher-kva.example",
        "o'neil!#$%&*/=?^_`{|}~-@example.com",
        "a@" + "b" * 63 + ".example",
    ]:
        with subtests.test(email=email):
            assert client_of_alice.post(SEND, personalized(to=[{"email": email}])).status_code == 202
            assert Message.objects.filter(recipient=email).count() == 1


def test_the_subject_can_be_in_every_personalization(client_of_alice: ApiClient) -> None:
    body = personalized(subject="Mine")
    del body["subject"]
    assert client_of_alice.post(SEND, body).status_code == 202


def test_same_address_in_two_personalizations_is_fine(client_of_alice: ApiClient) -> None:
    people = [{"to": [{"email": "a@b.c"}]}, {"to": [{"email": "A@b.c"}]}]
    assert client_of_alice.post(SEND, mail_body(personalizations=people)).status_code == 202
    assert Message.objects.count() == 2


def test_thousand_personalizations_are_accepted(client_of_alice: ApiClient) -> None:
    people = [{"to": [{"email": f"user{n}@example.com"}]} for n in range(1000)]
    assert client_of_alice.post(SEND, mail_body(personalizations=people)).status_code == 202
    assert Message.objects.count() == 1000


def test_old_batch_id_is_unknown(client_of_alice: ApiClient) -> None:
    batch = create_batch(client_of_alice.account)
    Batch.objects.filter(pk=batch.pk).update(created_at=database_now() - dt.timedelta(days=11))
    assert client_of_alice.post(SEND, mail_body(batch_id=batch.public_id)).status_code == 400
