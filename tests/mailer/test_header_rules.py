"""The headers of a caller are checked when a mail is accepted, in the form that the messages will have."""

from __future__ import annotations

import time
from collections.abc import Mapping

import pytest

from foundation.errors import SluiceError
from mailer.checking import check_headers
from mailer.draft import Address, ContentPart, MailDraft, Personalization
from mailer.errors import InvalidMessageId, InvalidReplyTo, ReservedHeader
from tests.examples import for_each

CONTENT = (ContentPart("text/plain", "x"),)


def draft(
    *substitutions: Mapping[str, str],
    headers: Mapping[str, str] | None = None,
    own: Mapping[str, str] | None = None,
    reply_to: tuple[str, ...] = (),
    name: str = "",
) -> MailDraft:
    """Return a mail with one message for each of these substitutions; `own` are the headers of each message."""
    people = tuple(
        Personalization(to=(Address(f"r{n}@example.com"),), headers=own or {}, substitutions=values)
        for n, values in enumerate(substitutions or ({},))
    )
    return MailDraft(
        sender=Address("from@example.com"),
        personalizations=people,
        content=CONTENT,
        headers=headers or {},
        reply_to=tuple(Address(email, name) for email in reply_to),
    )


@for_each(
    "accepted",
    [
        draft(headers={"Message-ID": "<a@b>"}),
        draft(own={"message-id": " <a@b> ", "References": "<x@y>"}),
        draft({"-n-": "1"}, {"-n-": "2"}, headers={"Message-ID": "<-n-@b>"}),
        draft({}, {}, headers={"Message-ID": "not one"}, own={"MESSAGE-ID": "<a@b>"}),
        draft({"-n-": "ann"}, {"-n-": "bob"}, reply_to=("-n-@example.com",), name="-n-"),
        draft({"-all-": "ann@example.com"}, reply_to=("-all-",)),
        draft({"%": "ann"}, reply_to=("%@example.com", "b@example.com")),
        draft({"-n-": "ünal"}, reply_to=("-n-@example.com",)),
        draft({"-n-": "x y, <>"}, reply_to=("a@example.com",), name="-n-"),
        draft({"a@b": "x"}, reply_to=("c@example.com",)),
    ],
)
def test_headers_that_can_be_composed_are_accepted(accepted: MailDraft) -> None:
    check_headers(accepted)


@for_each(
    ("refused", "kind", "field"),
    [
        *[(draft(headers={name: "x"}), ReservedHeader, "headers") for name in ("Date", "SENDER", "return-path", "to")],
        (draft({}, {}, own={"Mime-Version": "1.0"}), ReservedHeader, "personalizations.0.headers"),
        (draft(headers={"Message-ID": "a@b"}), InvalidMessageId, "headers"),
        (draft(own={"Message-ID": ""}), InvalidMessageId, "personalizations.0.headers"),
        (draft({"-n-": "1"}, {"-n-": "a b"}, headers={"Message-ID": "<-n-@b>"}), InvalidMessageId, "headers"),
        (draft({"-n-": "x" * 998}, headers={"Message-ID": "<-n-@b>"}), InvalidMessageId, "headers"),
        *[
            (draft({"-n-": "ann"}, {"-n-": value}, reply_to=("-n-@example.com",)), InvalidReplyTo, "reply_to")
            for value in ("", "a b", "a,b@c", "a@b", "a\nb", "a<b", "a\u200bb", "\u2028", "x" * 400)
        ],
        (draft({"-h-": ".b"}, reply_to=("a@-h-",)), InvalidReplyTo, "reply_to"),
        (draft({"-all-": "ann"}, reply_to=("-all-",)), InvalidReplyTo, "reply_to"),
        (draft({"-all-": "a@example.com"}, {}, reply_to=("-all-",)), InvalidReplyTo, "reply_to"),
        (draft({"-n-": "x" * 999}, reply_to=("a@example.com",), name="-n-"), InvalidReplyTo, "reply_to"),
    ],
)
def test_headers_that_cannot_be_composed_are_refused(refused: MailDraft, kind: type[SluiceError], field: str) -> None:
    with pytest.raises(kind) as error:
        check_headers(refused)
    assert error.value.field == field


def test_the_work_is_bounded_for_every_request() -> None:
    many_keys = [{f"{n}.{key}": "" for key in range(5000)} for n in range(10)]
    many_values = [{"-": str(n)} for n in range(1000)]
    addresses = tuple(f"{n}-@example.com" for n in range(1000))
    started = time.thread_time()
    for hostile in (
        draft(*many_keys, reply_to=addresses, name="x" * 998),
        draft(*many_values, reply_to=addresses),
        draft({"a": "x" * 10_000}, reply_to=("a" * 300 + "@b",)),
    ):
        with pytest.raises(InvalidReplyTo):
            check_headers(hostile)
    assert time.thread_time() - started < 5, "unbounded, this takes minutes"
