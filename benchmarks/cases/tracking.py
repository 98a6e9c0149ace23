"""Measure sending mail with links, and the same mail with its clicks and opens tracked (case `tracking`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from benchmarks.cases.templates import play_kinds
from benchmarks.mail import HTML, SUBJECT, TEXT
from benchmarks.measured import Figure, Measured
from benchmarks.registry import SLUICE
from benchmarks.setting import Setting
from benchmarks.sluice import ORDER, Kind, Sluice

LINKS: Final = HTML.replace(
    "</body>",
    "".join(f'<p><a href="https://shop.example/offers/{n}?ref=mail">Offer {n}</a></p>\n' for n in range(5))
    + '<p><a href="https://shop.example/orders/-n-">Your order</a></p>\n</body>',
)
"""The usual mail with five links that all recipients share, and one with the number of the recipient."""
CLICKS: Final = {"click_tracking": {"enable": True}}
OPENS: Final = {"open_tracking": {"enable": True}}


def measure(setting: Setting) -> Measured:
    """Measure the drain of waves of each kind of mail, in turns."""
    plays = play_kinds(setting, make_kinds)
    return Measured(
        [
            *(
                Figure(f"{kind}, messages/s", {SLUICE: [play.drained_per_second for play in of_kind]}, True)
                for kind, of_kind in plays.items()
            ),
            *(
                Figure(f"{kind}, CPU, µs/message", {SLUICE: [play.drain_cpu * 1e6 for play in of_kind]})
                for kind, of_kind in plays.items()
            ),
        ],
        is_sound=all(play.is_sound for of_kind in plays.values() for play in of_kind),
    )


def make_kinds(_: Sluice) -> Iterator[tuple[str, Kind]]:
    """Yield the kinds of mail: with six links, with tracked links, and with tracked links and a pixel."""
    yield "not tracked", with_links()
    yield "clicks tracked", with_links(tracking_settings=CLICKS)
    yield "clicks and opens tracked", with_links(tracking_settings={**CLICKS, **OPENS})


def with_links(**settings: Any) -> Kind:
    """Return the usual mail with links and these settings."""
    content = [{"type": "text/plain", "value": TEXT}, {"type": "text/html", "value": LINKS}]
    return Kind({"subject": SUBJECT, "content": content, **settings}, ORDER.own)
