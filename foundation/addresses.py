"""Decide to which e-mail addresses mail can be sent, and convert them to the one form in which they are compared.

All APIs use these functions. The canonical form of an address is in lower case, with its domain as A-labels (RFC 5890):
`Ada@BÜCHER.example`, `ada@bücher。example` and `ada@xn--bcher-kva.example` are the same address. Domains are mapped and
encoded by IDNA 2008 (RFC 5891) after UTS 46 non-transitional processing, so `faß.de` is not `fass.de`. ASCII labels are
never changed or refused: names with underscores exist, and so do A-labels that IDNA 2008 does not know.

Plain ASCII takes a single match. Other addresses nearly always have one of few domains, whose encoded forms are cached.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from unicodedata import category, normalize

from idna import IDNAError, alabel, ulabel, uts46_remap

from foundation.errors import UnfitCharacter

ATEXT: Final = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~.\-"
"""RFC 5322 atext and dots in any place, since mailboxes with dots in odd places exist.

This is for a character class, in the syntax that Python, Rust (pydantic) and ECMA-262 share. Quoted local parts are not
accepted.
"""
ASCII_LABEL: Final = r"[A-Za-z0-9_](?:[A-Za-z0-9_\-]{0,61}[A-Za-z0-9_])?"
"""Letters, digits, hyphens (RFC 1123 section 2.1) and underscores, at most 63 octets.

Address literals are not accepted.
"""
MOST_LABELS: Final = 127
"""The largest number of labels in a domain."""

LONGEST_DOMAIN: Final = 253
"""The octets of a domain as A-labels. With the lengths of its labels these are the 255 of RFC 1035 section 2.3.4."""
LONGEST_LOCAL_PART: Final = 64
"""The octets of a local part (RFC 5321 section 4.5.3.1.1)."""
LONGEST_EMAIL: Final = 254
"""The octets of an address with its domain as A-labels (RFC 5321 section 4.5.3.1.3, without the angle brackets)."""
LONGEST: Final = 1000
"""Longer texts, in characters, are not normalized: the time may grow with the square of the length."""
IGNORABLE: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Invisible characters outside the categories C and Z.

These have the Unicode property Default_Ignorable_Code_Point (joiners of graphemes, fillers, variation selectors), and
the blank Braille pattern is one, too.
"""
JOINERS: Final = frozenset("\u200c\u200d")
"""ZWNJ and ZWJ, which RFC 5892 (appendices A.1 and A.2) allows in some contexts in a label, and nowhere else."""

ASCII_DOMAIN: Final = rf"{ASCII_LABEL}(?:\.{ASCII_LABEL}){{0,{MOST_LABELS - 1}}}"
ASCII_ADDRESS: Final = f"[{ATEXT}]+@{ASCII_DOMAIN}"
"""An address that is ASCII, in the syntax that Python, Rust (pydantic) and ECMA-262 share."""
_DOMAIN: Final = re.compile(ASCII_DOMAIN)
_PLAIN: Final = re.compile(ASCII_ADDRESS)
_LOCAL: Final = re.compile(rf"[{ATEXT}\x80-\U0010ffff]+")
_MAPPED: Final = re.compile("[a-z0-9_-]+")
_DOTS: Final = re.compile("[.\u3002\uff0e\uff61]")
"""The characters that separate labels (RFC 3490 section 3.1, UTS 46 section 2.3)."""


class BadDomain(ValueError):
    """Raised when a domain has no form in A-labels. The text gives the reason."""


def is_address(text: str) -> bool:
    """Return whether the text is an address that mail can be sent to. Its length is not checked."""
    return _PLAIN.fullmatch(text) is not None if text.isascii() else not find_flaw(text)


def is_email(text: str) -> bool:
    """Return whether the text is an address of an allowed length. Its domain must have a dot."""
    if not is_address(text):
        return False
    local, _, domain = to_ascii(text).rpartition("@")
    octets = len(local.encode())
    return "." in domain and octets <= LONGEST_LOCAL_PART and octets + 1 + len(domain) <= LONGEST_EMAIL


def check_address(email: str, *, field: str) -> None:
    """Accept an address that is ASCII, or otherwise one that mail can be sent to. Raises UnfitCharacter."""
    if not email.isascii() and (flaw := find_flaw(email)):
        raise UnfitCharacter(f"{field} {flaw}", field=field)


def is_visible(text: str) -> bool:
    """Return whether the text has no invisible characters except ASCII ones, so that a person can search for it."""
    return text.isascii() or not _find_hidden(text)


def check_visible(text: str, *, field: str) -> None:
    """Accept a text that `is_visible`. Raises UnfitCharacter."""
    if not is_visible(text):
        raise UnfitCharacter(f"{field} {_find_hidden(text)}", field=field)


def find_flaw(email: str) -> str:
    """Return why a text that is not ASCII is not an address, as the end of a sentence; empty if it is one."""
    local, at, domain = email.rpartition("@")
    if not at or not _LOCAL.fullmatch(local):
        return "is not an address"
    if flaw := _find_hidden(email):
        return flaw
    try:
        encoded = encode_domain(domain)
    except BadDomain as error:
        return str(error)
    return "" if _DOMAIN.fullmatch(encoded) else "is not an address"


def encode_domain(domain: str) -> str:
    """Return a domain as A-labels. Its ASCII labels stay unchanged. Raises BadDomain."""
    return domain if domain.isascii() else _encode(domain)


def to_ascii(email: str) -> str:
    """Return an address with its domain as A-labels, or unchanged if it has no such form. The local part stays."""
    if email.isascii():
        return email
    local, at, domain = email.rpartition("@")
    try:
        return f"{local}@{encode_domain(domain)}" if at else email
    except BadDomain:
        return email


def address_key(email: str) -> str:
    """Return the canonical form of an address, in which all spellings of it are equal. Any text has one."""
    return email.lower() if email.isascii() else _fold(to_ascii(email))


def domain_key(domain: str) -> str:
    """Return the canonical form of a domain, in which all spellings of it are equal. Any text has one."""
    try:
        return encode_domain(domain).lower()
    except BadDomain:
        return _fold(domain)


def spell_labels(text: str) -> str:
    """Return a text with each label after its last `@` as an A-label, if the label has such a form.

    The text may be a pattern: a label with a wildcard stays unchanged.
    """
    local, at, domain = text.rpartition("@")
    if not at or domain.isascii():
        return text
    return f"{local}@{'.'.join(map(_spell_label, _DOTS.split(domain)))}"


def spellings(email: str) -> set[str]:
    """Return the spellings of an address: unchanged, and with its domain as A-labels and as U-labels, if they exist."""
    encoded = to_ascii(email)
    local, _, domain = encoded.rpartition("@")
    decoded = ".".join(map(_decode_label, domain.split(".")))
    return {email, encoded, f"{local}@{decoded}"}


def _decode_label(label: str) -> str:
    try:
        return ulabel(label) if label[:4].lower() == "xn--" else label
    except IDNAError:
        return label


def _spell_label(label: str) -> str:
    try:
        return encode_domain(label)
    except BadDomain:
        return label


def _fold(text: str) -> str:
    """Return a text in lower case and in Normalization Form C."""
    lowered = text.lower()
    return lowered if lowered.isascii() or len(lowered) > LONGEST else normalize("NFC", lowered)


@lru_cache(maxsize=4096)
def _encode(domain: str) -> str:
    if len(domain) > LONGEST_DOMAIN:
        raise BadDomain(f"has a domain that is longer than {LONGEST_DOMAIN} octets")
    if flaw := _find_invisible(domain, but=JOINERS):
        raise BadDomain(flaw)
    try:
        encoded = ".".join([label for part in _DOTS.split(domain) for label in _encode_label(part)])
    except IDNAError as error:
        raise BadDomain("has a domain that IDNA 2008 does not allow") from error
    if len(encoded) > LONGEST_DOMAIN:
        raise BadDomain(f"has a domain that is longer than {LONGEST_DOMAIN} octets")
    return encoded


def _encode_label(label: str) -> list[str]:
    """Return the A-labels that a label becomes: UTS 46 maps some characters to a dot."""
    if label.isascii():
        return [label]
    mapped = uts46_remap(label, std3_rules=False).split(".")
    # A character may be mapped to an ASCII one that would end the address or the domain, such as @ or a space.
    if not all(_MAPPED.fullmatch(part) for part in mapped if part.isascii()):
        raise BadDomain("has a domain that IDNA 2008 does not allow")
    return [part if part.isascii() else alabel(part).decode("ascii") for part in mapped]


def _find_hidden(email: str) -> str:
    """Return the fault of an address with an invisible character. Some domains may have joiners."""
    local, _, domain = email.rpartition("@")
    return _find_invisible(local) or _find_invisible(domain, but=JOINERS)


def _find_invisible(text: str, *, but: frozenset[str] = frozenset()) -> str:
    """Return the fault of a text with a character that is invisible or that Unicode has not assigned."""
    for char in text:
        if (category(char)[0] in "CZ" and char not in but) or IGNORABLE.match(char):
            return f"holds U+{ord(char):04X}: invisible characters are not allowed in an address"
    return ""
