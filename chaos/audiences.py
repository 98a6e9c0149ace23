"""Count what pages show of campaigns, lists, segments and jobs, from contacts, memberships and messages."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass

from chaos.expected import Connection, Range, Shown
from chaos.numbers import Numbers
from chaos.over_time import MINUTE, Rates
from chaos.stored import ENDED_UNSENT, HOUR, HOURS_AHEAD, WAITING, Stored
from stack.stored_numbers import CampaignStatus, EngagementKind, SuppressionKind

ENGAGED = {EngagementKind.OPENED: "opened", EngagementKind.CLICKED: "clicked"}
RESULTS = ("sent", "refused", "dropped", "in_doubt")
WITHOUT_ADDRESS = "no address"
REASONS = {
    SuppressionKind.INVALID: "invalid address",
    SuppressionKind.BOUNCE: "bounced",
    SuppressionKind.SPAM: "reported spam",
    SuppressionKind.GLOBAL: "unsubscribed from all mail",
    SuppressionKind.GROUP: "unsubscribed from the group",
}
"""The reasons why contacts are left out, by the kind of their suppression, the strongest first."""
READ_CAMPAIGNS = """
select c.id, c.status, c.account_id, c.suppression_group_id, l.batch_id, coalesce(l.is_complete, false),
    extract(epoch from c.begins_at)::float8
from campaigns_campaign c left join campaigns_launch l on l.id = c.launch_id where c.deleted_at is null
"""
# The contacts on the lists of campaigns that are not sent to everybody.
READ_MEMBERS = """
select c.id, m.contact_id from campaigns_campaign c join campaigns_campaign_lists cl on cl.campaign_id = c.id
join campaigns_contactlist l on l.id = cl.contactlist_id and l.deleted_at is null
join campaigns_membership m on m.list_id = l.id
"""
READ_ADDRESSES = "select id, email from campaigns_contact"
READ_SUPPRESSIONS = "select account_id, email, kind, group_id, batch_id from mailer_suppression"
READ_ENGAGEMENTS = "select campaign_id, kind, count(distinct contact_id) from campaigns_engagement group by 1, 2"
READ_GROUPS = f"""
select g.id, count(s.email) from mailer_unsubscribegroup g
left join mailer_suppression s on s.kind = {SuppressionKind.GROUP} and s.group_id = g.id group by 1
"""
READ_LISTS = """
select l.id, count(m.contact_id) from campaigns_contactlist l left join campaigns_membership m on m.list_id = l.id
where l.deleted_at is null group by 1
"""


@dataclass(frozen=True, slots=True)
class Audience:
    """Everything that decides whom campaigns reach: members of their lists, addresses and suppressions."""

    members: dict[int, list[int]]
    """The contacts of each campaign; a contact on several of its lists is there several times."""
    addresses: dict[int, str | None]
    suppressions: list[tuple[int, str, int, int | None, int | None]]
    """The account, address, kind, group and batch of each suppression."""

    def reasons_of(self, campaign_id: int, account_id: int, group_id: int | None) -> Counter[str]:
        """Return the numbers of contacts by the reason why they are left out; an empty text for the others."""
        kinds: dict[str, set[int]] = defaultdict(set)
        for account, email, kind, group, _ in self.suppressions:
            if account == account_id and (kind != SuppressionKind.GROUP or group == group_id):
                kinds[email].add(kind)
        reasons: Counter[str] = Counter()
        for contact in set(self.members[campaign_id]):
            address = self.addresses[contact]
            strongest = next((reason for kind, reason in REASONS.items() if kind in kinds[address or ""]), "")
            reasons[strongest if address else WITHOUT_ADDRESS] += 1
        return reasons


def read_audience(connection: Connection) -> Audience:
    """Read whom campaigns reach."""
    members: dict[int, list[int]] = defaultdict(list)
    for campaign_id, contact_id in connection.execute(READ_MEMBERS):
        members[campaign_id].append(contact_id)
    addresses = dict(connection.execute(READ_ADDRESSES).fetchall())
    return Audience(members, addresses, connection.execute(READ_SUPPRESSIONS).fetchall())


def count_campaigns(connection: Connection, numbers: Numbers, rates: Rates) -> None:
    """Count the messages of campaigns by their results, and the contacts whom they reach."""
    audience = read_audience(connection)
    made: dict[int, list[Stored]] = defaultdict(list)
    for message in numbers.messages:
        made[message.batch_id].append(message)
    batches: dict[str, str] = {}
    for campaign_id, status, account_id, group_id, batch_id, is_complete, begins_at in connection.execute(
        READ_CAMPAIGNS
    ):
        numbers.campaigns[campaign_id] = status
        batches[f"campaign:{campaign_id}"] = f"batch:{batch_id}"
        reasons = audience.reasons_of(campaign_id, account_id, group_id)
        members = len(audience.members[campaign_id])
        count_reach(numbers.by_key, f"reach:{campaign_id}", reasons, members)
        if status == CampaignStatus.SCHEDULED and not made[batch_id]:
            count_planned(numbers.by_key, begins_at, members, rates.now)
        count_results(numbers, campaign_id, made[batch_id], is_cancelled=status == CampaignStatus.CANCELLED)
        count_left_out(numbers, f"campaign:{campaign_id}", reasons, len(made[batch_id]), is_complete=is_complete)
        numbers.by_key[f"campaign:{campaign_id}:unsubscribed"] = sum(
            kind in (SuppressionKind.GROUP, SuppressionKind.GLOBAL) and batch == batch_id
            for *_, kind, _, batch in audience.suppressions
            if batch
        )
    numbers.readers["campaign"] = lambda key: rate_of_campaign(rates, batches, key)


def count_people(connection: Connection, numbers: Numbers) -> None:
    """Count who opened and clicked campaigns, who is on lists, and who has left groups."""
    for campaign_id, kind, number in connection.execute(READ_ENGAGEMENTS):
        if kind in ENGAGED:
            numbers.by_key[f"campaign:{campaign_id}:{ENGAGED[kind]}"] = number
    for list_id, number in connection.execute(READ_LISTS):
        numbers.by_key[f"list:{list_id}:contacts"] = number
    for group_id, number in connection.execute(READ_GROUPS):
        numbers.by_key[f"group:{group_id}:unsubscribes"] = number


def count_reach(counts: Counter[str], key: str, reasons: Counter[str], members: int) -> None:
    """Count whom a campaign would reach, and why others are left out."""
    counts[f"{key}:bound"] = members
    counts[f"{key}:duplicates"] = members - reasons.total()
    counts[f"{key}:recipients"] = reasons[""]
    counts[f"{key}:left_out"] = reasons.total() - reasons[""]
    for reason, number in reasons.items():
        if reason:
            counts[f"{key}:{reason}"] = number


def count_planned(counts: Counter[str], begins_at: float, members: int, now: float) -> None:
    """Count a scheduled campaign that has no messages yet. Its recipients are those of its lists."""
    counts["all:planned_campaigns"] += 1
    if now <= begins_at < (now // HOUR + HOURS_AHEAD + 1) * HOUR:
        counts["planned:campaigns"] += 1
        counts["planned:recipients"] += members
        counts[f"planned:recipients:{begins_at // HOUR * HOUR:.0f}"] += members


def count_results(numbers: Numbers, campaign_id: int, made: list[Stored], *, is_cancelled: bool) -> None:
    """Count the messages of a campaign. Waiting messages of a cancelled campaign count as stopped."""
    key = f"campaign:{campaign_id}"
    states = Counter(message.state for message in made)
    waiting, stopped = (sum(states[state] for state in group) for group in (WAITING, ENDED_UNSENT))
    numbers.by_key[f"{key}:recipients"] = len(made)
    numbers.by_key[f"{key}:waiting"] = 0 if is_cancelled else waiting
    numbers.by_key[f"{key}:stopped"] = stopped + (waiting if is_cancelled else 0)
    for name in RESULTS:
        numbers.by_key[f"{key}:{name}"] = states[name]


def count_left_out(numbers: Numbers, key: str, reasons: Counter[str], made: int, *, is_complete: bool) -> None:
    """Count the contacts of a campaign without a message. A stop may keep it from looking at all of them."""
    contacts = reasons.total()
    if is_complete:
        numbers.by_key[f"{key}:left_out"] = contacts - made
        numbers.by_key[f"{key}:invalid"] = reasons[WITHOUT_ADDRESS]
        return
    for name in ("left_out", "invalid", "being_prepared"):
        numbers.texts[f"{key}:{name}"] = Range(0, contacts - made)


def rate_of_campaign(rates: Rates, batches: dict[str, str], key: str) -> Shown:
    """Return the rate that the page of a campaign shows at this moment, in whole messages."""
    campaign, _, name = key.rpartition(":")
    seconds = {"sent_a_second": MINUTE, "sent_a_minute": 1}.get(name)
    if seconds is None:
        return 0 if name in {"opened", "clicked"} else None
    least, most = rates.between(batches[campaign])
    return Range(math.floor(least / seconds), math.ceil(most / seconds))
