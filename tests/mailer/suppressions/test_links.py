"""Only this installation can make or read a link to unsubscribe."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.sealing import BadLink
from mailer.suppressions.links import LONGEST_ADDRESS, Link, seal, unseal
from tests.examples import for_each

LINK = Link(3, 7, 123_456_789_012, "someone@example.com")
links = st.builds(
    Link,
    st.integers(1, 2**32 - 1),
    st.integers(0, 2**31 - 1),
    st.integers(0, 2**63 - 1),
    st.text("ab@.é漢", max_size=90),
)


@given(links)
def test_a_link_contains_the_sealed_values(link: Link) -> None:
    token = seal(link)
    assert unseal(token) == link
    assert seal(link) == token, "the same at every try"
    assert re.fullmatch(r"[A-Za-z0-9_-]{43,700}", token), "config/urls.py takes no other"


def test_a_link_reveals_no_part_of_the_address() -> None:
    token = seal(LINK)
    assert b"someone" not in base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    others = [seal(LINK._replace(message_id=LINK.message_id + n)) for n in range(50)]
    assert len({other[22:40] for other in others}) == 50, "neighbours have nothing in common"


def test_no_character_of_it_can_be_changed() -> None:
    token = seal(LINK)
    for place in range(len(token) - 1):  # the last character has unused bits
        for other in "Ab0_":
            if token[place] != other:
                with pytest.raises(BadLink):
                    unseal(token[:place] + other + token[place + 1 :])


@for_each("token", ["", "x", "é", "====", "A" * 20, "A" * 43, "A" * 700, "a b", "\0" * 50, seal(LINK)[:-4]])
def test_a_forged_link_is_refused(token: str) -> None:
    with pytest.raises(BadLink):
        unseal(token)


def test_another_installations_link_is_refused(settings: Any) -> None:
    token = seal(LINK)
    settings.SECRET_KEY = "another key, of thirty-two characters"
    with pytest.raises(BadLink):
        unseal(token)


def test_an_address_too_long_for_a_header_is_left_out() -> None:
    fits, does_not = "x" * LONGEST_ADDRESS, "é" * LONGEST_ADDRESS
    assert unseal(seal(LINK._replace(address=fits))).address == fits
    assert unseal(seal(LINK._replace(address=does_not))).address == ""


def test_a_link_outlives_a_change_of_the_secret_key_by_its_fallback(settings: Any) -> None:
    token, earlier = seal(LINK), settings.SECRET_KEY
    settings.SECRET_KEY = "another key, of no secrecy at all either"
    with pytest.raises(BadLink):
        unseal(token)
    settings.SECRET_KEY_FALLBACKS = ["neither the one nor the other, but long", earlier]
    assert unseal(token) == LINK
    assert unseal(seal(LINK)) == LINK
