"""Let the holder of a link unsubscribe from a group or from all mail, subscribe again, and choose among groups.

A link that names an address is enough, because its holder has the mail it came with. The link of a message to several
recipients names no address and allows nothing by itself; `own_link.py` mails a personal link to each recipient who asks
for one.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from django.db import transaction

from accounts.models import Account
from batches.models import PARCEL_SPAN, Parcel
from foundation.clock import database_now
from mailer.models import EventKind, Mail, Message, SuppressionKind, UnsubscribeGroup
from mailer.outcomes.providers import group_of
from mailer.outcomes.reading import read_events
from mailer.outcomes.writing import Entry, NewEvent, write_events
from mailer.sealing import BadLink
from mailer.suppressions import queries
from mailer.suppressions.groups import MAX_GROUPS_TO_DISPLAY, living_groups
from mailer.suppressions.links import Link
from mailer.suppressions.lists import New, find_suppressed, groups_left, suppress, unsuppress

CHANGES: Final = (EventKind.UNSUBSCRIBED, EventKind.RESUBSCRIBED)
MOST_CHANGES: Final = 50
"""The most changes by one recipient that are events of a message: a link works for as long as anybody has it."""


@dataclass(frozen=True, slots=True)
class LinkHolder:
    """The holder of a link, by address. `group` is the group of the mail while it exists, else None."""

    link: Link
    account: Account
    address: str
    group: UnsubscribeGroup | None

    @property
    def has_left_everything(self) -> bool:
        return find_suppressed(self.account, SuppressionKind.GLOBAL, [self.address]).exists()

    @property
    def groups_left(self) -> set[int]:
        """Return the ids of the groups from which the holder has unsubscribed."""
        return groups_left(self.account, self.address)


def find_link_holder(link: Link) -> LinkHolder:
    """Return the holder of a link that names an address. Raises BadLink when its account does not exist any more."""
    account = Account.objects.filter(pk=link.account_id).first()
    if account is None:
        raise BadLink
    return LinkHolder(link, account, link.address, living_groups(account).filter(pk=link.group_id).first())


def leave(holder: LinkHolder, *, everything: bool = False) -> None:
    """Unsubscribe the holder from the group of the mail, or from all mail if `everything` or without such a group."""
    if everything or holder.group is None:
        new = _new(holder, SuppressionKind.GLOBAL)
    else:
        new = _new(holder, SuppressionKind.GROUP, holder.group.pk)
    with transaction.atomic():
        is_change = suppress([new]) > 0
        _write_event(holder, EventKind.UNSUBSCRIBED, new.kind, is_change=is_change)


def come_back(holder: LinkHolder, *, everything: bool = False) -> None:
    """Subscribe again: undo `leave`."""
    if everything or holder.group is None:
        _return_to(holder, SuppressionKind.GLOBAL)
    else:
        _return_to(holder, SuppressionKind.GROUP, holder.group)


def choose(holder: LinkHolder, offered_ids: Collection[int], chosen_ids: Collection[int], *, everything: bool) -> None:
    """Subscribe to the chosen ones of the offered groups, and unsubscribe from the others, or from everything."""
    new: list[New] = []
    for group in groups_on_offer(holder):
        if group.pk in chosen_ids:
            _return_to(holder, SuppressionKind.GROUP, group)
        elif group.pk in offered_ids:
            new.append(_new(holder, SuppressionKind.GROUP, group.pk))
    if everything:
        new.append(_new(holder, SuppressionKind.GLOBAL))
    else:
        come_back(holder, everything=True)
    with transaction.atomic():
        if suppress(new):
            kind = SuppressionKind.GLOBAL if everything else SuppressionKind.GROUP
            _write_event(holder, EventKind.UNSUBSCRIBED, kind, is_change=True)


def groups_on_offer(holder: LinkHolder) -> list[UnsubscribeGroup]:
    """Return the groups that the mail names, or all, with the mail's group before the others; at most 25."""
    mail = _mail_of(holder.link.message_id)
    groups = list(living_groups(holder.account))
    if mail is not None and mail.groups_to_display:
        group_ids = {*mail.groups_to_display, holder.link.group_id}
        groups = [group for group in groups if group.pk in group_ids]
    return sorted(groups, key=lambda group: group.pk != holder.link.group_id)[:MAX_GROUPS_TO_DISPLAY]


def _new(holder: LinkHolder, kind: SuppressionKind, group_id: int | None = None) -> New:
    message_id = holder.link.message_id
    batch_id = Parcel.objects.filter(pk=message_id // PARCEL_SPAN).values_list("batch", flat=True).first()
    return New(holder.account.pk, holder.address, kind, group_id, batch_id=batch_id, message_id=message_id)


def _return_to(holder: LinkHolder, kind: SuppressionKind, group: UnsubscribeGroup | None = None) -> None:
    with transaction.atomic():
        if unsuppress(holder.account, kind, [holder.address], group=group):
            _write_event(holder, EventKind.RESUBSCRIBED, kind, is_change=True)


def _write_event(holder: LinkHolder, kind: EventKind, suppression: SuppressionKind, *, is_change: bool) -> None:
    """Write the event that the holder has unsubscribed, or subscribed again, only while the message's history is kept.

    A request that changes no list is an event only once for each message: the sender may not know of it from another
    message. The list is changed before this looks for events. So of two clicks at the same time the second one waits
    for the first.
    """
    message_id = holder.link.message_id
    # The lock keeps the partition of the message: it is dropped only after its parcels are deleted.
    parcel = next(iter(Parcel.objects.raw(queries.LOCK_PARCEL, [message_id // PARCEL_SPAN, holder.account.pk])), None)
    if parcel is None:
        return
    events = read_events([message_id], kinds=CHANGES).get(message_id, [])
    changes = [(event.kind, event.suppression) for event in events if event.recipient == holder.address]
    if len(changes) < MOST_CHANGES and (is_change or (kind, suppression) not in changes):
        event = NewEvent(message_id, kind, holder.address, suppression=suppression, group=group_of(holder.address))
        write_events([Entry(parcel, 0, events=[event])], database_now())


def _mail_of(message_id: int) -> Mail | None:
    """Return the mail of a message; None once its history is over."""
    mails = Message.objects.filter(pk=message_id).values("mail_id")
    return Mail.objects.only("groups_to_display").filter(pk__in=mails).first()
