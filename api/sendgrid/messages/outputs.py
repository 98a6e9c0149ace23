"""Write messages and their events as the Email Activity API has them.

Some values are not recorded here: the key and the teammate that sent a message, and the addresses of hosts. They are
empty texts, which SendGrid's document does not have for all of them.
"""

from __future__ import annotations

import json
from typing import Any, Final

from api.sendgrid.errors import Refusal
from api.sendgrid.outputs import write_time
from mailer.activity.records import Activity, Happening, Name

LONGEST_REASON: Final = 1024
MOST_ATTEMPTS: Final = 10
"""The highest `attempt_num` of SendGrid's document. There can be more attempts here."""


def envelope(refusal: Refusal) -> dict[str, Any]:
    """Return the body of a refusal: the message, and the field if the problem has one."""
    return {
        "errors": [
            {"message": problem.message, **({} if problem.field is None else {"field": problem.field})}
            for problem in refusal.problems
        ]
    }


def message_line(activity: Activity) -> dict[str, Any]:
    """Return a message as an entry of a list."""
    return {
        **_common(activity),
        "opens_count": activity.opens,
        "clicks_count": activity.clicks,
        "last_event_time": write_time(activity.last_event_time),
    }


def message(activity: Activity) -> dict[str, Any]:
    """Return a message with its events, the oldest first."""
    return {
        **_common(activity),
        "template_id": activity.template_id or "",
        "asm_group_id": activity.asm_group_id,
        "teammate": "",
        "api_key_id": "",
        "events": [event(each) for each in activity.events],
        "originating_ip": "",
        "categories": activity.mail.categories,
        "unique_args": json.dumps(activity.custom_args, ensure_ascii=False, separators=(",", ":")),
        "outbound_ip": "",
        # The installation shares its servers with nobody.
        "outbound_ip_type": "dedicated",
    }


def event(happening: Happening) -> dict[str, Any]:
    """Return an event. A refusal that says nothing about the address itself is a soft bounce."""
    attempt = happening.attempt
    return {
        "event_name": happening.name.value,
        "processed": write_time(happening.at),
        **({"reason": happening.reason[:LONGEST_REASON]} if happening.reason else {}),
        **({} if attempt is None else {"attempt_num": min(attempt, MOST_ATTEMPTS)}),
        "bounce_type": ("hard" if happening.is_hard else "soft") if happening.name is Name.BOUNCED else "",
        "http_user_agent": happening.user_agent,
        "mx_server": "",
    }


def _common(activity: Activity) -> dict[str, Any]:
    return {
        "from_email": activity.from_email,
        "msg_id": activity.msg_id,
        "subject": activity.subject or "",
        "to_email": activity.to_email,
        "status": activity.status.value,
    }
