"""Test the errors of mail/send: field, text and place on the help page, byte for byte."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from mailer.models import Mail
from tests.api.conftest import ApiClient
from tests.api.sendgrid.bodies import mail_body, personalized
from tests.examples import further

HELP = "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html#"

PERSONALIZATION_REQUIRED = "The personalizations field is required and must have at least one personalization."
TO_REQUIRED = (
    "The to array is required for all personalization objects, and must have at least one email object with a valid "
    "email address."
)
NO_ADDRESS = "Does not contain a valid address."
FROM_INVALID = "The from email does not contain a valid address."
FROM_REQUIRED = (
    "The from object must be provided for every email send. It is an object that requires the email parameter, but may "
    'also contain a name parameter.  e.g. {"email" : "example@example.com"}  or {"email" : "example@example.com", '
    '"name" : "Example Recipient"}.'
)
REPLY_TO_INVALID = (
    "The reply_to object, when used, must at least have an email parameter with a valid email address and it may also "
    'contain a name parameter. e.g. {"email": "example@example.com"} or {"email": "example@example.com", '
    '"name": "Example Recipient"}'
)
SUBJECT_REQUIRED = (
    "The subject is required. You can get around this requirement if you use a template with a subject defined or if "
    "every personalization has a subject defined."
)
SUBJECT_EMPTY = "The subject of your email must be a string at least one character in length."
CONTENT_REQUIRED = (
    "Unless a valid template_id is provided, the content parameter is required. There must be at least one defined "
    "content block. We typically suggest both text/plain and text/html blocks are included, but only one block is "
    "required."
)
CONTENT_ORDER = (
    "Following RFC 1341, section 7.2, if either text/html or text/plain are to be sent in your email: text/plain needs "
    "to be first, followed by text/html, followed by any other content."
)
TOO_FAR = "Scheduling more than 72 hours in advance is forbidden."
YEAR_3000_MS = 32503680000000
SEMICOLON = "Cannot contain ';', or CRLF characters."


def wrong_type(expected: str, actual: str) -> str:
    return f"Invalid type. Expected: {expected}, given: {actual}."


def duplicate(address: str, field: str) -> str:
    return (
        "Each email address in the personalization block should be unique between to, cc, and bcc. We found the first "
        f"duplicate instance of [{address}] in the {field} field."
    )


def person(**entry: Any) -> dict[str, Any]:
    return personalized(to=[entry])


def attachment(**changes: Any) -> dict[str, Any]:
    entry = {"content": "aGk=", "filename": "a.txt"} | changes
    return mail_body(attachments=[{key: value for key, value in entry.items() if value is not None}])


def content(*types: Any) -> dict[str, Any]:
    return mail_body(content=[{"type": type, "value": "x"} for type in types])


RESERVED = [
    *("x-sg-id", "X-SG-EID", "Received", "dkim-signature", "Content-Type", "content-transfer-encoding"),
    *("To", "From", "SUBJECT", "Reply-To", "Cc", "BCC"),
]
TO = "message.personalizations.to"
P = "personalizations.0"
MP = "message.personalizations"

CASES: list[tuple[dict[str, Any], str, str, str]] = [
    # personalizations and recipients
    (mail_body(personalizations=None), "personalizations", "-Personalizations-Errors", PERSONALIZATION_REQUIRED),
    (mail_body(personalizations=[]), "personalizations", "-Personalizations-Errors", PERSONALIZATION_REQUIRED),
    (mail_body(personalizations={}), "personalizations", "-Personalizations-Errors", wrong_type("array", "object")),
    (mail_body(personalizations=["x"]), P, "-Personalizations-Errors", wrong_type("object", "string")),
    (
        mail_body(personalizations=[{"to": [{"email": "a@b.c"}]}] * 1001),
        "personalizations",
        "-Personalizations-Errors",
        "The personalization block is limited to 1000 personalizations per API request. You have provided 1001 "
        "personalizations. Please consider splitting this into multiple requests and resending your request.",
    ),
    (
        personalized(to=[{"email": f"{n}@b.c"} for n in range(999)], cc=[{"email": "x@y.z"}], bcc=[{"email": "z@y.z"}]),
        "personalizations",
        "-Personalizations-Errors",
        "There is a limit of 1000 total recipients (to + cc + bcc) per request.",
    ),
    (personalized(to=None), f"{P}.to", TO, TO_REQUIRED),
    (personalized(to=[]), f"{P}.to", TO, TO_REQUIRED),
    (personalized(to={"email": "a@b.c"}), f"{P}.to", TO, wrong_type("array", "object")),
    (personalized(to=["a@b.c"]), f"{P}.to.0", TO, wrong_type("object", "string")),
    (person(name="x"), f"{P}.to.0.email", TO, "The to email parameter is required."),
    (personalized(cc=[{}]), f"{P}.cc.0.email", f"{MP}.cc", "The cc email parameter is required."),
    (person(email=True), f"{P}.to.0.email", TO, wrong_type("string", "boolean")),
    (person(email="a@b.c", name=1.5), f"{P}.to.0.name", TO, wrong_type("string", "number")),
    (person(email="a@b.c", name="a\r\nBcc: x"), f"{P}.to.0.name", TO, "The name cannot contain CRLF characters."),
    (personalized(bcc=[{"email": "nobody"}]), f"{P}.bcc.0.email", f"{MP}.bcc", NO_ADDRESS),
    (
        person(email="a" * 309 + "@example.com"),
        f"{P}.to.0.email",
        TO,
        "The To email exceeds the maximum total length of 320 characters",
    ),
    (
        personalized(cc=[{"email": "a" * 309 + "@example.com"}]),
        f"{P}.cc.0.email",
        f"{MP}.cc",
        "The CC email exceeds the maximum total length of 320 characters",
    ),
    (
        personalized(bcc=[{"email": "JOHN@example.com"}]),
        P,
        "message.recipient-errors",
        duplicate("JOHN@example.com", f"{P}.bcc"),
    ),
    (
        personalized(cc=[{"email": "x@y.z"}, {"email": "X@y.z"}]),
        P,
        "message.recipient-errors",
        duplicate("X@y.z", f"{P}.cc"),
    ),
    (personalized(subject=""), f"{P}.subject", f"{MP}.subject", SUBJECT_EMPTY),
    (personalized(subject="a\nb"), f"{P}.subject", f"{MP}.subject", "The subject cannot contain CRLF characters."),
    # from and reply_to
    (mail_body(**{"from": None}), "from", "message.from", FROM_REQUIRED),
    (mail_body(**{"from": {}}), "from.email", "message.from", FROM_REQUIRED),
    (mail_body(**{"from": "a@b.c"}), "from", "message.from", wrong_type("object", "string")),
    (mail_body(**{"from": {"email": "nobody"}}), "from.email", "message.from", FROM_INVALID),
    (mail_body(**{"from": {"email": "jürgen@example.com"}}), "from.email", "message.from", FROM_INVALID),
    (mail_body(**{"from": {"email": "a@exämple.com"}}), "from.email", "message.from", FROM_INVALID),
    (
        mail_body(**{"from": {"email": "a@b.c", "name": "x\r\nBcc: y@z"}}),
        "from.name",
        "message.from",
        "The name cannot contain CRLF characters.",
    ),
    (
        mail_body(**{"from": {"email": "a" * 309 + "@example.com"}}),
        "from.email",
        "message.from",
        "The From email exceeds the maximum total length of 320 characters",
    ),
    (
        personalized(**{"from": {"email": "a@elsewhere.example"}}),
        f"{P}.from.email",
        f"{MP}.from",
        "The domain of a personalization's from email must be the domain of the message's from email.",
    ),
    (mail_body(reply_to={"name": "x"}), "reply_to.email", "message.reply_to", REPLY_TO_INVALID),
    (mail_body(reply_to={"email": "x"}), "reply_to.email", "message.reply_to", REPLY_TO_INVALID),
    (
        mail_body(reply_to={"email": "a" * 309 + "@example.com"}),
        "reply_to.email",
        "message.reply_to",
        "The Reply-To email exceeds the maximum total length of 320 characters",
    ),
    (
        mail_body(reply_to={"email": "a@b.c"}, reply_to_list=[{"email": "d@e.f"}]),
        "reply_to_list",
        "message.reply_to_list",
        "The reply_to and reply_to_list parameters cannot be used together.",
    ),
    (
        mail_body(reply_to_list=[{"name": "x"}]),
        "reply_to_list.0.email",
        "message.reply_to_list",
        "The reply_to_list object, when used, must at least have an email parameter and may also contain a name "
        "parameter",
    ),
    (
        mail_body(reply_to_list=[{"email": "a@b.c"}, {"email": "A@b.c"}]),
        "reply_to_list",
        "message.reply_to_list",
        "Each email address in the reply_to_list should be unique.",
    ),
    # subject and content
    (mail_body(subject=None), "subject", "message.subject", SUBJECT_REQUIRED),
    (mail_body(subject=""), "subject", "message.subject", SUBJECT_EMPTY),
    (mail_body(subject=7), "subject", "message.subject", wrong_type("string", "integer")),
    (mail_body(subject="a\rb"), "subject", "message.subject", "The subject cannot contain CRLF characters."),
    (mail_body(content=None), "content", "message.content", CONTENT_REQUIRED),
    (mail_body(content=[]), "content", "message.content", CONTENT_REQUIRED),
    (mail_body(content="text"), "content", "message.content", wrong_type("array", "string")),
    (mail_body(content=["text"]), "content.0", "message.content", wrong_type("object", "string")),
    (
        mail_body(content=[{"value": "x"}]),
        "content.0.type",
        "message.content.type",
        "A content type is required, this tells email clients how to display the email.",
    ),
    (
        content(""),
        "content.0.type",
        "message.content.type",
        "Your content type must be a string with length of at least one character.",
    ),
    (content("text/plain; charset=x"), "content.0.type", "message.content.type", SEMICOLON),
    (content("text/plain\r\nX: y"), "content.0.type", "message.content.type", SEMICOLON),
    (
        content("plain"),
        "content.0.type",
        "message.content.type",
        "The content type must be a MIME type, such as text/plain.",
    ),
    (
        mail_body(content=[{"type": "text/plain"}]),
        "content.0.value",
        "message.content.value",
        "A content value is required, this is the content of the email you are sending.",
    ),
    (
        mail_body(content=[{"type": "text/plain", "value": ""}]),
        "content.0.value",
        "message.content.value",
        "The content value must be a string at least one character in length.",
    ),
    (
        content("text/plain", "text/plain"),
        "content",
        "",
        "If present, text/plain and text/html may only be provided once.",
    ),
    (content("text/html", "text/plain"), "content", "message.content.value", CONTENT_ORDER),
    (content("text/calendar", "text/html"), "content", "message.content.value", CONTENT_ORDER),
    # attachments
    (
        attachment(content="%"),
        "attachments.0.content",
        "message.attachments.content",
        "The attachment content must be base64 encoded.",
    ),
    (
        attachment(content="aGk"),
        "attachments.0.content",
        "message.attachments.content",
        "The attachment content must be base64 encoded.",
    ),
    (
        attachment(content=None),
        "attachments.0.content",
        "message.attachments.content",
        "The attachment content is required.",
    ),
    (
        attachment(content=""),
        "attachments.0.content",
        "message.attachments.content",
        "The attachment content must be a string at least one character in length.",
    ),
    (attachment(filename=None), "attachments.0.filename", "message.attachments.filename", "filename is required."),
    (
        attachment(filename="a\r\nb"),
        "attachments.0.filename",
        "message.attachments.filename",
        "The filename of your attachment cannot contain CRLF characters.",
    ),
    (
        attachment(type=""),
        "attachments.0.type",
        "message.attachments.type",
        "The attachment type must be a string and at least one character in length.",
    ),
    (
        attachment(type="a/b; c"),
        "attachments.0.type",
        "message.attachments.type",
        "The type cannot contain ';', or CRLF characters.",
    ),
    *(
        (attachment(type=kind), "attachments.0.type", "message.attachments.type", text)
        for kind, text in {
            "a/b\r\nc": "The type cannot contain ';', or CRLF characters.",
            "text/plain; charset": "The type cannot contain ';', or CRLF characters.",
            "a,b/c": "The type cannot contain ';', or CRLF characters.",
            "text/": "The attachment type must be a MIME type, such as application/pdf.",
            "a b/c": "The attachment type must be a MIME type, such as application/pdf.",
            "a/b/c": "The attachment type must be a MIME type, such as application/pdf.",
        }.items()
    ),
    (
        attachment(disposition="inside"),
        "attachments.0.disposition",
        "message.attachments.disposition",
        "The disposition of your attachment can be either 'inline' or 'attachment'.",
    ),
    (
        attachment(content_id="a\nb"),
        "attachments.0.content_id",
        "message.attachments.content_id",
        "The content ID of your attachment cannot contain CRLF characters.",
    ),
    # headers
    (mail_body(headers=[]), "headers", "message.headers", wrong_type("object", "array")),
    (mail_body(headers={"X-A": 1}), "headers", "message.headers", "The header values must be strings."),
    (
        personalized(headers={"X-A": None}),
        f"{P}.headers",
        f"{MP}.headers",
        "All values of the headers object must be strings.",
    ),
    (
        mail_body(headers={"X-A": "a\r\nBcc: x@y.z"}),
        "headers",
        "message.headers",
        "The header values cannot contain CRLF characters.",
    ),
    (
        mail_body(headers={"X-A": "1", "x-a": "2"}),
        "headers",
        "message.headers",
        "The headers cannot contain duplicate keys.",
    ),
    *[
        (
            mail_body(headers={name: "1"}),
            "headers",
            "message.headers",
            "Header keys cannot contain non-ASCII characters and empty spaces.",
        )
        for name in ("X A", "", "X-Ä", "X:A", "X\r\nBcc")
    ],
    (
        personalized(headers={"X A": "1"}),
        f"{P}.headers",
        f"{MP}.headers",
        "Header keys cannot contain non-ASCII characters or empty spaces.",
    ),
    *[
        (mail_body(headers={name: "1"}), "headers", "message.headers", "Header can not be one of the reserved keys.")
        for name in RESERVED
    ],
    (
        personalized(headers={"to": "1"}),
        f"{P}.headers",
        f"{MP}.headers",
        "Header cannot be one of the reserved keys.",
    ),
    # send_at and batch_id
    (mail_body(send_at=1484913600.5), "send_at", "message.send_at", wrong_type("integer", "number")),
    (mail_body(send_at="1484913600"), "send_at", "message.send_at", wrong_type("integer", "string")),
    (mail_body(send_at=True), "send_at", "message.send_at", wrong_type("integer", "boolean")),
    (mail_body(send_at=[1]), "send_at", "message.send_at", wrong_type("integer", "array")),
    (mail_body(sent_at="now"), "sent_at", "message.sent_at", wrong_type("integer", "string")),
    (personalized(send_at=1.0), f"{P}.send_at", f"{MP}.send_at", wrong_type("integer", "number")),
    (personalized(sent_at={}), f"{P}.sent_at", f"{MP}.sent_at", wrong_type("integer", "object")),
    (mail_body(send_at=YEAR_3000_MS), "send_at", "message.send_at", TOO_FAR),
    (mail_body(sent_at=YEAR_3000_MS), "sent_at", "message.sent_at", TOO_FAR),
    (personalized(send_at=YEAR_3000_MS), f"{P}.send_at", f"{MP}.send_at", TOO_FAR),
    (personalized(sent_at=YEAR_3000_MS), f"{P}.sent_at", f"{MP}.sent_at", TOO_FAR),
    (mail_body(batch_id=5), "batch_id", "message.batch_id", wrong_type("string", "integer")),
    (mail_body(batch_id="self-made"), "batch_id", "message.batch_id", "invalid batch id"),
    # other fields
    (mail_body(categories="news"), "categories", "message.categories", wrong_type("array", "string")),
    (mail_body(categories=["a", 1]), "categories.1", "message.categories", wrong_type("string", "integer")),
    (
        mail_body(categories=[str(n) for n in range(11)]),
        "categories",
        "message.categories",
        "There is a limit of 10 categories for each email that is sent. You provided 11 categories.",
    ),
    (
        mail_body(categories=["x" * 256]),
        "categories.0",
        "message.categories",
        f"Each category must not be longer than 255 characters. {'x' * 256} exceeds this limit",
    ),
    (
        mail_body(categories=["a", "b", "a"]),
        "categories.2",
        "message.categories",
        "The categories must be a unique list, and you have included a more than once.",
    ),
    (
        mail_body(categories=["ä"]),
        "categories.0",
        "message.categories",
        "Categories can not contain non-ASCII characters.",
    ),
    (
        mail_body(custom_args={"k": "v" * 50_000}),
        "custom_args",
        "message.custom_args",
        "The combined size of both global and personalization custom arguments may not exceed 50,000 bytes per "
        "personalization.",
    ),
    (
        personalized(custom_args={"a": "ü" * 20_000}) | {"custom_args": {"b": "v" * 10_000}},
        f"{P}.custom_args",
        f"{MP}.custom_args",
        "The combined size of both global and personalization custom arguments may not exceed 50,000 bytes per "
        "personalization.",
    ),
    (
        personalized(substitutions={"-n-": "ü" * 25_000}),
        f"{P}.substitutions",
        f"{MP}.substitutions",
        "The combined size of the substitutions may not exceed 50,000 bytes per personalization.",
    ),
    (personalized(substitutions=[]), f"{P}.substitutions", f"{MP}.substitutions", wrong_type("object", "array")),
    (
        mail_body(template_id="XYZ"),
        "template_id",
        "message.template_id",
        "The template_id must be a valid GUID, you provided 'XYZ'.",
    ),
    (mail_body(template_id="d-" + "a" * 32), "template_id", "message.template_id", "Must be a valid template."),
    (
        mail_body(template_id="13b8f94f-bcae-4ec6-b752-70d6cb59f932", subject=None, content=None),
        "template_id",
        "message.template_id",
        "Must be a valid template.",
    ),
    (mail_body(sections={"a": 1}), "sections", "message.sections", "The section values must be strings."),
    (
        mail_body(asm={"group_id": 7}),
        "asm.group_id",
        "message.asm.group_id",
        "The ASM group ID must be a valid Group ID on your account. You provided 7.",
    ),
    (mail_body(asm={}), "asm.group_id", "message.asm.group_id", "The ASM group ID must be an integer."),
    (
        mail_body(asm={"group_id": "7"}),
        "asm.group_id",
        "message.asm.group_id",
        wrong_type("integer", "string"),
    ),
    (
        mail_body(asm={"group_id": 1, "groups_to_display": list(range(26))}),
        "asm.groups_to_display",
        "message.asm.groups_to_display",
        "There is a limit of 25 unsubscribe groups that can be displayed to a user at a time.",
    ),
    (
        mail_body(ip_pool_name="x"),
        "ip_pool_name",
        "message.ip_pool_name",
        "The IP Pool name must be a valid pool name for your account. You provided x.",
    ),
    (
        mail_body(ip_pool_name="no such pool"),
        "ip_pool_name",
        "message.ip_pool_name",
        "The IP Pool name must be a valid pool name for your account. You provided no such pool.",
    ),
    (
        mail_body(mail_settings={"sandbox_mode": {"enable": "true"}}),
        "mail_settings.sandbox_mode.enable",
        "message.mail_settings.sandbox_mode.enable",
        wrong_type("boolean", "string"),
    ),
    (
        mail_body(mail_settings={"footer": {"html": 1}}),
        "mail_settings.footer.html",
        "message.mail_settings.footer.html",
        wrong_type("string", "integer"),
    ),
    (
        mail_body(tracking_settings={"click_tracking": {"enable": 1}}),
        "tracking_settings.click_tracking.enable",
        "message.tracking_settings.click_tracking.enable",
        wrong_type("boolean", "integer"),
    ),
    (mail_body(tracking_settings=[]), "tracking_settings", "message.tracking_settings", wrong_type("object", "array")),
]


def test_mistake_is_named_and_nothing_is_stored(
    client_of_alice: ApiClient, subtests: pytest.Subtests, step: int
) -> None:
    for body, field, anchor, message in CASES[::step]:
        with subtests.test(body=body, field=field, anchor=anchor, message=message):
            answer = client_of_alice.post("/v3/mail/send", body)
            assert answer.status_code == 400
            assert answer["Content-Type"] == "application/json"
            assert answer.json() == {
                "errors": [{"message": message, "field": field, "help": HELP + anchor if anchor else None}]
            }
            assert not Mail.objects.exists()


NO_ADDRESSES = [
    *("", " ", "a", "@", "a@", "@b.c", "a@b@c.d", "a b@c.d", "a@b c.d", "<a@b.c>", "a@b.c>", "a,b@c.d", '"a"@b.c'),
    *(
        "a\r\n@b.c",
        "a@b.c\n",
        "a@b.c\r\nDATA",
        "a\x01@b.c",
        "a\x85@b.c",
        "a@\u2028b.c",
        "a\u00a0b@c.d",
        "a\u200b@c.d",
    ),
    *("a@.b.c", "a@b..c", "a@b.c.", "a@-b.c", "a@[127.0.0.1]", "a@b.c,d@e.f", "a@" + "b" * 64 + ".c"),
]


def test_a_malformed_address_is_never_accepted(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for email in NO_ADDRESSES:
        with subtests.test(email=email):
            answer = client_of_alice.post("/v3/mail/send", person(email=email))
            assert answer.status_code == 400
            assert [(error["field"], error["message"]) for error in answer.json()["errors"]] == [
                ("personalizations.0.to.0.email", NO_ADDRESS)
            ]


def test_all_mistakes_are_named_in_document_order(client_of_alice: ApiClient) -> None:
    body = {
        "subject": 7,
        "send_at": "soon",
        "headers": {"To": "x"},
        "personalizations": [
            {"cc": [{"email": "x@y.z"}, {"email": "x@y.z"}], "send_at": YEAR_3000_MS},
            {"to": [{"email": "nobody"}, {"email": "a@b.c", "name": 1}], "subject": ""},
        ],
        "content": [{"type": "text/html", "value": "a"}, {"type": "text/plain", "value": "b"}],
    }
    answer = client_of_alice.post("/v3/mail/send", body)
    assert [error["field"] for error in answer.json()["errors"]] == [
        "subject",
        "send_at",
        "headers",
        "personalizations.0",
        "personalizations.0.send_at",
        "personalizations.0.to",
        "personalizations.1.to.0.email",
        "personalizations.1.to.1.name",
        "personalizations.1.subject",
        "content",
        "from",
    ]


def test_texts_follow_the_settings(client_of_alice: ApiClient, settings: Any) -> None:
    settings.SCHEDULE_LIMIT_SECONDS = 3600
    settings.CUSTOM_ARGS_BYTES = settings.SUBSTITUTIONS_BYTES = 1234
    body = personalized(substitutions={"a": "b" * 1234}) | {"send_at": YEAR_3000_MS, "custom_args": {"a": "b" * 1234}}
    messages = [error["message"] for error in client_of_alice.post("/v3/mail/send", body).json()["errors"]]
    assert len(messages) == 3
    assert "more than 1 hours" in messages[1]
    assert all("1,234 bytes" in message for message in (messages[0], messages[2]))


def test_own_custom_args_replace_the_mails_when_they_are_counted(client_of_alice: ApiClient) -> None:
    body = personalized(custom_args={"a": "x" * 30_000}) | {"custom_args": {"a": "y" * 30_000}}
    assert client_of_alice.post("/v3/mail/send", body).status_code == 202


@further
def test_a_hundred_thousand_mistakes_are_answered_briefly(client_of_alice: ApiClient) -> None:
    """An invalid list that is as long as the body allows must not cost an error for each element."""
    many = [1] * 100_000
    body = mail_body(content=many, attachments=many, categories=many, reply_to_list=many)
    answer = client_of_alice.post("/v3/mail/send", body)
    assert answer.status_code == 400
    assert len(answer.content) < 2000


@further
def test_mistakes_that_only_rules_find_are_bounded_too(client_of_alice: ApiClient) -> None:
    person = {"to": [{"email": "a@b.c"}], "headers": {"to": 1, "X A": 1}}
    body = mail_body(personalizations=[person] * 1000) | {f"unknown{n}": 0 for n in range(10_000)}
    answer = client_of_alice.post("/v3/mail/send", body)
    assert answer.status_code == 400
    assert len(answer.json()["errors"]) == 2000


def test_an_attachment_of_megabytes_is_checked_completely(client_of_alice: ApiClient) -> None:
    packed = base64.b64encode(b"x" * 3_000_000).decode()
    assert client_of_alice.post("/v3/mail/send", attachment(content=packed)).status_code == 202
    assert client_of_alice.post("/v3/mail/send", attachment(content=packed + "%")).status_code == 400
