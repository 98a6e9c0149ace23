"""Track the messages of one mail: the token of each message, its pixel, and the rewriting of its links."""

from __future__ import annotations

from functools import partial
from typing import Final

from mailer.draft import Rendering
from mailer.models import Mail
from mailer.tracking.rewriting import LinkRewriter
from mailer.tracking.tokens import SEVERAL, sealer

TRACKED: Final = "\0t\0"
"""The key of a message's token in texts whose links were rewritten early. No stored text has this character."""
PIXEL_TAG: Final = "\0pixel\0"
"""The tag of the pixel where a mail does not choose its place."""
OPENS: Final = "/o/"
"""The path of the pixel, before its token."""


class Tracker:
    """Track the messages of one stored mail."""

    def __init__(self, mail: Mail, *, has_pixel: bool, links: LinkRewriter | None, tracking_url: str) -> None:
        self.has_pixel = has_pixel
        self.links = links
        self._seal = partial(sealer().seal_message, mail.account_id, mail.pk)
        self._pixel = (
            f'<img src="{tracking_url}{OPENS}{TRACKED}.gif" alt="" width="1" height="1"'
            ' style="border:0;height:1px;width:1px">'
        ).split(TRACKED)

    def seal(self, message_id: int, *, is_alone: bool) -> str:
        """Return the token of a message, which `is_alone` if it has one recipient."""
        return self._seal(message_id, 0 if is_alone else SEVERAL)

    def pixel(self, token: str) -> str:
        """Return the HTML of the pixel of a message."""
        return token.join(self._pixel)


def make_tracker(mail: Mail, rendering: Rendering, *, public_url: str, tracking_url: str) -> Tracker | None:
    """Return the tracker of a mail, or None if nothing of it is tracked or there is no tracking URL."""
    if not tracking_url:
        return None
    has_pixel = rendering.get("opens", False)
    links = None
    if rendering.get("clicks") or rendering.get("utm"):
        links = LinkRewriter(mail.pk, rendering, tracking_url=tracking_url, own_pages=f"{public_url}/u/")
    if not has_pixel and links is None:
        return None
    return Tracker(mail, has_pixel=has_pixel, links=links, tracking_url=tracking_url)
