"""Test the rule for characters, for every character that a parser could take for a line break or a command."""

from __future__ import annotations

import pytest

from api.sendgrid.mail.types import MAIL
from foundation.errors import UnfitCharacter
from foundation.texts import check_line, check_text, is_line, is_text

CONTROLS = {*map(chr, range(0x20)), "\x7f"}
SPLITTING = {each for each in map(chr, range(0x3100)) if len(f"a{each}b".splitlines()) > 1}


def test_a_line_has_a_tab_and_no_other_control_character_or_line_break() -> None:
    everything = set(map(chr, range(0x3100)))
    assert everything - set(filter(is_line, everything)) == (CONTROLS | SPLITTING) - {"\t"}


def test_a_text_may_have_several_lines() -> None:
    assert {each for each in CONTROLS | SPLITTING if is_text(each)} == {"\t", "\n", "\r", "\x85", "\u2028", "\u2029"}


@pytest.mark.parametrize("check", [check_line, check_text])
def test_a_refusal_names_the_field_and_the_character_and_not_the_value(check: object) -> None:
    assert callable(check)
    check("fine,\twith a tab", field="subject")
    with pytest.raises(UnfitCharacter, match=r"^subject holds U\+000B: ") as refused:
        check("secret\vword", field="subject")
    assert refused.value.field == "subject"
    assert "secret" not in str(refused.value)


def test_the_pattern_of_mail_send_is_the_same_rule() -> None:
    """The same pattern is compiled by pydantic's own engine."""
    mail = {
        "personalizations": [{"to": [{"email": "a@example.com"}]}],
        "from": {"email": "b@example.com"},
        "content": [{"type": "text/plain", "value": "x"}],
    }
    for each in sorted(CONTROLS | SPLITTING | {"é", "\xa0", "\u200b"}):
        try:
            MAIL.validate_python(mail | {"subject": f"a{each}b"}, strict=True)
            is_accepted = True
        except ValueError:
            is_accepted = False
        assert is_accepted is is_line(each), repr(each)
