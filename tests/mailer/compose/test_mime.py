"""The standard library's parser reads composed messages back, and no input can add a line to their headers."""

from __future__ import annotations

import base64
from email import message_from_bytes, policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.compose.headers import field, mailbox, wire_address
from mailer.compose.mime import Composer, date_field
from mailer.compose.template import Line, encode_text, substitute
from mailer.draft import Address
from mailer.models import Mail
from tests.examples import for_each
from tests.mailer.compose.composed import DATE, HTML, PLAIN, compose, parse


def test_a_plain_mail_is_read_back() -> None:
    envelope = compose()
    message = parse(envelope)
    assert (message["From"], message["To"], message["Subject"]) == ("from@example.com", "to@example.com", "Hello")
    assert message["Message-ID"] == f"<{'A' * 22}.512@sluice.test>"
    assert message["Date"].datetime == DATE
    assert message.get_content() == "Hello -name-\r\n"
    assert (envelope.sender, envelope.recipients) == ("from@example.com", ("to@example.com",))


def test_alternatives_are_in_the_order_they_came() -> None:
    message = parse(compose({"substitutions": {"-name-": "Ünal"}}, content=[PLAIN, HTML]))
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert "Hello Ünal" in message.get_body(("plain",)).get_content()
    assert "<p>Hello Ünal</p>" in message.get_body(("html",)).get_content()


def test_attachments_and_inline_images_are_where_readers_look_for_them() -> None:
    logo = {"content": base64.b64encode(b"png").decode(), "filename": "logo.png", "type": "image/png"}
    paper = {"content": base64.b64encode(b"x" * 200).decode(), "filename": 'Prüfung "1".pdf', "type": "application/pdf"}
    message = parse(
        compose(
            content=[PLAIN, HTML],
            attachments=[
                {**logo, "disposition": "inline", "content_id": "logo"},
                {**paper, "disposition": "attachment", "content_id": ""},
            ],
        )
    )
    related, attached = message.iter_parts()
    assert (message.get_content_type(), related.get_content_type()) == ("multipart/mixed", "multipart/related")
    alternative, inline = related.iter_parts()
    assert alternative.get_content_type() == "multipart/alternative"
    assert (inline["Content-ID"], inline.get_content()) == ("<logo>", b"png")
    assert (attached.get_filename(), attached.get_content()) == ('Prüfung "1".pdf', b"x" * 200)


def test_a_message_id_stays_on_its_line_whatever_the_domain_is_set_to() -> None:
    mail = Mail(sender="f@example.com", subject="x", content=[PLAIN], public_id="A" * 22)
    composer = Composer(mail, message_id_domain="a\r\nBcc: b\x0b", public_url="https://sluice.test")
    data = composer.compose(512, "a@example.com", None, date=date_field(DATE)).data
    assert f"\r\nMessage-ID: <{'A' * 22}.512@a Bcc: b >\r\n".encode() in data


def test_cc_is_shown_and_bcc_is_not() -> None:
    envelope = compose(
        {"to": [["to@example.com", "Ada, Countess"]], "cc": [["cc@example.com", ""]], "bcc": [["bcc@example.com", ""]]}
    )
    message = parse(envelope)
    assert message["To"].addresses[0].display_name == "Ada, Countess"
    assert message["Cc"] == "cc@example.com"
    assert b"bcc@example.com" not in envelope.data
    assert envelope.recipients == ("to@example.com", "cc@example.com", "bcc@example.com")


def test_recipients_that_are_finished_are_shown_but_not_addressed() -> None:
    mail = Mail(sender="f@example.com", subject="x", content=[PLAIN], public_id="A" * 22)
    composer = Composer(mail, message_id_domain="sluice.test", public_url="https://sluice.test")
    personal = {"to": [["a@example.com", ""], ["b@example.com", ""]]}
    envelope = composer.compose(
        512, "a@example.com", personal, date=date_field(DATE), skip=frozenset({"a@example.com"})
    )
    assert envelope.recipients == ("b@example.com",)
    assert len(parse(envelope)["To"].addresses) == 2


def test_a_personalization_overrides_the_mail() -> None:
    message = parse(
        compose(
            {
                "subject": "For -n-",
                "from": ["own@example.com", "Own"],
                "substitutions": {"-n-": "you"},
                "headers": {"X-One": "own -n-"},
            },
            headers={"x-one": "shared", "X-Two": "two"},
            reply_to=[["reply@example.com", ""]],
        )
    )
    assert message["Subject"] == "For you"
    assert message["From"] == "Own <own@example.com>"
    assert (message.get_all("X-One"), message["X-Two"]) == (["own you"], "two")
    assert message["Reply-To"] == "reply@example.com"


def test_a_callers_header_never_doubles_one_of_ours() -> None:
    message = parse(compose(headers={"Date": "yesterday", "message-id": "<x@y>", "MIME-Version": "2.0", "Bcc": "x@y"}))
    assert len(message.get_all("Date")) == len(message.get_all("Message-ID")) == 1
    assert message["Bcc"] is None


def test_an_international_domain_is_sent_in_ascii_and_a_local_part_needs_smtputf8() -> None:
    domain = compose(to="ada@bücher.example")
    assert domain.recipients == ("ada@xn--bcher-kva.example",)
    assert not domain.is_utf8
    assert compose(to="ädä@example.com").is_utf8
    assert not compose({"to": [["a@example.com", "Ädä"]], "bcc": [["ädä@example.com", ""]]}).is_utf8, "no header has it"


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
hostile = st.builds(
    "{}{}{}".format, text, st.sampled_from(["\r\nBcc: evil@example.com", "\n\nbody", "\r", "\n", "\0"]), text
)


@given(st.one_of(text, hostile))
def test_no_header_value_can_begin_another_line(value: str) -> None:
    written = field("X-Test", value)
    assert written.endswith(b"\r\n")
    for line in written[:-2].split(b"\r\n")[1:]:
        assert line[:1] in (b" ", b"\t"), "a folded line begins with white space"
    assert written.isascii()
    assert b"\r" not in written.replace(b"\r\n", b"")
    assert b"\n" not in written.replace(b"\r\n", b"")


@given(hostile, hostile, hostile)
def test_no_hostile_name_or_subject_is_sent(name: str, subject: str, value: str) -> None:
    envelope = compose(
        {
            "to": [["to@example.com", name]],
            "subject": f"{subject} -v-",
            "substitutions": {"-v-": value},
            "headers": {"X-Own": value},
        }
    )
    head = envelope.data.split(b"\r\n\r\n", 1)[0]
    names = [line.split(b":")[0] for line in head.split(b"\r\n") if line[:1] not in (b" ", b"\t")]
    assert sorted(names) == sorted(
        [
            b"Date",
            b"From",
            b"To",
            b"Subject",
            b"Message-ID",
            b"MIME-Version",
            b"X-Own",
            b"Content-Type",
            b"Content-Transfer-Encoding",
        ]
    )


@for_each("name", ["", "X Y", "X:Y", "X\r\nBcc", "Ü"])
def test_an_invalid_header_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="header name"):
        field(name, "x")


@given(text)
def test_a_text_survives_its_encoding(value: str) -> None:
    part = message_from_bytes(encode_text("text/plain", value), policy=policy.default)
    lines = value.replace("\r\n", "\n").replace("\r", "\n")
    assert part.get_content().replace("\r\n", "\n").rstrip("\n") == lines.rstrip("\n")
    assert all(len(line) <= 998 for line in encode_text("text/plain", value).split(b"\r\n"))


@given(st.dictionaries(st.text(min_size=1, max_size=5), st.text(max_size=5), max_size=5), st.text(max_size=50))
def test_substitution_is_one_pass_over_the_text(values: dict[str, str], value: str) -> None:
    result = substitute(value, values)
    if not any(key in value for key in values):
        assert result == value
    assert substitute("-a--b-", {"-a-": "-b-", "-b-": "x"}) == "-b-x"


@given(st.dictionaries(st.text(min_size=1, max_size=5), text, max_size=5), text)
def test_a_line_is_filled_in_as_a_field_is_written(values: dict[str, str], value: str) -> None:
    value = "".join([value, *values])
    assert Line("Subject", value, tuple(values)).fill(values) in {None, field("Subject", substitute(value, values))}


def test_only_a_line_that_needs_no_folding_or_encoding_is_filled_in() -> None:
    line = Line("Subject", "100% of -n-: -n-", ("-n-",))
    assert line.fill({"-n-": "%s"}) == b"Subject: 100% of %s: %s\r\n"
    for value in ("é", "\n", "\0", "\t", "x" * 40):
        assert line.fill({"-n-": value}) is None


def test_the_longest_key_wins() -> None:
    assert substitute("-name-s", {"-name": "short", "-name-": "long"}) == "longs"


@for_each(
    ("address", "written"),
    [
        (Address("a@b.c"), "a@b.c"),
        (Address("a@b.c", "Ada"), "Ada <a@b.c>"),
        (Address("a@b.c", 'Ada "the" Lovelace, Countess'), '"Ada \\"the\\" Lovelace, Countess" <a@b.c>'),
        (Address("a@b.c", "Ädä"), "=?utf-8?b?w4Rkw6Q=?= <a@b.c>"),
    ],
)
def test_a_mailbox_is_quoted_as_it_needs(address: Address, written: str) -> None:
    assert mailbox(address) == written


def test_a_domain_that_cannot_be_encoded_is_left_to_the_transport() -> None:
    assert wire_address("a@" + "ü" * 80) == "a@" + "ü" * 80
