"""Every text of a draft that reaches a header is checked; texts of bodies are not."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest

from accounts.models import Account
from foundation.errors import UnfitCharacter
from mailer.checking import check_characters
from mailer.draft import Address, Attachment, ContentPart, MailDraft, Personalization
from mailer.models import Mail
from mailer.pipeline.accept import accept_mail
from tests.examples import for_each

DRAFT = MailDraft(
    sender=Address("from@example.com", "From"),
    personalizations=(
        Personalization(
            to=(Address("to@example.com", "To"),),
            cc=(Address("cc@example.com", "Cc"),),
            bcc=(Address("bcc@example.com", "Bcc"),),
            sender=Address("own@example.com", "Own"),
            subject="Own subject",
            headers={"X-Own": "own"},
            substitutions={"-key-": "value"},
            custom_args={"own": "own"},
            merge={"{{key}}": "value"},
            data={"key": "value"},
        ),
    ),
    content=(ContentPart("text/plain", "Hello"),),
    subject="Subject",
    attachments=(Attachment("aGVsbG8=", "a.csv", "text/csv", "inline", "id"),),
    reply_to=(Address("reply@example.com", "Reply"),),
    headers={"X-Note": "note"},
    custom_args={"all": "all"},
    categories=("news",),
    batch_id="batch",
    unsubscribe_url="https://example.com/leave",
)
"""A draft with every field set."""
NEVER_IN_A_HEADER = frozenset({"custom_args", "batch_id", "content.0.value", "attachments.0.content"})
ONE_OF_TWO_WORDS = frozenset({"attachments.0.disposition"})


def texts_of(node: Any, path: str = "") -> list[tuple[str, str]]:
    """Yield the path of each text in a draft with the text; `+key` is the key of a mapping."""
    if isinstance(node, str):
        return [(path, node)]
    parts: list[tuple[Any, Any]] = []
    if isinstance(node, Personalization | Address):
        parts = list(node._asdict().items())
    elif is_dataclass(node):
        parts = [(each.name, getattr(node, each.name)) for each in fields(node)]
    elif isinstance(node, dict):
        parts = [*node.items(), *((f"+{key}", key) for key in node)]
    elif isinstance(node, tuple):
        parts = list(enumerate(node))
    return [pair for name, part in parts for pair in texts_of(part, f"{path}.{name}".lstrip("."))]


def changed(node: Any, path: str, value: str) -> Any:
    """Return the draft with another text at this path."""
    if not path:
        return value
    name, _, inner_path = path.partition(".")
    if isinstance(node, dict):
        key = next(iter(node))
        return {value: node[key]} if name.startswith("+") else {key: value}
    if isinstance(node, tuple) and not hasattr(node, "_asdict"):
        return (changed(node[int(name)], inner_path, value),)
    kind, parts = type(node), node._asdict() if hasattr(node, "_asdict") else None
    parts = parts or {each.name: getattr(node, each.name) for each in fields(node)}
    return kind(**parts | {name: changed(parts[name], inner_path, value)})


def test_a_control_character_is_refused_in_sections() -> None:
    for sections in ({"-s-": "a\vb"}, {"a\vb": "text"}):
        with pytest.raises(UnfitCharacter) as refused:
            check_characters(replace(DRAFT, rendering={"sections": sections}))
        assert refused.value.field == "sections"


PLACES = [path for path, _ in texts_of(DRAFT) if path not in ONE_OF_TWO_WORDS]


def test_the_draft_is_valid_and_has_every_field() -> None:
    check_characters(DRAFT)
    assert len(PLACES) > 25
    assert all(getattr(DRAFT.personalizations[0], name) for name in Personalization._fields if name != "send_at")


@for_each("place", PLACES)
def test_a_control_character_is_refused_wherever_it_could_reach_a_header(place: str) -> None:
    parts = place.split(".")
    draft = changed(DRAFT, place, "a\vb")
    if place in NEVER_IN_A_HEADER or {"custom_args", "data"} & set(parts):
        check_characters(draft)
        return
    with pytest.raises(UnfitCharacter) as refused:
        check_characters(draft)
    assert refused.value.field is not None
    assert place.startswith(refused.value.field)
    for line_break in ("\n", "\r", "\x85", "\u2028"):
        several_lines = changed(DRAFT, place, f"a{line_break}b")
        if {"substitutions", "merge"} & set(parts):
            check_characters(several_lines)
        else:
            with pytest.raises(UnfitCharacter):
                check_characters(several_lines)


def test_nothing_of_a_refused_draft_is_stored(alice: Account) -> None:
    with pytest.raises(UnfitCharacter):
        accept_mail(alice, changed(DRAFT, "subject", "a\x1cb"))
    assert not Mail.objects.exists()
