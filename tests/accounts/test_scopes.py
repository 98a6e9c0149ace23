"""Test scopes: which scopes a key has, and which it may grant."""

from __future__ import annotations

import pytest

from accounts.errors import ScopesNotGrantable
from accounts.keys import ALL_SCOPES, AUTOMATIC_SCOPES, FULL_ACCESS, allows, choose_scopes, spell_out
from tests.accounts.official_scopes import SCOPES
from tests.examples import for_each


def test_full_access_allows_every_scope_and_reads_as_the_whole_list() -> None:
    assert all(allows([FULL_ACCESS], scope) for scope in ALL_SCOPES)
    assert spell_out([FULL_ACCESS]) == list(ALL_SCOPES)
    assert FULL_ACCESS not in ALL_SCOPES


def test_a_key_permits_exactly_its_scopes() -> None:
    assert allows(["mail.send"], "mail.send")
    assert not allows(["mail.send"], "mail")
    assert not allows(["mail.batch.read"], "mail.batch.create")
    assert not allows([], "mail.send")


def test_every_scope_of_the_official_list_can_be_granted_by_its_holder() -> None:
    assert len(SCOPES) > 250
    assert choose_scopes(SCOPES) == SCOPES
    for scope in SCOPES:
        assert choose_scopes([scope], giver=[scope]) == [scope]
        with pytest.raises(ScopesNotGrantable):
            choose_scopes([scope], giver=[other for other in SCOPES if other != scope])


def test_names_are_unique_and_fit_their_column() -> None:
    assert len(set(ALL_SCOPES)) == len(ALL_SCOPES)
    assert max(map(len, ALL_SCOPES)) <= 100


@for_each("scope", ["mail.sends", FULL_ACCESS, "", "\0", "mail.*"])
def test_an_unknown_scope_cannot_be_granted(scope: str) -> None:
    with pytest.raises(ScopesNotGrantable) as caught:
        choose_scopes([scope, "mail.send"])
    assert caught.value.scopes == [scope]


def test_without_a_choice_a_key_gets_the_scopes_of_its_creator() -> None:
    assert choose_scopes(None) == [FULL_ACCESS]
    assert choose_scopes(None, giver=["mail.send"]) == ["mail.send"]


def test_automatic_scopes_are_given_by_anyone_and_doubles_fall_away() -> None:
    scopes = [*AUTOMATIC_SCOPES, "mail.send", "mail.send"]
    assert choose_scopes(scopes, giver=["mail.send"]) == [*AUTOMATIC_SCOPES, "mail.send"]
