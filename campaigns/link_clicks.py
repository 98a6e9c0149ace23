"""Count the clicks of people on the links of a campaign, as long as its history is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from audience.locks import expensive_call
from campaigns import response_queries as queries
from campaigns.content import links_of
from campaigns.models import Campaign
from foundation.statements import fetch_prepared
from mailer.compose.rendering import rendering_of
from mailer.models import Mail
from mailer.tracking.parameters import add_parameters

MOST_LINKS: Final = 1_000
"""The most links that are counted, the most clicked ones first. Links with values of contacts may be many."""


class LinkClicks(NamedTuple):
    """The clicks on a link, and the number of messages of which it was clicked.

    `place` is its number among the links of its part.
    """

    url: str
    place: int
    clicks: int
    unique_clicks: int


def clicks_by_place(campaign: Campaign) -> list[LinkClicks]:
    """Return the clicks on each link at each of its places, the most clicked first.

    Raises SearchTooSlow and TooManyCalls.
    """
    return _read(campaign, queries.CLICKS_BY_PLACE)


def clicks_by_link(campaign: Campaign) -> list[LinkClicks]:
    """Return the clicks on the links of a campaign's content, in their order, and then on those with other addresses.

    A link that nobody has clicked is in it, too. An address differs from the content if a value of the contact is in
    it. The parameters that tracking adds are left out. Raises SearchTooSlow and TooManyCalls.
    """
    clicked = {each.url: each for each in _read(campaign, queries.CLICKS_BY_LINK)}
    return [*_of_content(links_of(campaign), _added_parameters(campaign), clicked), *clicked.values()]


def _added_parameters(campaign: Campaign) -> Mapping[str, str]:
    """Return the parameters that the links of a campaign have got."""
    if campaign.launch is None:
        return {}
    mail = Mail.objects.only("rendering", "defaults").get(pk=campaign.launch.mail_id)
    return rendering_of(mail).get("utm") or {}


def _of_content(links: Iterable[str], utm: Mapping[str, str], clicked: dict[str, LinkClicks]) -> Sequence[LinkClicks]:
    """Return the clicks on some links, and remove them from those that were clicked."""
    counted = []
    for place, url in enumerate(links):
        clicks = clicked.pop(add_parameters(url, utm), None)
        counted.append(clicks._replace(url=url, place=place) if clicks else LinkClicks(url, place, 0, 0))
    return counted


def _read(campaign: Campaign, statement: str) -> list[LinkClicks]:
    if campaign.launch is None:
        return []
    with expensive_call(campaign.account_id):
        rows = fetch_prepared(statement, {"batch": campaign.launch.batch_id, "limit": MOST_LINKS})
    return [LinkClicks(*row) for row in rows]
