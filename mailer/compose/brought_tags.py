"""Tell whether the values of messages may bring system tags into a mail.

Such tags are not among the texts that the messages of a mail share. A mail is looked at once, when it is accepted, so
that composing the messages of other mail costs nothing more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mailer.compose.system_tags import may_have_tags
from mailer.draft import Personalization


def brings_tags(people: Sequence[Personalization]) -> bool:
    """Return whether a value, a header or a subject of one of the messages may have a tag."""
    texts = [text for one in people if one.substitutions for text in one.substitutions.values()]
    for one in people:
        if one.subject or one.headers:
            texts += (one.subject or "", *one.headers.values())
    return may_bring_tags("\0".join(texts))


def may_bring_tags(text: str) -> bool:
    """Return whether a text has the beginning of a tag, or markup that decides about a footer.

    `</body>` moves it, and a comment hides the tags in it.
    """
    return may_have_tags(text) or "</" in text or "<!--" in text or "-->" in text


def own_texts(personal: Mapping[str, object]) -> Iterator[str]:
    """Yield the texts of a stored personalization in which a tag is replaced."""
    for name in ("substitutions", "headers"):
        yield from (personal.get(name) or {}).values()  # type: ignore[attr-defined]
    if subject := personal.get("subject"):
        yield str(subject)
