"""Test the provider group of an address."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from mailer.outcomes.providers import BRANDS, DOMAINS, GROUPS, REST, SUFFIXES, group_of
from tests.mailer.outcomes.domains import EXPECTED


def test_each_well_known_domain_is_in_the_group_of_its_operator() -> None:
    assert {domain: group_of(f"Jo@{domain}") for domain in EXPECTED} == EXPECTED


def test_case_and_an_at_sign_in_the_local_part_do_not_matter() -> None:
    assert group_of('"a@web.de"@GMail.COM') == "google"
    assert group_of("x@gmail.com@example.com") == REST


def test_junk_is_in_the_group_of_the_rest() -> None:
    junk = ("", "@", "gmail", "a@", "a@.", "a@gmail.com.", "a@gmail.com ", "a@notgmail.com", "a@gmail.com.evil", "a@\0")
    for each in (*junk, "a@" + "x" * 100_000, "a@\ud800", "a@yahoo.", "a@.yahoo.com", "a@mail.gmail.com"):
        assert group_of(each) == REST, each[:40]


@given(st.text())
def test_any_text_has_a_group(text: str) -> None:
    assert group_of(text) in {REST, *DOMAINS}


def test_the_table_is_well_formed() -> None:
    listed = [domain for domains in DOMAINS.values() for domain in domains.split()]
    assert sorted(listed) == sorted(set(listed)), "no domain is listed twice"
    assert BRANDS.keys() <= DOMAINS.keys()
    assert len(set(SUFFIXES.split())) == len(SUFFIXES.split())
    for domain, group in GROUPS.items():
        assert re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", domain), domain
        assert re.fullmatch(r"[a-z0-9-]+", group), "a group is part of a key whose parts are separated by blanks"
