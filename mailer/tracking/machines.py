"""Tell machines from people among those who load pixels and open links.

Privacy proxies load the images of mail that nobody reads, and scanners open links to look for malware. An open or a
click of a machine is stored with a mark, and is never counted as that of a person.
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

BURST_SECONDS: Final = 2.0
BURST_LINKS: Final = 3
"""A client that opens this number of different links of a message within this time is a scanner."""
AGENTS: Final = re.compile(
    # Image proxies. Apple's sends nothing but the first word.
    r"^Mozilla/5\.0$|GoogleImageProxy|YahooMailProxy|"
    # Scanners of mail.
    r"barracuda|mimecast|proofpoint|symantec|messagelabs|fireeye|trendmicro|sophos|forcepoint|fortinet|avanan|"
    # Other programs, which call themselves by such names.
    r"(?<!cu)bot\b|crawler|spider|preview|scanner|slurp|facebookexternalhit|WhatsApp|HeadlessChrome|PhantomJS|"
    r"^(?:curl|wget|python|java|go-http-client|okhttp|node|axios|ruby|perl|php|libwww|apache-httpclient)",
    re.IGNORECASE,
)
NETWORKS: Final = (ipaddress.ip_network("17.0.0.0/8"),)
"""The networks of Apple, whose proxy loads images (RFC 1166, and Apple's list of its networks)."""
PURPOSES: Final = ("HTTP_PURPOSE", "HTTP_SEC_PURPOSE", "HTTP_X_PURPOSE", "HTTP_X_MOZ")

Place = tuple[int, bool]
"""A link of a message: its number, and whether it is in the HTML."""
Click = tuple[int, Place, float]
"""A click by the id of its message, with the link and the time in seconds."""
Span = tuple[float, float]
"""The first and the last second of a burst."""


def is_machine(meta: Mapping[str, str], address: str) -> bool:
    """Return whether a request comes from a machine, by the environment of WSGI and the address of the caller."""
    agent = meta.get("HTTP_USER_AGENT", "").strip()
    if meta.get("REQUEST_METHOD") == "HEAD" or not agent or AGENTS.search(agent):
        return True
    return any("pre" in meta.get(name, "").lower() for name in PURPOSES) or _is_of_proxy(address)


def _is_of_proxy(address: str) -> bool:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(ip in network for network in NETWORKS)


def find_bursts(clicks: Iterable[Click]) -> dict[int, list[Span]]:
    """Return the bursts in which scanners opened the links of messages, by message id: their first and last second."""
    by_message: dict[int, list[tuple[float, Place]]] = defaultdict(list)
    for message_id, place, at in clicks:
        by_message[message_id].append((at, place))
    return {message_id: list(_spans_of(sorted(message_clicks))) for message_id, message_clicks in by_message.items()}


def _spans_of(clicks: Sequence[tuple[float, Place]]) -> Iterator[Span]:
    """Yield the bursts among the clicks of one message, which are in the order of their times, in linear time."""
    within: Counter[Place] = Counter()
    begin, burst = 0, None
    for at, place in clicks:
        within[place] += 1
        while at - clicks[begin][0] > BURST_SECONDS:
            old_place = clicks[begin][1]
            within[old_place] -= 1
            if not within[old_place]:
                del within[old_place]
            begin += 1
        if len(within) < BURST_LINKS:
            continue
        if burst is not None and clicks[begin][0] <= burst[1]:
            burst = burst[0], at
            continue
        if burst is not None:
            yield burst
        burst = clicks[begin][0], at
    if burst is not None:
        yield burst
