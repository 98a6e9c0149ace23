"""Test addresses: their canonical form, and the characters that no address may have."""

# ruff: noqa: RUF001 (the tests are about characters that look like others)

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from idna import ulabel
from idna.uts46data import uts46_starts, uts46_statuses

from foundation.addresses import (
    BadDomain,
    address_key,
    check_address,
    encode_domain,
    is_address,
    is_email,
    is_visible,
    spell_labels,
    spellings,
    to_ascii,
)
from foundation.errors import UnfitCharacter
from tests.examples import for_each
from tests.foundation.characters import INVISIBLE

DOMAINS = {
    # The four deviation characters of UTS 46: IDNA 2003 turned them into others, or into nothing.
    "straße.example": "xn--strae-oqa.example",
    "βόλος.example": "xn--nxasmm1c.example",
    "\u0915\u094d\u200d\u0937.example": "xn--11b2ezcw70k.example",
    "\u0646\u0627\u0645\u0647\u200c\u0627\u06cc.example": "xn--mgba3gch31f060k.example",
    # Characters that are mapped: upper case, compatibility forms, dots, another normalization form.
    "BÜCHER.example": "xn--bcher-kva.example",
    "bu\u0308cher.example": "xn--bcher-kva.example",
    "STRAẞE.example": "xn--strae-oqa.example",
    "ＢÜＣＨＥＲ．example": "xn--bcher-kva.example",
    "bücher。example": "xn--bcher-kva.example",
    "bücher｡example": "xn--bcher-kva.example",
    "ｘｎ--bcher-kva.example": "xn--bcher-kva.example",
    "１２.example": "12.example",
    # ASCII labels beside others stay as they are.
    "my_host.BÜCHER.Example": "my_host.xn--bcher-kva.Example",
    "XN--LS8H.bücher.example": "XN--LS8H.xn--bcher-kva.example",
    "ab--cd.bücher.example": "ab--cd.xn--bcher-kva.example",
}
ASCII_DOMAINS = ["x.org", "X.Org", "_dmarc.my_host.example", "xn--ls8h.la", "xn--0.example", "ab--cd.example"]
BAD_DOMAINS = [
    "\U0001f4a9.example",  # an emoji, which IDNA 2008 does not know
    "bücher_x.example",
    "xn--bücher.example",
    "-bücher.example",
    "bücher..example",
    "bücher。。example",
    "bücher.example.",
    "[127.0.0.１]",
    "a＠ü.example",
    "a\u3000ü.example",
    "ü／b.example",
    "℀.example",
    "a\u200db.example",  # joiners where RFC 5892 does not allow them
    "a\u200cb.example",
    "\u0301a.example",
    "اa.example",
    "a·b.example",
    "ü" * 63 + ".example",
    ".".join(["ü" * 20] * 13),
    ".".join(["ü" * 15] * 12),
]


@for_each("written", DOMAINS)
def test_a_domain_has_one_form(written: str) -> None:
    assert encode_domain(written) == DOMAINS[written]
    assert to_ascii(f"Ann@{written}") == f"Ann@{DOMAINS[written]}"
    assert is_address(f"ann@{written}")
    check_address(f"ann@{written}", field="to")
    assert address_key(f"Ann@{written}") == f"ann@{DOMAINS[written]}".lower()


@for_each("domain", ASCII_DOMAINS)
def test_an_ascii_domain_is_neither_changed_nor_refused(domain: str) -> None:
    assert encode_domain(domain) == domain
    assert to_ascii(f"Ann@{domain}") == f"Ann@{domain}"
    assert address_key(f"Ann@{domain}") == f"ann@{domain.lower()}"
    assert is_address(f"Ann@{domain}")
    assert is_address(f"änn@{domain}")


@for_each("domain", BAD_DOMAINS)
def test_a_domain_without_a_form_of_idna_2008_is_refused(domain: str) -> None:
    assert not is_address(f"ann@{domain}")
    with pytest.raises(UnfitCharacter, match=r"^to "):
        check_address(f"ann@{domain}", field="to")
    assert address_key(address_key(f"ann@{domain}")) == address_key(f"ann@{domain}")


@for_each("text", ["", "@", "ü", "ü@", "@ü", "ü@@x.org", "ü b@x.org", "ü,b@x.org", "ü@x y.org", "a@[::1]"])
def test_a_malformed_address_has_a_lookup_key_too(text: str) -> None:
    assert not is_address(text)
    assert address_key(address_key(text)) == address_key(text)


def test_an_invisible_character_is_refused_at_any_position(subtests: pytest.Subtests) -> None:
    for char in INVISIBLE:
        with subtests.test(char=char):
            for email in (
                f"{char}ann@x.org",
                f"a{char}nn@x.org",
                f"ann{char}@x.org",
                f"ann@{char}x.org",
                f"ann@x{char}.org",
            ):
                assert not is_address(email), ascii(email)
                with pytest.raises(UnfitCharacter):
                    check_address(email, field="to")
                may_be_right = char in "\u200c\u200d" and char in email.partition("@")[2]
                assert is_visible(email) == may_be_right, ascii(email)
            with pytest.raises(BadDomain):
                encode_domain(f"x{char}.org")


def test_all_characters_that_uts_46_ignores_are_refused() -> None:
    """A dropped character would merge two spellings that look alike but are different domains."""
    ends = [*uts46_starts[1:], 0x110000]
    ignored = [
        chr(number)
        for start, end, status in zip(uts46_starts, ends, uts46_statuses, strict=True)
        if chr(status) == "I"
        for number in range(start, end)
    ]
    assert "\u00ad" in ignored
    for char in ignored:
        with pytest.raises(BadDomain):
            encode_domain(f"a{char}b")


@for_each("domain", ["a＠b.example", "℀.example", "a\u2e3ab.example", "ab\u2048.example"])
def test_no_domain_gets_a_character_that_ends_it(domain: str) -> None:
    with pytest.raises(BadDomain):
        encode_domain(domain)


def test_a_local_part_is_compared_in_lower_case_and_composed() -> None:
    assert address_key("E\u0301va@x.org") == address_key("\u00e9va@x.org") == "\u00e9va@x.org"


NAMES = st.text("abcßςσΣéÉÄäøжЖ中あ", min_size=1, max_size=12)


@given(local=st.text("abzABZäÄß.+", min_size=1, max_size=10), labels=st.lists(NAMES, min_size=1, max_size=4))
def test_the_forms_of_a_domain_are_the_same_address(local: str, labels: list[str]) -> None:
    email = f"{local}@{'.'.join(labels)}.example"
    encoded = encode_domain(email.rpartition("@")[2])
    decoded = ".".join(map(ulabel, encoded.lower().split(".")))
    assert encode_domain(encoded) == encoded
    assert encode_domain(decoded) == encoded.lower()
    assert address_key(f"{local.upper().replace('SS', 'ß')}@{decoded}") == address_key(f"{local}@{encoded}")
    assert address_key(email) == address_key(f"{local}@{decoded}") == address_key(address_key(email))
    assert {address_key(each) for each in spellings(email)} == {address_key(email)}


@given(st.text(max_size=30))
def test_any_text_has_a_canonical_form_which_is_its_own(text: str) -> None:
    key = address_key(text)
    assert address_key(key) == key
    assert spell_labels(spell_labels(text)) == spell_labels(text)


def test_a_pattern_keeps_its_wildcards() -> None:
    assert spell_labels("%@bücher.exam%") == "%@xn--bcher-kva.exam%"
    assert spell_labels("%@%büch%.example") == "%@%büch%.example"
    assert spell_labels("bücher.example") == "bücher.example"


@for_each("email", ["a@x.org", "a.b+c=d'e@sub.x-y.org", "ünï@exämple.org", "a@xn--exmple-cua.org", "1@2.34"])
def test_an_address_of_allowed_length_with_a_domain_takes_mail(email: str) -> None:
    assert is_email(email)


@for_each(
    "email",
    [
        "",
        "@",
        "a@",
        "@x.org",
        "a@x",
        "a@@x.org",
        "a b@x.org",
        "a@x..org",
        "a@-x.org",
        "a@x-.org",
        "a@x.org ",
        "a@x.org\n",
        "<a@x.org>",
        '"a b"@x.org',
        "a,b@x.org",
        "a@x_y.org.",
        "a\0@x.org",
        "a" * 65 + "@x.org",
        "a@" + "x" * 64 + ".org",
        "a@" + "x." * 130 + "org",
        "\ud800@x.org",
    ],
)
def test_a_malformed_or_too_long_address_takes_no_mail(email: str) -> None:
    assert not is_email(email)
