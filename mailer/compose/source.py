"""Make the texts of a message from its template, before substitutions: the first step of rendering.

A dynamic template is rendered with the data of each message. A legacy template has `<%subject%>` and `<%body%>` for the
subject and the content of the request. The HTML of any mail is put into the wrapper of its account, at `<% body %>`.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any, Final, NamedTuple

from django.conf import settings

from content.handlebars import DEFAULT, RenderError, Template, TemplateError, compile_template
from content.models import VersionContent
from content.settings import BODY_TAG
from mailer.compose.headers import is_html
from mailer.compose.system_tags import MAIL_NAMES
from mailer.compose.tag_finder import TagFinder
from mailer.compose.template import LONGEST, TextTooLong
from mailer.draft import Rendering
from mailer.models import Mail

PLAIN, HTML = "text/plain", "text/html"
SUBJECT: Final = re.compile(r"<%[ \t]*+subject[ \t]*+%>", re.IGNORECASE)
RENDER_SECONDS: Final = 1.0
"""The CPU time in which a part of a message has to be rendered."""


class Unrenderable(ValueError):
    """Raised for a message that cannot be made with its data. The text is the reason."""


class Base(NamedTuple):
    """The subject and the bodies of a message before substitutions."""

    subject: str
    texts: tuple[str, ...]


class Source:
    """The subject and the bodies of a mail, which may depend on the message."""

    types: tuple[str, ...]
    """The MIME types of the bodies."""
    shared: Base | None = None
    """The texts of the messages without a personal subject; None if messages differ in more than their subjects."""

    def texts_for(self, personal: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the bodies of one message. Raises Unrenderable."""
        raise NotImplementedError

    def subject_for(self, personal: Mapping[str, Any]) -> str:
        """Return the subject of one message. Raises Unrenderable."""
        return self.subject_of(personal.get("subject"))

    def is_shared_by(self, personal: Mapping[str, Any]) -> bool:
        """Return whether a message has the shared bodies."""
        return self.shared is not None

    def subject_of(self, subject: str | None) -> str:
        """Return the finished subject of a message with this personal subject, if the source is shared."""
        raise NotImplementedError


class PlainSource(Source):
    """The content of a mail without a template."""

    def __init__(self, subject: str, parts: list[tuple[str, str]]) -> None:
        self.types = tuple([type for type, _ in parts])
        self.shared = Base(subject, tuple([text for _, text in parts]))

    def subject_of(self, subject: str | None) -> str:
        return self.shared.subject if subject is None else subject  # type: ignore[union-attr]

    def texts_for(self, personal: Mapping[str, Any]) -> tuple[str, ...]:
        assert self.shared is not None
        return self.shared.texts


class LegacySource(Source):
    """A legacy template, filled with the subject and the content of a mail."""

    def __init__(self, content: VersionContent, mail: Mail, wrapper: str | None) -> None:
        self._subject, self._mail_subject = content.subject, mail.subject
        parts = _legacy_parts(content, mail)
        self.types = tuple([type for type, _ in parts])
        self._texts = tuple([wrapped(type, text, wrapper) for type, text in parts])
        self._has_subject = any(SUBJECT.search(text) for text in self._texts)
        self.shared = Base(self.subject_of(None), self.texts_for({}))

    def subject_of(self, subject: str | None) -> str:
        filling = self._mail_subject if subject is None else subject
        return _filled(SUBJECT, self._subject, filling) if self._subject.strip() else filling

    def texts_for(self, personal: Mapping[str, Any]) -> tuple[str, ...]:
        subject = personal.get("subject", self._mail_subject)
        return tuple([_filled(SUBJECT, text, subject) for text in self._texts])

    def is_shared_by(self, personal: Mapping[str, Any]) -> bool:
        return not (self._has_subject and "subject" in personal)


@dataclass(frozen=True, slots=True)
class Compiled:
    """The templates of a mail. Without a subject, the one of the message is used. A text is used unchanged."""

    subject: Template | None
    types: tuple[str, ...]
    bodies: tuple[Template | str, ...]


class DynamicSource(Source):
    """A template in Handlebars that is rendered with the data of each message."""

    def __init__(self, compiled: Compiled, subject: str, wrapper: str | None) -> None:
        self._compiled, self._mail_subject, self._wrapper = compiled, subject, wrapper
        self.types = compiled.types
        characters = min(settings.MAX_MESSAGE_BYTES, DEFAULT.characters)
        self._limits = replace(DEFAULT, characters=characters, seconds=RENDER_SECONDS)

    def texts_for(self, personal: Mapping[str, Any]) -> tuple[str, ...]:
        texts = [self._render(body, personal) for body in self._compiled.bodies]
        return tuple([wrapped(type, text, self._wrapper) for type, text in zip(self.types, texts, strict=True)])

    def subject_for(self, personal: Mapping[str, Any]) -> str:
        if self._compiled.subject is not None:
            return self._render(self._compiled.subject, personal)
        subject: str = personal.get("subject", self._mail_subject)
        return subject

    def _render(self, template: Template | str, personal: Mapping[str, Any]) -> str:
        if isinstance(template, str):
            return template
        try:
            return template.render(personal.get("data") or {}, limits=self._limits)
        except RenderError as error:
            raise Unrenderable(f"template: {error}") from error


class Loaded(NamedTuple):
    """The content of a version of a template, compiled if it is dynamic."""

    content: VersionContent
    compiled: Compiled | None


class ContentCache:
    """The contents that this process used last, by id, up to a number of characters of their texts."""

    CHARACTERS: Final = 8_000_000

    def __init__(self) -> None:
        self._contents: OrderedDict[int, Loaded] = OrderedDict()
        self._lock = Lock()

    def get(self, content_id: int, load: Callable[[], VersionContent]) -> Loaded:
        """Return a content, which never changes. Raises Unrenderable if it cannot be compiled."""
        with self._lock:
            if content_id in self._contents:
                self._contents.move_to_end(content_id)
                return self._contents[content_id]
        loaded = _loaded(load())
        with self._lock:
            self._contents[content_id] = loaded
            while len(self._contents) > 1 and sum(map(_size, self._contents.values())) > self.CHARACTERS:
                self._contents.popitem(last=False)
        return loaded


CONTENTS: Final = ContentCache()


def make_source(mail: Mail, rendering: Rendering, finder: TagFinder) -> Source:
    """Return the source of a mail's texts, whose tags `finder` finds.

    Raises Unrenderable if its template cannot be compiled.
    """
    wrapper = rendering.get("wrapper")
    if wrapper is not None and not BODY_TAG.search(wrapper):
        wrapper = None
    parts = [(part["type"], part["value"]) for part in mail.content]
    if (loaded := _load(mail)) is not None:
        content, compiled = loaded
        if compiled is None:
            return LegacySource(content, mail, wrapper)
        if not compiled.bodies:
            types, texts = zip(*parts, strict=True) if parts else ((PLAIN,), ("",))
            compiled = replace(compiled, types=types, bodies=texts)
        return DynamicSource(compiled, mail.subject, wrapper)
    if rendering.get("handlebars"):
        return _source_of_campaign(mail.subject, parts, wrapper, finder)
    return PlainSource(mail.subject, [(type, wrapped(type, text, wrapper)) for type, text in parts])


def subject_with_data(mail: Mail, personal: Mapping[str, Any]) -> str:
    """Return the subject of a message before substitutions. The bodies are not needed. Raises Unrenderable."""
    subject: str = personal.get("subject") or mail.subject
    content = mail.template
    if content is None:
        return _rendered_subject(subject, personal) if (mail.rendering or {}).get("handlebars") else subject
    if not content.subject.strip():
        return subject
    if content.is_dynamic:
        return _rendered_subject(content.subject, personal)
    return _filled(SUBJECT, content.subject, subject)


def _rendered_subject(subject: str, personal: Mapping[str, Any]) -> str:
    return DynamicSource(_compiled(subject, (), kept=MAIL_NAMES), subject, None).subject_for(personal)


def _load(mail: Mail) -> Loaded | None:
    """Return the template of a mail, or None. The template of a preview is not stored, so it has no id."""
    if mail.template_id is None:
        return None if mail.template is None else _loaded(mail.template)
    return CONTENTS.get(mail.template_id, lambda: _template_of(mail))


def _template_of(mail: Mail) -> VersionContent:
    assert mail.template is not None
    return mail.template


def wrapped(type: str, text: str, wrapper: str | None) -> str:
    """Return a body, in the wrapper if it is HTML and there is a wrapper."""
    return text if wrapper is None or not is_html(type) else _filled(BODY_TAG, wrapper, text)


def _filled(tag: re.Pattern[str], text: str, value: str) -> str:
    """Return a text with every such tag replaced. Raises TextTooLong."""
    pieces = tag.split(text)
    if sum(map(len, pieces)) + (len(pieces) - 1) * len(value) > LONGEST:
        raise TextTooLong
    return value.join(pieces)


def _legacy_parts(content: VersionContent, mail: Mail) -> list[tuple[str, str]]:
    """Return the bodies of a legacy template, with the bodies of a mail in them.

    A body that the mail does not have is left out if the mail has another one; a mail without any gets both versions.
    """
    values = {part["type"]: part["value"] for part in mail.content}
    parts = []
    for type, text in ((PLAIN, content.plain), (HTML, content.html)):
        if type in values or not mail.content:
            body = values.pop(type, "")
            parts.append((type, _filled(BODY_TAG, text, body) if text else body))
    parts = [(type, text) for type, text in parts if text]
    return [*parts, *values.items()] or [(PLAIN, "")]


def _loaded(content: VersionContent) -> Loaded:
    if not content.is_dynamic:
        return Loaded(content, None)
    parts = [(type, text) for type, text in ((PLAIN, content.plain), (HTML, content.html)) if text]
    return Loaded(content, _compiled(content.subject, parts, kept=MAIL_NAMES))


def _size(loaded: Loaded) -> int:
    return len(loaded.content.html) + len(loaded.content.plain) + len(loaded.content.subject)


def _compiled(subject: str, parts: Sequence[tuple[str, str]], *, kept: Collection[str] = ()) -> Compiled:
    try:
        return Compiled(
            compile_template(subject, kept=kept) if subject.strip() else None,
            tuple([type for type, _ in parts]),
            tuple([compile_template(text, kept=kept) for _, text in parts]),
        )
    except TemplateError as error:
        raise Unrenderable(f"template: {error}") from error


def _source_of_campaign(
    subject: str, parts: Sequence[tuple[str, str]], wrapper: str | None, finder: TagFinder
) -> Source:
    """Return the source of a campaign in Handlebars, with the tags in the form in which `finder` finds them."""
    compiled = _compiled(finder.prepare(subject), [(type, finder.prepare(text)) for type, text in parts])
    return DynamicSource(compiled, "", wrapper and finder.prepare(wrapper))
