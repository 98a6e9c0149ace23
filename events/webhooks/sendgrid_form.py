"""Write events as SendGrid's event webhook does, in an array, signed with ECDSA.

Receivers recognize events by their fields, so no event has a field that SendGrid does not have. `processed` is not
stored: it comes directly before the first outcome of an attempt to deliver to a recipient, in the same body. Its id is
made from the message, so it is always the same.

The source of names and fields is Twilio SendGrid's "Event Webhook Reference".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from django.conf import settings

from events.log.reading import ATTEMPTS, Happened, LateFacts, MailFacts
from events.models import Endpoint
from events.webhooks.kinds import SendGridKind
from events.webhooks.secrets import decrypt
from events.webhooks.signing import sign_with_key
from mailer.compose.caller_headers import message_id_of
from mailer.models import Classification, EventKind, LateKind, SuppressionKind
from mailer.outcomes.classes import STATUS
from mailer.transports.smtp.url import SmtpAddress, StartTls

Fields = dict[str, Any]

RESERVED: Final = frozenset(
    {"email", "timestamp", "event", "smtp-id", "sg_event_id", "sg_message_id", "category", "asm_group_id"}
    | {"reason", "response", "status", "attempt", "type", "tls", "ip", "useragent", "url", "url_offset"}
    | {"domain", "from"}
    | {"bounce_classification", "send_at", "pool", "newsletter", "post_type", "cert_err", "mc_stats", "phase_id"}
    | {"marketing_campaign_id", "marketing_campaign_name", "marketing_campaign_version", "marketing_campaign_split_id"}
    | {"singlesend_id", "singlesend_name", "template_id", "template_version_id", "sg_template_id", "sg_template_name"}
    | {"sg_machine_open", "sg_content_type"}
)
"""The names of fields that no custom argument may have, since receivers give them a meaning."""
HARD: Final = frozenset({SuppressionKind.BOUNCE, SuppressionKind.INVALID})
REASONS: Final = {
    SuppressionKind.BOUNCE: "Bounced Address",
    SuppressionKind.SPAM: "Spam Reporting Address",
    SuppressionKind.GLOBAL: "Unsubscribed Address",
    SuppressionKind.GROUP: "Unsubscribed Address",
    SuppressionKind.INVALID: "Invalid",
}
"""The reasons of dropped mail, by the list of the recipient."""
CANCELLED: Final = "Cancelled"
EXPIRED: Final = "Expired"
OWN_NAMES: Final = {
    EventKind.STOPPED: "stopped",
    EventKind.RETAINED: "retained",
    EventKind.HELD: "held",
    EventKind.IN_DOUBT: "in_doubt",
}
"""The names of the events that SendGrid does not have."""
WITHOUT_MESSAGE_ID: Final = frozenset({"unsubscribe", "group_unsubscribe", "group_resubscribe"})
"""The events that are not about a delivery."""
BITS: Final = {
    "processed": int(SendGridKind.PROCESSED),
    "delivered": int(SendGridKind.DELIVERED),
    "deferred": int(SendGridKind.DEFERRED),
    "bounce": int(SendGridKind.BOUNCE),
    "dropped": int(SendGridKind.DROPPED),
    "open": int(SendGridKind.OPEN),
    "click": int(SendGridKind.CLICK),
    "unsubscribe": int(SendGridKind.UNSUBSCRIBE),
    "group_unsubscribe": int(SendGridKind.GROUP_UNSUBSCRIBE),
    "group_resubscribe": int(SendGridKind.GROUP_RESUBSCRIBE),
}


class SendGridForm:
    """The form of SendGrid's dialect."""

    def __init__(self, *, gets_own_events: bool) -> None:
        self._gets_own_events = gets_own_events
        self._domain = settings.MESSAGE_ID_DOMAIN
        self._tls = _tls_of(settings.TRANSPORT, settings.SMTP_URL)

    def write(self, event: Happened, kinds: int) -> list[Mapping[str, Any]]:
        """Return the event and, before the first attempt to deliver, `processed`, if the endpoint gets them."""
        name_and_fields = _name(event)
        if name_and_fields is None:
            return self._write_own(event)
        name, fields = name_and_fields
        shared = _shared(event)
        custom = _custom(event)
        if name not in WITHOUT_MESSAGE_ID:
            shared["smtp-id"] = message_id_of(event.mail, event.message_id, event.personal, domain=self._domain)
        events: list[Mapping[str, Any]] = []
        if event.is_first and event.kind in ATTEMPTS and kinds & BITS["processed"]:
            id = f"{event.message_id}-{event.number}-processed"
            send_at = event.personal.get("send_at", event.mail.send_at)
            schedule = {} if send_at is None else {"send_at": send_at}
            events.append({"event": "processed", "sg_event_id": id, **shared, **schedule, **custom})
        if kinds & BITS[name]:
            tls = self._write_tls(event) if event.kind in ATTEMPTS else {}
            events.append({"event": name, "sg_event_id": event.id, **shared, **fields, **tls, **custom})
        return events

    def _write_tls(self, event: Happened) -> Fields:
        """Return whether an attempt to deliver was encrypted.

        Where that was not stored, the settings are used.
        """
        return self._tls if event.is_encrypted is None else {"tls": int(event.is_encrypted)}

    def _write_own(self, event: Happened) -> list[Mapping[str, Any]]:
        """Return an event that SendGrid does not have, if the endpoint gets these."""
        if event.late is not None:
            return []
        name = OWN_NAMES.get(EventKind(event.kind))
        if name is None or not self._gets_own_events:
            return []
        fields = {"event": name, "sg_event_id": event.id, "reason": event.reply}
        return [{**fields, **_shared(event), **_custom(event)}]

    def join(self, events: Sequence[bytes], last_at: float) -> bytes:
        """Return an array, in which the events of each message begin a line."""
        return b"[%b]\r\n" % b",\r\n".join(events)

    def sign(self, endpoint: Endpoint, delivery_id: str, timestamp: int, body: bytes) -> dict[str, str]:
        """Return the headers of SendGrid's signature, if the endpoint has a key."""
        if endpoint.private_key is None:
            return {}
        return sign_with_key(decrypt(endpoint.private_key), timestamp, body)


def _name_late(event: Happened, late: LateFacts) -> tuple[str, Fields] | None:
    """Return the name and the fields of an open or a click. SendGrid has no mark for the click of a machine."""
    fields: Fields = {"useragent": late.user_agent}
    if late.address is not None:
        fields["ip"] = late.address
    if event.kind == LateKind.OPENED:
        return "open", {**fields, "sg_machine_open": late.is_machine, "sg_content_type": "html"}
    if late.is_machine:
        return None
    offset = {"index": late.link, "type": "html" if late.is_html else "text"}
    return "click", {**fields, "url": late.url, "url_offset": offset}


def _name(event: Happened) -> tuple[str, Fields] | None:
    """Return SendGrid's name of an event and the fields of this kind; None if SendGrid does not have it."""
    if event.late is not None:
        return _name_late(event, event.late)
    reply = event.reply or ""
    match event.kind:
        case EventKind.SENT:
            return "delivered", {"response": reply}
        case EventKind.REFUSED:
            return "bounce", _bounce_of(event, reply)
        case EventKind.DEFERRED if not event.is_decision:
            attempt = {"response": reply, "attempt": str(event.attempt), "domain": _domain_of(event.recipient)}
            return "deferred", {**attempt, "from": _sender_of(event)}
        case EventKind.DROPPED:
            reason = REASONS.get(SuppressionKind(event.suppression), reply) if event.suppression else reply
            return "dropped", {"reason": reason, "status": "5.0.0"}
        case EventKind.DISCARDED:
            return "dropped", {"reason": CANCELLED, "status": "5.0.0"}
        case EventKind.EXPIRED:
            return "dropped", {"reason": EXPIRED, "status": "5.0.0"}
        case EventKind.UNSUBSCRIBED:
            return "group_unsubscribe" if event.suppression == SuppressionKind.GROUP else "unsubscribe", {}
        case EventKind.RESUBSCRIBED if event.suppression == SuppressionKind.GROUP:
            return "group_resubscribe", {}
    return None


def _shared(event: Happened) -> Fields:
    """Return the fields of an event that do not depend on its kind."""
    mail = event.mail
    fields: Fields = {
        "email": event.recipient,
        "timestamp": int(event.at),
        "sg_message_id": f"{mail.public_id}.sluice.{event.message_id}.{event.number}",
    }
    if mail.categories:
        fields["category"] = mail.categories[0] if len(mail.categories) == 1 else mail.categories
    if mail.group_id is not None:
        fields["asm_group_id"] = mail.group_id
    if mail.template_id is not None:
        fields["sg_template_id"] = mail.template_id
    if mail.campaign_id is not None:
        fields |= _campaign_fields(mail)
    return fields


def _campaign_fields(mail: MailFacts) -> Fields:
    """Return the fields of mail of a campaign, which is a Single Send and a legacy campaign as well."""
    return {
        "marketing_campaign_id": mail.campaign_id,
        "marketing_campaign_name": mail.campaign_title,
        "singlesend_id": mail.campaign_uuid,
        "singlesend_name": mail.campaign_title,
        "mc_stats": "singlesend",
    }


def _custom(event: Happened) -> Fields:
    """Return the custom arguments of an event as fields."""
    personal_args = event.personal.get("custom_args")
    if not personal_args and not event.mail.custom_args:
        return {}
    custom_args = {**event.mail.custom_args, **personal_args} if personal_args else event.mail.custom_args
    return {name: value for name, value in custom_args.items() if name not in RESERVED}


def _bounce_of(event: Happened, reply: str) -> Fields:
    """Return the fields of a refusal. It is a bounce if the address does not work, and blocked otherwise."""
    status = STATUS.search(reply)
    return {
        "reason": reply,
        "status": status[1] if status else f"{reply[0] if reply[:1] in ('4', '5') else 5}.0.0",
        "type": "bounce" if event.suppression in HARD else "blocked",
        "bounce_classification": Classification(event.classification or Classification.UNCLASSIFIED).event_name,
    }


def _sender_of(event: Happened) -> str:
    sender: Sequence[str] = event.personal.get("from") or (event.mail.sender,)
    return sender[0]


def _domain_of(recipient: str) -> str:
    return recipient.rpartition("@")[2]


@lru_cache(maxsize=4)
def _tls_of(transport: str, url: str) -> Fields:
    """Return the field that says whether mail is sent with TLS; no field if that depends on the offers of the peer."""
    if transport != "smtp":
        return {}
    address = SmtpAddress.parse(url)
    if address.is_implicit_tls or address.starttls is StartTls.ALWAYS:
        return {"tls": 1}
    return {"tls": 0} if address.starttls is StartTls.NEVER else {}
