"""System tags are found in any case and with any blanks, at their place, and in linear time."""

from __future__ import annotations

import time

from mailer.compose.system_tags import SystemTag, find_system_tags, has_unsubscribe_tag, line_and_column
from tests.examples import for_each

SPELLINGS = {
    "unsubscribe": ["[unsubscribe]", "[Unsubscribe]", "{{unsubscribe}}", "{{{ unsubscribe }}}", "[ UNSUBSCRIBE\t]"],
    "unsubscribe_preferences": ["[Unsubscribe_Preferences]", "{{{unsubscribe_preferences}}}"],
    "weblink": ["[Weblink]", "[weblink]", "{{ WebLink }}", "{{{weblink}}}"],
    "sender_name": ["[Sender_Name]", "{{Sender_Name}}", "{{{\nSender_Name\n}}}"],
    "sender_address_2": ["[Sender_Address_2]"],
    "sender_zip": ["{{Sender_Zip}}", "[\xa0sender_zip ]"],
    "asm_group_unsubscribe_url": ["<%asm_group_unsubscribe_url%>", "<% ASM_Group_Unsubscribe_Url %>"],
    "asm_global_unsubscribe_raw_url": ["<%asm_global_unsubscribe_raw_url%>"],
    "asm_preferences_raw_url": ["<%\tasm_preferences_raw_url\n%>"],
}


def test_every_spelling_of_a_tag_is_found() -> None:
    for name, spellings in SPELLINGS.items():
        for text in spellings:
            assert list(find_system_tags(f"a {text} b")) == [SystemTag(text, name, 2)], text


def test_other_texts_are_no_tags() -> None:
    others = "[unsubscribed] [unsub scribe] {unsubscribe} [unsubscribe} {{{unsubscribe}} <%unsubscribe%> [sender_phone]"
    # Three braces and two: the tag is the inner one.
    assert [tag.text for tag in find_system_tags(others)] == ["{{unsubscribe}}"]
    assert list(find_system_tags("[un\u017fubscribe] <%asm_group%> [%unsubscribe%]")) == []


def test_tags_to_unsubscribe_are_those_of_unsubscribe_links() -> None:
    ways_out = {name for name, (text, *_) in SPELLINGS.items() if has_unsubscribe_tag(f"<p>{text}</p>")}
    assert ways_out == {name for name in SPELLINGS if "unsubscribe" in name or "preferences" in name}


def test_a_place_is_named_by_line_and_column() -> None:
    text = "one\r\ntwo\rthree\n  [weblink]"
    (tag,) = find_system_tags(text)
    assert line_and_column(text, tag.start) == (4, 3)
    assert line_and_column("[weblink]", 0) == (1, 1)


@for_each("text", ["[ " * 100_000, "[" + " " * 200_000, "{{{" * 80_000, "<%asm_" * 50_000])
def test_unfinished_tags_are_read_once(text: str) -> None:
    began = time.process_time()
    assert list(find_system_tags(text)) == []
    assert time.process_time() - began < 2
