"""Describe the errors in the types and forms of a mail/send body in SendGrid's words.

`TEXTS` is keyed by the path without its indexes and by pydantic's name for the error. Every other error is an error of
type, which has one sentence for all fields. Sources: texts seen in real answers, then the published table of errors;
sentences of our own, where neither has one, are marked as ours.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from api.sendgrid.errors import Problem
from api.sendgrid.mail import types
from api.sendgrid.values import MAX_LINE_LENGTH

Loc = tuple[str | int, ...]
HELP_PAGE = "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html#"
LONGEST_SHOWN = 300


class Finding(NamedTuple):
    """An error in a body: its path, its text, and its anchor on the help page ("" for no anchor)."""

    loc: Loc
    message: str
    anchor: str | None = None

    def to_problem(self) -> Problem:
        anchor = anchor_of(self.loc) if self.anchor is None else self.anchor
        return Problem(self.message, ".".join(map(str, self.loc)), HELP_PAGE + anchor if anchor else None)


EXPECTED_NAMES = {
    "string_type": "string",
    "int_type": "integer",
    "bool_type": "boolean",
    "list_type": "array",
    "dict_type": "object",
    "literal_error": "string",
}
ACTUAL_NAMES = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}

EXAMPLE = ' e.g. {"email": "example@example.com"} or {"email": "example@example.com", "name": "Example Recipient"}'
ONE_PERSONALIZATION = "The personalizations field is required and must have at least one personalization."
TO_REQUIRED = (
    "The to array is required for all personalization objects, and must have at least one email object with a valid "
    "email address."
)
FROM_REQUIRED = (
    "The from object must be provided for every email send. It is an object that requires the email parameter, but may "
    'also contain a name parameter.  e.g. {"email" : "example@example.com"}  or {"email" : "example@example.com", '
    '"name" : "Example Recipient"}.'
)
FROM_INVALID = "The from email does not contain a valid address."
ADDRESS_INVALID = "Does not contain a valid address."
REPLY_TO_INVALID = (
    "The reply_to object, when used, must at least have an email parameter with a valid email address and it may also "
    "contain a name parameter." + EXAMPLE
)
REPLY_TO_LIST_INVALID = (
    "The reply_to_list object, when used, must at least have an email parameter and may also contain a name parameter"
)
SUBJECT_EMPTY = "The subject of your email must be a string at least one character in length."
CONTENT_EMPTY = "The content value must be a string at least one character in length."
FILE_LINE = "The {} of your attachment cannot contain CRLF characters."
POOL_INVALID = "The IP Pool name must be a valid pool name for your account. You provided {given}."
LINE_TOO_LONG = "The {} exceeds the maximum total length of {} characters"  # ours
TOO_MANY = "There is a limit of {} {} for each email that is sent."  # ours, after the one for categories
TOO_LONG = "The {} email exceeds the maximum total length of 320 characters"
NO_LINE_BREAKS = "The {} cannot contain CRLF characters."  # ours

TEXTS: dict[tuple[str, str], str] = {
    ("personalizations", "missing"): ONE_PERSONALIZATION,
    ("personalizations", "too_short"): ONE_PERSONALIZATION,
    ("personalizations.to", "missing"): TO_REQUIRED,
    ("personalizations.to", "too_short"): TO_REQUIRED,
    ("personalizations.from.email", "missing"): FROM_REQUIRED,
    ("personalizations.from.email", "string_pattern_mismatch"): FROM_INVALID,
    ("personalizations.from.email", "string_too_long"): TOO_LONG.format("From"),
    ("personalizations.from.name", "string_pattern_mismatch"): NO_LINE_BREAKS.format("name"),
    ("personalizations.subject", "string_too_short"): SUBJECT_EMPTY,
    ("personalizations.subject", "string_pattern_mismatch"): NO_LINE_BREAKS.format("subject"),
    ("from", "missing"): FROM_REQUIRED,
    ("from.email", "missing"): FROM_REQUIRED,
    ("from.email", "string_pattern_mismatch"): FROM_INVALID,
    ("from.email", "string_too_long"): TOO_LONG.format("From"),
    ("from.name", "string_pattern_mismatch"): NO_LINE_BREAKS.format("name"),
    ("reply_to.email", "missing"): REPLY_TO_INVALID,
    ("reply_to.email", "string_pattern_mismatch"): REPLY_TO_INVALID,
    ("reply_to.email", "string_too_long"): TOO_LONG.format("Reply-To"),
    ("reply_to.name", "string_pattern_mismatch"): NO_LINE_BREAKS.format("name"),
    ("reply_to_list", "too_long"): f"There is a limit of {types.MAX_REPLY_TO} reply_to_list addresses.",  # ours
    ("reply_to_list.email", "missing"): REPLY_TO_LIST_INVALID,
    ("reply_to_list.email", "string_pattern_mismatch"): ADDRESS_INVALID,
    ("reply_to_list.email", "string_too_long"): TOO_LONG.format("Reply-To"),
    ("reply_to_list.name", "string_pattern_mismatch"): NO_LINE_BREAKS.format("name"),
    ("subject", "string_too_short"): SUBJECT_EMPTY,
    ("subject", "string_pattern_mismatch"): NO_LINE_BREAKS.format("subject"),
    ("batch_id", "string_too_long"): "invalid batch id",
    ("content", "too_long"): TOO_MANY.format(types.MAX_CONTENTS, "content blocks"),
    ("attachments", "too_long"): TOO_MANY.format(types.MAX_ATTACHMENTS, "attachments"),
    ("content.type", "missing"): ("A content type is required, this tells email clients how to display the email."),
    ("content.type", "string_too_short"): ("Your content type must be a string with length of at least one character."),
    ("content.value", "missing"): "A content value is required, this is the content of the email you are sending.",
    ("content.value", "string_too_short"): CONTENT_EMPTY,
    ("attachments.content", "missing"): "The attachment content is required.",
    ("attachments.content", "string_too_short"): (
        "The attachment content must be a string at least one character in length."
    ),
    ("attachments.filename", "missing"): "filename is required.",
    ("attachments.filename", "string_pattern_mismatch"): FILE_LINE.format("filename"),
    ("attachments.content_id", "string_pattern_mismatch"): FILE_LINE.format("content ID"),
    ("attachments.type", "string_too_short"): (
        "The attachment type must be a string and at least one character in length."
    ),
    ("attachments.disposition", "literal_error"): (
        "The disposition of your attachment can be either 'inline' or 'attachment'."
    ),
    ("asm.group_id", "missing"): "The ASM group ID must be an integer.",
    ("asm.groups_to_display", "too_long"): (
        "There is a limit of 25 unsubscribe groups that can be displayed to a user at a time."
    ),
    ("ip_pool_name", "string_too_short"): POOL_INVALID,
    ("ip_pool_name", "string_too_long"): POOL_INVALID,
}
for _list, _title in (("to", "To"), ("cc", "CC"), ("bcc", "BCC")):
    TEXTS |= {
        (f"personalizations.{_list}.email", "missing"): f"The {_list} email parameter is required.",
        (f"personalizations.{_list}.email", "string_pattern_mismatch"): ADDRESS_INVALID,
        (f"personalizations.{_list}.email", "string_too_long"): TOO_LONG.format(_title),
        (f"personalizations.{_list}.name", "string_pattern_mismatch"): NO_LINE_BREAKS.format("name"),
    }

ADDRESS_HOLDERS = frozenset({"from", "to", "cc", "bcc", "reply_to", "reply_to_list"})


def schema_finding(loc: Loc, kind: str, value: Any) -> Finding:
    """Return the finding for an error of pydantic. `value` is the value at `loc`, or None if it is missing."""
    text = TEXTS.get((path_of(loc), kind))
    if text is None and kind == "string_too_long":
        return Finding(loc, LINE_TOO_LONG.format(loc[-1], MAX_LINE_LENGTH))
    if text is None:
        actual = ACTUAL_NAMES.get(type(value), "null")
        return Finding(loc, f"Invalid type. Expected: {EXPECTED_NAMES[kind]}, given: {actual}.")
    return Finding(loc, text.replace("{given}", shown(value)) if isinstance(value, str) else text)


def shown(text: str) -> str:
    """Return a text of the caller, cut to a length that fits in an answer."""
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def path_of(loc: Loc) -> str:
    """Return the dotted path without indexes."""
    return ".".join(part for part in loc if isinstance(part, str))


def anchor_of(loc: Loc) -> str:
    """Return the help page's anchor of a field. The parts of an address have the anchor of the field that holds it."""
    parts = [part for part in loc if isinstance(part, str)]
    if len(parts) > 1 and parts[-2] in ADDRESS_HOLDERS:
        parts.pop()
    return "-Personalizations-Errors" if parts == ["personalizations"] else f"message.{'.'.join(parts)}"
