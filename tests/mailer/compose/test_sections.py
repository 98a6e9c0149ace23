"""Substitutions and sections are replaced alternately, four levels deep, with a bounded result."""

from __future__ import annotations

from typing import Any

import pytest

from mailer.compose import sections
from mailer.compose.sections import resolve
from mailer.compose.template import TextTooLong


def resolved(own: dict[str, str], texts: dict[str, str]) -> dict[str, str]:
    return resolve(own, texts, in_text=texts)


def test_a_value_is_open_to_sections_and_a_section_to_values() -> None:
    own, texts = {"-a-": "%s% -b-", "-b-": "B"}, {"%s%": "S -b- %t%", "%t%": "T"}
    assert resolved(own, texts) == {"-a-": "S B %t% -b-", "-b-": "B", "%s%": "S B %t%", "%t%": "T"}


def test_keys_are_replaced_four_levels_deep() -> None:
    own, texts = {"-a-": "a%s%", "-b-": "b%t%"}, {"%s%": "s-b-", "%t%": "t-a-"}
    assert resolved(own, texts)["-a-"] == "asbt-a-"
    assert resolved(own, texts)["%s%"] == "sbta%s%"


def test_keys_that_name_each_other_come_to_an_end() -> None:
    assert resolved({"-a-": "%s%"}, {"%s%": "-a-"}) == {"-a-": "-a-", "%s%": "%s%"}


def test_a_substitution_precedes_a_section_of_the_same_key() -> None:
    assert resolved({"-a-": "value"}, {"-a-": "section"}) == {"-a-": "value"}


def test_the_result_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    own: dict[str, Any] = {"-a-": "%s%" * 100, "-b-": "x" * 100}
    texts = {"%s%": "-b-" * 100}
    assert len(resolved(own, texts)["-a-"]) == 1_000_000
    monkeypatch.setattr(sections, "LONGEST", 1_000_000)
    with pytest.raises(TextTooLong):
        resolved(own, texts)
