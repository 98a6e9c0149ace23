"""Read the body of POST /v3/mail/send into a `MailDraft`, or a refusal that names every fault."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, cast

from django.http import HttpRequest
from pydantic import ValidationError

from api.http import parse_json, read_body
from api.sendgrid.errors import Problem, Refusal, plain_refusal
from api.sendgrid.mail import rules, types
from api.sendgrid.mail.rules import read_bypasses
from api.sendgrid.mail.settings import copy_address, read_rendering, with_copy
from api.sendgrid.mail.texts import Finding, Loc, schema_finding
from api.sendgrid.mail.types import MAIL
from foundation.json_values import has_infinity
from mailer.draft import Address, Attachment, ContentPart, MailDraft, Personalization

JSON_TYPE = "application/json"
RENDERING_FIELDS = frozenset({"sections", "mail_settings", "tracking_settings"})
MAX_PROBLEMS = 2000
"""The most broken rules that an answer names. A body of thirty megabytes can break many more."""


@dataclass(frozen=True, slots=True)
class MailRequest:
    """A mail, and whether the request only checks if it would be accepted."""

    draft: MailDraft
    is_sandboxed: bool
    template_id: str | None = None
    """The template that the mail is made with; it is looked up later (`templates.py`)."""


def read_mail(request: HttpRequest, now: dt.datetime) -> MailRequest:
    """Return the mail of a request that comes at the moment `now`.

    Raises Refusal, and BadBody for a body that is not JSON.
    """
    if request.content_type != JSON_TYPE:
        raise plain_refusal(415)
    body = read_body(request)
    if not body:
        raise plain_refusal(415)
    return parse_mail(body, now)


def parse_mail(body: bytes, now: dt.datetime) -> MailRequest:
    """Return the mail of a body, after checking the types and then the rules between the parts."""
    raw = parse_json(body)
    if not isinstance(raw, dict):
        raise plain_refusal(400)
    if too_many := count_problem(raw):
        raise Refusal(400, too_many.to_problem())
    mail, findings = check_types(raw)
    findings += islice(rules.find_problems(mail, now), MAX_PROBLEMS)
    if findings:
        raise Refusal(400, *in_document_order(raw, findings))
    return MailRequest(to_draft(mail, now), is_sandboxed(mail), mail.get("template_id"))


def check_types(raw: dict[str, Any]) -> tuple[Mapping[str, Any], list[Finding]]:
    """Return the typed body and no findings, or the raw body and the findings.

    In the raw body every part that has a finding is None.
    """
    try:
        return cast("Mapping[str, Any]", MAIL.validate_python(raw, strict=True)), []
    except ValidationError as error:
        errors = [(item["loc"], item["type"]) for item in error.errors(include_url=False, include_context=False)]
    findings = [schema_finding(loc, kind, value_at(raw, loc)) for loc, kind in errors]
    return without_parts(raw, [loc for loc, _ in errors]), findings


def value_at(node: Any, loc: Loc) -> Any:
    for part in loc:
        if isinstance(node, dict):
            node = node.get(cast("str", part))
        elif isinstance(node, list) and isinstance(part, int) and part < len(node):
            node = node[part]
    return node


def without_parts(raw: dict[str, Any], locs: Iterable[Loc]) -> dict[str, Any]:
    """Return a copy in which the parts that hold these locations are None.

    A part is a value at the top level, or a value of a personalization.
    """
    mail = dict(raw)
    people = mail.get("personalizations")
    if isinstance(people, list):
        mail["personalizations"] = people = [dict(entry) if isinstance(entry, dict) else None for entry in people]
    for loc in locs:
        match loc:
            case ("personalizations", int(index), str(name), *_) if people is not None:
                if name in people[index]:
                    people[index][name] = None
            case ("personalizations", int(), *_):
                pass
            case (str(name), *_) if name in mail:
                mail[name] = None
    return mail


def in_document_order(raw: dict[str, Any], findings: list[Finding]) -> list[Problem]:
    """Return the problems in the order of the body. A missing part comes last in its object."""
    ranks: dict[int, dict[str, int]] = {}
    return [finding.to_problem() for finding in sorted(findings, key=lambda finding: place_of(raw, finding.loc, ranks))]


def place_of(node: Any, loc: Loc, ranks: dict[int, dict[str, int]]) -> tuple[int, ...]:
    """Return the place of a problem in the body.

    `ranks` keeps the order of each object's keys, since a body may have a million keys and thousands of mistakes.
    """
    place = []
    for part in loc:
        if isinstance(part, int):
            place.append(part)
            node = node[part] if isinstance(node, list) else None
        elif isinstance(node, dict):
            if id(node) not in ranks:
                ranks[id(node)] = {key: rank for rank, key in enumerate(node)}
            place.append(ranks[id(node)].get(part, len(node)))
            node = node.get(part)
    return tuple(place)


def to_draft(mail: Mapping[str, Any], now: dt.datetime) -> MailDraft:
    """Return the draft for the core, from a body without problems."""
    reply_to = [mail["reply_to"]] if "reply_to" in mail else mail.get("reply_to_list", ())
    return MailDraft(
        sender=to_address(mail["from"]),
        personalizations=to_personalizations(mail, now),
        content=tuple(ContentPart(block["type"].lower(), block["value"]) for block in mail.get("content", ())),
        subject=mail.get("subject", ""),
        attachments=tuple(to_attachment(entry) for entry in mail.get("attachments", ())),
        reply_to=to_addresses(reply_to),
        headers=mail.get("headers", {}),
        custom_args=mail.get("custom_args", {}),
        categories=tuple(mail.get("categories", ())),
        send_at=to_time(mail, now),
        batch_id=mail.get("batch_id"),
        unsubscribe_group=mail["asm"]["group_id"] if "asm" in mail else None,
        groups_to_display=tuple(mail["asm"].get("groups_to_display", ())) if "asm" in mail else (),
        bypass=read_bypasses(mail),
        rendering=read_rendering(mail) if not RENDERING_FIELDS.isdisjoint(mail) else None,
    )


def to_personalizations(mail: Mapping[str, Any], now: dt.datetime) -> tuple[Personalization, ...]:
    """Return the messages. Only dynamic templates have data. Raises Refusal for data that cannot be stored."""
    people = [to_personalization(personalization, now) for personalization in mail["personalizations"]]
    if rules.is_dynamic(mail):
        values = [personalization.get("dynamic_template_data") for personalization in mail["personalizations"]]
        if has_infinity(values):
            raise plain_refusal(400)
        people = [person._replace(data=data) for person, data in zip(people, values, strict=True)]
    if "mail_settings" in mail and (copy := copy_address(mail)):
        people = [with_copy(person, copy) for person in people]
    return tuple(people)


def to_personalization(personalization: Mapping[str, Any], now: dt.datetime) -> Personalization:
    return Personalization(
        to_addresses(personalization["to"]),
        to_addresses(personalization["cc"]) if "cc" in personalization else (),
        to_addresses(personalization["bcc"]) if "bcc" in personalization else (),
        to_address(personalization["from"]) if "from" in personalization else None,
        personalization.get("subject"),
        personalization.get("headers", {}),
        rules.without_nulls(personalization.get("substitutions") or {}),
        personalization.get("custom_args", {}),
        to_time(personalization, now),
    )


def to_addresses(entries: Iterable[Mapping[str, str]]) -> tuple[Address, ...]:
    return tuple([Address(entry["email"], entry.get("name", "")) for entry in entries])


def to_address(entry: Mapping[str, str]) -> Address:
    return Address(entry["email"], entry.get("name", ""))


def to_attachment(entry: Mapping[str, str]) -> Attachment:
    """Return an attachment. A type of a single word is left out: the composer then writes application/octet-stream."""
    kind = entry.get("type", "")
    return Attachment(
        content=rules.unbroken(entry["content"]),
        filename=entry["filename"],
        type=kind if "/" in kind else "",
        disposition=entry.get("disposition", "attachment"),
        content_id=entry.get("content_id", ""),
    )


def to_time(part: Mapping[str, Any], now: dt.datetime) -> dt.datetime | None:
    """Return the time to send at, or None. A time in the past means now."""
    field = rules.time_field(part)
    if field is None:
        return None
    seconds: int = part[field]
    return dt.datetime.fromtimestamp(seconds, dt.UTC) if seconds > now.timestamp() else now


def is_sandboxed(mail: Mapping[str, Any]) -> bool:
    return bool(mail.get("mail_settings", {}).get("sandbox_mode", {}).get("enable", False))


def count_problem(mail: Mapping[str, Any]) -> Finding | None:
    """Return what is wrong with the number of personalizations or recipients.

    It is checked first, on the untyped body, since it bounds the cost of all other checks.
    """
    people = mail.get("personalizations")
    if not isinstance(people, list):
        return None
    if len(people) > types.MAX_PERSONALIZATIONS:
        return Finding(
            ("personalizations",),
            "The personalization block is limited to 1000 personalizations per API request. You have provided "
            f"{len(people)} personalizations. Please consider splitting this into multiple requests and resending your "
            "request.",
        )
    recipients = 0
    for personalization in people:
        if isinstance(personalization, dict):
            for kind in ("to", "cc", "bcc"):
                if isinstance(addresses := personalization.get(kind), list):
                    recipients += len(addresses)
    if recipients > types.MAX_RECIPIENTS:
        return Finding(("personalizations",), "There is a limit of 1000 total recipients (to + cc + bcc) per request.")
    return None
