"""Explain in plain words why peers refuse or defer mail, and what the sender can do about it.

The admin's pages show these texts.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from mailer.models import Classification


class Explanation(NamedTuple):
    """The meaning of a classification, and advice for the sender: one sentence each."""

    meaning: str
    advice: str


EXPLANATIONS: Final = {
    Classification.INVALID_ADDRESS: Explanation(
        "The address or its domain does not exist.",
        "Remove the addresses from your lists, and check where they came from.",
    ),
    Classification.MAILBOX_UNAVAILABLE: Explanation(
        "The mailbox exists and takes no mail, for example because it is full or disabled.",
        "Stop writing to recipients whose mailbox stays unavailable for weeks.",
    ),
    Classification.CONTENT: Explanation(
        "The peer did not accept what was sent, for example because it takes it for spam, or because it is too large.",
        "Check the texts, the links and the attachments of the mail, and send a test mail before the next one.",
    ),
    Classification.REPUTATION: Explanation(
        "The peer does not accept mail from this sender, domain or IP address.",
        "Check SPF, DKIM and DMARC of the sender's domain, and look up the sending IP addresses in block lists.",
    ),
    Classification.VOLUME: Explanation(
        "The peer asks for fewer messages at a time, or for another try later.",
        "Send more slowly: give the campaign a lower rate, or spread the mail over more time.",
    ),
    Classification.TECHNICAL: Explanation(
        "A server, the network, the encryption or the protocol failed.",
        "Check the mail server that Sluice delivers to, its DNS and its TLS certificate; its log has the details.",
    ),
    Classification.UNCLASSIFIED: Explanation(
        "The reply gives no known reason.",
        "Read the replies of the peers below.",
    ),
}
