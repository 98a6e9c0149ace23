"""The size of a mail's messages is limited before they exist, and the estimate is never too low."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import Account
from mailer import expressing
from mailer.compose.template import substitute
from mailer.draft import Attachment, ContentPart, Personalization
from mailer.errors import MessageTooLarge
from mailer.expressing import KeyCounter, check_size
from mailer.models import Mail
from mailer.pipeline.accept import accept_mail
from tests.drafts import draft
from tests.examples import examples, for_each

LIMIT = 100_000


@pytest.fixture(autouse=True)
def small_limit(settings: Any) -> None:
    settings.MAX_MESSAGE_BYTES = LIMIT


def mail(text: str, *values: dict[str, str], **changes: Any) -> Any:
    """Return a mail with one message for each of the values."""
    base = draft(len(values))
    people = (
        personalization._replace(substitutions=value)
        for personalization, value in zip(base.personalizations, values, strict=True)
    )
    return replace(base, content=(ContentPart("text/plain", text),), personalizations=tuple(people), **changes)


def test_a_value_in_many_places_is_counted_in_each() -> None:
    value = "v" * 1000
    check_size(mail("-v-" * 90 + "x" * 5000, {"-v-": value}))
    with pytest.raises(MessageTooLarge) as refused:
        check_size(mail("-v-" * 110, {"-v-": "short"}, {"-v-": value}))
    assert refused.value.field == "personalizations.1"


@for_each("place", ["subject", "headers", "own subject", "own headers"])
def test_subjects_and_headers_count(place: str) -> None:
    text, values = "-v-" * 60, {"-v-": "v" * 2000}
    changes: dict[str, Any] = {place: {"X-Note": text} if place == "headers" else text} if " " not in place else {}
    large = mail("Hello", values, **changes)
    if place.startswith("own"):
        own = {"subject": text} if place == "own subject" else {"headers": {"X-Note": text}}
        large = replace(large, personalizations=(large.personalizations[0]._replace(**own),))
    with pytest.raises(MessageTooLarge):
        check_size(large)


def test_attachments_count_and_merge_values_as_they_are_in_html() -> None:
    file = Attachment("A" * 60_000, "a.bin")
    check_size(mail("x" * 20_000, {}, attachments=(file,)))
    with pytest.raises(MessageTooLarge):
        check_size(mail("x" * 50_000, {}, attachments=(file,)))
    quoted = Personalization(draft().personalizations[0].to, merge={"-v-": '"' * 200})
    check_size(replace(mail("-v-" * 80, {}), personalizations=(quoted,)))
    with pytest.raises(MessageTooLarge):
        check_size(replace(mail("-v-" * 100, {}), personalizations=(quoted,)))


def test_the_tags_of_links_count() -> None:
    check_size(mail("[unsubscribe]" * 200, {}))
    with pytest.raises(MessageTooLarge):
        check_size(mail("[unsubscribe]" * 500, {}))


def test_the_tags_that_values_and_sections_bring_count() -> None:
    for key, rendering in (("-v-", None), ("-s-", {"sections": {"-s-": "[unsubscribe]" * 10}})):
        values = {"-v-": "{{ Unsubscribe }}" * 10}
        check_size(mail(key * 20, values, rendering=rendering))
        with pytest.raises(MessageTooLarge):
            check_size(mail(key * 50, values, rendering=rendering))


def test_footers_and_subscription_texts_count() -> None:
    texts = {"text": "x" * 60_000, "html": "x" * 60_000, "tag": ""}
    for name in ("footer", "subscription"):
        with pytest.raises(MessageTooLarge):
            check_size(mail("Hello", {}, rendering={name: texts}))
        check_size(mail("Hello", {}, rendering={name: None}))


def test_tags_that_the_request_chooses_count() -> None:
    texts = {"text": "", "html": "", "tag": "x"}
    for rendering in ({"subscription": texts}, {"opens": True, "pixel_tags": ["x"]}):
        with pytest.raises(MessageTooLarge):
            check_size(mail("x" * 1000, {}, rendering=rendering))
        check_size(mail("x" * 10, {}, rendering=rendering))
    check_size(mail("x" * 1000, {}, rendering={"opens": False, "pixel_tags": ["x"]}))


def test_sections_that_take_too_long_to_search_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    sections = {f"-{n}-": "text" for n in range(100)}
    check_size(mail("x" * 1000, {}, rendering={"sections": sections}))
    monkeypatch.setattr(expressing, "SECTIONS_SEARCHED", 100_000)
    with pytest.raises(MessageTooLarge) as refused:
        check_size(mail("x" * 1000, {}, rendering={"sections": sections}))
    assert refused.value.field == "sections"


TEXTS = st.text("ab-é", max_size=60)


@settings(max_examples=examples(25))
@given(text=TEXTS, values=st.dictionaries(st.text("ab-é", max_size=3), st.text("ab<é", max_size=9), max_size=4))
def test_no_message_is_larger_than_its_bound(text: str, values: dict[str, str]) -> None:
    """This holds where keys overlap, are empty, or are longer than their values."""
    own = {key: escape(value) for key, value in values.items()}
    sizes = {key: len(value.encode()) for key, value in own.items()}
    bound = KeyCounter([text]).size_with([text], sizes)
    assert bound >= 2 * len(substitute(text, own).encode())
    person = [personalization._replace(substitutions=own) for personalization in draft().personalizations]
    coarse = expressing._coarse_size([text], person, {}, 300)
    assert coarse >= len(substitute(text, own).encode())


def test_counting_is_bounded_however_many_keys_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each key is searched once for all messages; too many keys are refused after a bounded number of searches."""
    searched = 0
    count = KeyCounter._count

    def counted(self: KeyCounter, key: str, text: str) -> int:
        nonlocal searched
        searched += len(text)
        return count(self, key, text)

    monkeypatch.setattr(KeyCounter, "_count", counted)
    text = "x" * 50_000
    same = {f"-{n}-": "v" * 1000 for n in range(20)}
    check_size(mail(text, *[same] * 300))
    assert searched == len(f"Hello\0{text}") * len(same)
    others = [{f"-{n}-{m}-": "v" * 1000 for m in range(20)} for n in range(300)]
    searched = 0
    with pytest.raises(MessageTooLarge) as refused:
        check_size(mail(text, *others))
    assert refused.value.field == "personalizations"
    assert searched <= expressing.PASSES * LIMIT + len(text) + 10


def test_an_ordinary_mail_is_never_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expressing, "KeyCounter", None)
    check_size(draft(1000))


def test_nothing_of_a_mail_that_is_too_large_is_stored(alice: Account) -> None:
    with pytest.raises(MessageTooLarge):
        accept_mail(alice, mail("-v-" * 110, {"-v-": "v" * 1000}))
    assert not Mail.objects.exists()
