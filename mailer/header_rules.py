"""Header rules: which headers a caller may give, and which Message-ID and Reply-To, with the values of each message.

What is accepted here is what the composer writes. The work is bounded by the size of the request: nothing is filled in
further than a header may be long.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from foundation.addresses import is_address
from mailer.checking import PEOPLE
from mailer.compose.caller_headers import LONGEST_MESSAGE_ID, SERVER_HEADERS, fill_message_id, find_message_id
from mailer.compose.reply_to import fill_reply_to, text_of
from mailer.draft import Address, MailDraft
from mailer.errors import InvalidMessageId, InvalidReplyTo, ReservedHeader

SEARCHED: Final = 500_000_000
"""The most characters of Reply-To that are searched for the keys of one request."""
FILLED: Final = 50_000
"""The most addresses of Reply-To that are made of keys for one request."""

WRITTEN_BY_SERVER: Final = "{} is written by the server and cannot be set"
MESSAGE_ID_RULE: Final = (
    f"the Message-ID must have the form <left@right> of RFC 5322 with at most {LONGEST_MESSAGE_ID} ASCII characters, "
    "with its substitutions"
)
REPLY_TO_RULE: Final = "the reply_to is not a valid address with the substitutions of {where}"
REPLY_TO_SIZE: Final = "there are too many substitutions for so many reply_to addresses"


def check_headers(draft: MailDraft) -> None:
    """Accept a draft whose headers can be written for each of its messages. Its characters were checked before.

    Raises ReservedHeader, InvalidMessageId and InvalidReplyTo.
    """
    check_names(draft.headers, field="headers")
    shared = find_message_id(draft.headers) if draft.headers else None
    for number, one in enumerate(draft.personalizations):
        if one.headers or shared is not None:
            _check_own(one.headers, one.substitutions, shared, field=f"{PEOPLE}.{number}.headers")
    if draft.reply_to:
        check_reply_to(draft)


def check_names(headers: Mapping[str, str], *, field: str) -> None:
    """Accept headers none of which only the server writes. Raises ReservedHeader."""
    for name in headers:
        if name.lower() in SERVER_HEADERS:
            raise ReservedHeader(WRITTEN_BY_SERVER.format(name), field=field)


def _check_own(headers: Mapping[str, str], values: Mapping[str, str], shared: str | None, *, field: str) -> None:
    check_names(headers, field=field)
    own = find_message_id(headers)
    text = shared if own is None else own
    if text is not None and fill_message_id(text, values) is None:
        raise InvalidMessageId(MESSAGE_ID_RULE, field="headers" if own is None else field)


def check_reply_to(draft: MailDraft) -> None:
    """Accept a draft whose Reply-To has addresses only, with the substitutions of each message. Raises
    InvalidReplyTo."""
    people, text = draft.personalizations, text_of(draft.reply_to)
    if sum([len(one.substitutions) for one in people]) * len(text) > SEARCHED:
        raise InvalidReplyTo(REPLY_TO_SIZE, field="reply_to")
    keys = {key for key in set().union(*[one.substitutions for one in people]) if key and key in text}
    if not keys:
        _check_addresses(draft.reply_to, where="the mail")
        return
    checked: set[tuple[tuple[str, str], ...]] = set()
    for number, one in enumerate(people):
        values = tuple([(key, one.substitutions[key]) for key in keys if key in one.substitutions])
        if values in checked:
            continue
        checked.add(values)
        if len(checked) * len(draft.reply_to) > FILLED:
            raise InvalidReplyTo(REPLY_TO_SIZE, field="reply_to")
        _check_addresses(fill_reply_to(draft.reply_to, dict(values)), where=f"{PEOPLE}.{number}")


def _check_addresses(addresses: Sequence[Address] | None, *, where: str) -> None:
    if addresses is None or not all(is_address(email) for email, _ in addresses):
        raise InvalidReplyTo(REPLY_TO_RULE.format(where=where), field="reply_to")
