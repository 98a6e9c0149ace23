"""Name the system tags of a draft that are sent as they are written, because the request gives them no value."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Final, NamedTuple

from accounts.models import Account
from mailer.compose.links import resolved_names
from mailer.compose.system_tags import WEBLINK, SystemTag
from mailer.draft import MailDraft, Rendering

RESOLVED: Final = frozenset({WEBLINK, "sender_name", "sender_email"})
"""The names of the tags that every mail resolves."""

MOST_TAGS: Final = 200
"""The most tags that are examined."""
COMPARED: Final = 2_000_000
"""The most comparisons of tags with keys for one request, unless a single tag takes more."""


class Unresolved(NamedTuple):
    """A tag as it was written, and the part of the mail that has it."""

    tag: str
    part: str


def find_unresolved(account: Account, draft: MailDraft, tags: Sequence[tuple[str, SystemTag]]) -> list[Unresolved]:
    """Return the first tags of a draft that will be sent as written, in their order. No part names a tag twice."""
    rendering: Rendering = draft.rendering or {}
    if tags := _not_resolved(tags, draft, rendering):
        # The defaults are read only for mail with such tags.
        tags = _not_resolved(tags, draft, {**(account.mail_defaults or {}), **rendering})
    unresolved = dict.fromkeys(Unresolved(tag.text, part) for part, tag in tags)
    keys = sum([len(person.substitutions) for person in draft.personalizations])
    examined = islice(unresolved, max(1, min(MOST_TAGS, COMPARED // (keys + 1))))
    return [candidate for candidate in examined if not _is_replaced(candidate.tag, draft)]


def _not_resolved(
    tags: Sequence[tuple[str, SystemTag]], draft: MailDraft, rendering: Rendering
) -> list[tuple[str, SystemTag]]:
    """Return the tags that a mail with this rendering does not replace."""
    subscription = rendering.get("subscription")
    names = RESOLVED | resolved_names(
        has_links=draft.unsubscribe_group is not None or bool(draft.unsubscribe_url),
        is_global=draft.template is not None or subscription is not None,
    )
    chosen_tags = {*(rendering.get("pixel_tags") or ()), subscription["tag"] if subscription else ""}
    return [(part, tag) for part, tag in tags if tag.name not in names and tag.text not in chosen_tags]


def _is_replaced(tag: str, draft: MailDraft) -> bool:
    """Return whether substitutions of every message replace a tag, or a part of it."""
    return all(any(key and key in tag for key in person.substitutions) for person in draft.personalizations)
