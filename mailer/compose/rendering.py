"""Render the texts of a message, in one order for every API.

1. The template (`source.py`).
2. Substitutions and sections (`sections.py`).
3. The footer, then a link to unsubscribe if the body has none (`footers.py`).
4. System tags (`system_tags.py`, `links.py`).
5. Tracked links (`mailer/tracking/`).

For most messages all keys and tags are known from the texts that the messages of a mail share. Then `fill` returns
values for one pass over these texts, which have their footers already. A message whose values may bring
a tag, and a message of a dynamic template, is rendered as a whole, step by step. Both ways have the same result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final, NamedTuple

from django.conf import settings

from foundation.addresses import address_key
from foundation.caches import Cache
from mailer.compose.footers import BODY_END_TAG, Footers, place_of_footer
from mailer.compose.headers import is_html
from mailer.compose.links import PIXEL, SUBSCRIPTION, TOKEN, Form, Forms, Links, Pieces, split
from mailer.compose.overlaps import Edges
from mailer.compose.sections import keys_in, resolve
from mailer.compose.source import Base, Unrenderable, make_source
from mailer.compose.system_tags import may_bring_tags, personal_texts
from mailer.compose.tag_finder import SealedTagFinder, TagFinder, is_quoted
from mailer.compose.template import Values, substitute, substitute_once, values_of
from mailer.draft import Address, Rendering
from mailer.models import Mail
from mailer.suppressions.links import sealer
from mailer.tracking.early import NO_ADDRESSES, EarlyLinks
from mailer.tracking.rewriting import LinkRewriter
from mailer.tracking.tracker import PIXEL_TAG, TRACKED, Tracker, make_tracker

MOST_TAGS: Final = 100
"""The most different tags of a mail that are keys. In a mail with more of them every message is rendered as a whole."""
QUOTES: Final = ('"', "'")
EDGE: Final = "\0/\0"
"""The key before and behind a footer. No stored text has this character, so no other key overlaps it."""
CACHED: Final = 16
"""The number of senders, and of sets of keys, for which a mail caches values."""


class Rendered(NamedTuple):
    """The finished texts of a message, and a function that finishes the value of a header."""

    subject: str
    texts: tuple[str, ...]
    finish_line: Callable[[str], str]


class Filling(NamedTuple):
    """The values of a message's keys, or its texts if it is rendered as a whole, and its List-Unsubscribe fields.

    `texts` are the bodies into which the values are filled, unless they are those that all messages share.
    """

    values: Values
    whole: Rendered | None
    list_fields: bytes
    texts: tuple[str, ...] | None = None


class OfSender(NamedTuple):
    """The parts that messages of one sender share: the forms of tags, and the pieces of the values of keys.

    `pixels` has the keys that are replaced by the pixel in HTML.
    """

    forms: Forms
    plain: Mapping[str, Pieces]
    html: Mapping[str, Pieces]
    pixels: tuple[str, ...]
    needs_token: bool


def rendering_of(mail: Mail) -> Rendering:
    """Return the rendering of a mail, completed by the defaults that its account had."""
    merged: Rendering = {**(mail.defaults or {}), **(mail.rendering or {})}  # type: ignore[typeddict-item]
    return merged


class Renderer:
    """Render the messages of one mail."""

    def __init__(self, mail: Mail, rendering: Rendering, public_url: str, tracking_url: str = "") -> None:
        self._mail = mail
        self._sender = Address(mail.sender, mail.sender_name)
        self._links = Links(mail, rendering, public_url)
        self._seal = partial(sealer().seal, mail.account_id, mail.unsubscribe_group_id or 0)
        self._tracker = make_tracker(mail, rendering, public_url=public_url, tracking_url=tracking_url)
        self._finder = TagFinder(_chosen_tags(rendering, self._links, self._tracker))
        if rendering.get("handlebars"):
            self._finder = SealedTagFinder(self._finder, mail.public_id)
        self._source = make_source(mail, rendering, self._finder)
        self._footers = Footers(
            rendering, self._links.subscription, has_group=bool(mail.unsubscribe_group_id), finder=self._finder
        )
        self._sections: Mapping[str, str] = rendering.get("sections") or {}
        self._brings_tags = rendering.get("brings_tags", False)
        self._by_sender: Cache[Address, OfSender] = Cache(CACHED)
        self._overlaps: Cache[tuple[str, ...], bool] = Cache(CACHED)
        self._tags: dict[str, str] = {}
        """The names of the tags that are keys, by their texts."""
        self._appended: list[str] = []
        """The texts that are appended to bodies."""
        self._appended_tags: dict[str, tuple[str, str, bool]] = {}
        """The tags in appended texts by their keys: text, name, and whether the tag is in quotes."""
        self.types = self._source.types
        self.texts: tuple[str, ...] = ("",) * len(self.types)
        """The bodies that the messages share, with their footers and tracked links."""
        self._early: EarlyLinks | None = None
        if self._source.shared is not None:
            self._prepare(self._source.shared)

    @property
    def is_whole(self) -> bool:
        """Return whether every message is rendered as a whole, which takes longer."""
        return self._source.shared is None

    def subject_of(self, subject: str | None) -> str:
        """Return the subject of a message that is not rendered as a whole, before its values are filled in."""
        return self._source.subject_of(subject)

    def fill(self, message_id: int, recipient: str, personal: Mapping[str, Any], sender: Address) -> Filling:
        """Return the values or the texts of one message. Raises Unrenderable and TextTooLong."""
        of_sender, values, is_alone = self._of_sender(sender), values_of(personal), is_to_one(personal)
        tracked = self._tracker.seal(message_id, is_alone=is_alone) if self._tracker else ""
        shared = self._fill_shared(personal, values, of_sender, tracked)
        token = self._token(message_id, recipient, personal) if shared is None or of_sender.needs_token else ""
        list_fields = self._links.header(of_sender.forms, token, is_alone=is_alone, personal=personal.get("headers"))
        if shared is None:
            return Filling(values, self._render(personal, values, of_sender.forms, token, tracked), list_fields)
        values, addresses, texts = shared
        return Filling(self._filled_in(values, addresses, of_sender, token, tracked), None, list_fields, texts)

    def render(self, message_id: int, recipient: str, personal: Mapping[str, Any]) -> Rendered:
        """Return the finished texts of one message. Raises Unrenderable and TextTooLong."""
        forms = self._of_sender(self._sender_of(personal)).forms
        token = self._token(message_id, recipient, personal)
        tracked = self._tracker.seal(message_id, is_alone=is_to_one(personal)) if self._tracker else ""
        return self._render(personal, values_of(personal), forms, token, tracked)

    def _sender_of(self, personal: Mapping[str, Any]) -> Address:
        return Address(*personal["from"]) if "from" in personal else self._sender

    def _token(self, message_id: int, recipient: str, personal: Mapping[str, Any]) -> str:
        return self._seal(message_id, address_key(recipient) if is_to_one(personal) else "")

    def _fill_shared(
        self, personal: Mapping[str, Any], values: Values, of_sender: OfSender, tracked: str
    ) -> tuple[Values, Mapping[str, str], tuple[str, ...] | None] | None:
        """Return the message's values, the addresses of its links, and its texts if not all messages share them.

        Return None if the message is rendered as a whole.
        """
        if self._is_rendered_as_a_whole(personal, values):
            return None
        if self._sections:
            values = self._with_sections(values, personal, self._sections_in(personal))
        if self._early is None:
            return values, NO_ADDRESSES, None
        placed = self._early.place(values, of_sender.plain, tracked)
        return None if placed is None else (values, *placed)

    def _prepare(self, shared: Base) -> None:
        """Find the keys and tags of the texts that the messages share."""
        texts = (shared.subject, *self._mail.headers.values(), *shared.texts)
        self._tags = {tag.text: tag.name for text in texts for tag in self._finder.find(text)}
        self._text_sections = keys_in("\0".join(texts), self._sections)
        bodies = zip(self.types, shared.texts, strict=True)
        self.texts = tuple([self._with_keys(type, text) for type, text in bodies])
        if self._tracker and self._tracker.links:
            self._rewrite_early(self._tracker.links)
        has_many = len(self._tags) > MOST_TAGS
        self._edges = Edges(() if has_many else (*self._tags, *((BODY_END_TAG,) if self._appended else ())))
        self._is_searched = (
            has_many
            or any(may_bring_tags(text) or self._finder.has_chosen(text) for text in self._sections.values())
            or self._overlap(tuple(self._sections))
        )

    def _rewrite_early(self, links: LinkRewriter) -> None:
        """Rewrite the links of the shared texts, with a key in the place of the message's token."""
        unsubscribe_url = self._of_sender(self._sender).forms.unsubscribe_url
        self._early = EarlyLinks(links, self.types, self.texts, token=TRACKED, unsubscribe_url=unsubscribe_url)
        self.texts = self._early.texts

    def _with_keys(self, type: str, body: str) -> str:
        """Return a body with the text behind it, between two keys, and with a key for each tag in that text.

        So no key of a substitution can overlap the end of the body.
        """
        appended = self._text_after(type, body)
        if not appended:
            return body
        if self._tracker:
            appended = appended.replace(PIXEL_TAG, self._tracker.pixel(TRACKED))
        self._appended.append(appended)
        pieces, at = [EDGE], 0
        for tag in self._finder.find(appended):
            key = f"\0{len(self._appended_tags)}\0"
            self._appended_tags[key] = tag.text, tag.name, is_quoted(appended, tag)
            pieces += [appended[at : tag.start], key]
            at = tag.start + len(tag.text)
        return insert_footer(body, type, "".join([*pieces, appended[at:], EDGE]))

    def _text_after(self, type: str, text: str) -> str:
        """Return the text to append to a body whose keys are replaced."""
        has_link = self._footers.needs_link(type) and self._finder.has_unsubscribe_link(text, is_html=is_html(type))
        appended = self._footers.text_after(type, has_link=has_link)
        if self._tracker and self._tracker.has_pixel and is_html(type):
            tags = (tag.name for searched in (text, appended) for tag in self._finder.find(searched))
            if PIXEL not in tags:
                appended += self._finder.prepare(PIXEL_TAG)
        return appended

    def _of_sender(self, sender: Address) -> OfSender:
        of_sender = self._by_sender.get(sender)
        if of_sender is None:
            of_sender = self._by_sender[sender] = self._make_of_sender(self._links.forms_of(sender))
        return of_sender

    def _make_of_sender(self, forms: Forms) -> OfSender:
        keyed: dict[str, tuple[str, str]] = {}
        """The replacements of keys in most texts and in HTML, with places of the token."""
        for text, name in self._tags.items():
            if form := forms.by_name.get(name):
                keyed[text] = form.plain, form.link
                if form.link != form.html:
                    for mark in QUOTES:
                        keyed[f"{mark}{text}{mark}"] = f"{mark}{form.plain}{mark}", f"{mark}{form.html}{mark}"
        for key, (text, name, is_in_quotes) in self._appended_tags.items():
            form = forms.by_name.get(name, Form(text, text, text))
            keyed[key] = form.plain, form.text_in(is_html=True, is_quoted=is_in_quotes)
        if self._appended:
            keyed[EDGE] = "", ""
        plain = {key: split(text) for key, (text, _) in keyed.items()}
        html = {key: split(text) for key, (_, text) in keyed.items()}
        needs_token = TOKEN in forms.header_url or any(len(pieces) > 1 for pieces in (*plain.values(), *html.values()))
        pixels = self._pixel_keys()
        return OfSender(forms, plain, plain if plain == html and not pixels else html, pixels, needs_token)

    def _pixel_keys(self) -> tuple[str, ...]:
        """Return the keys that are replaced by the pixel."""
        if not (self._tracker and self._tracker.has_pixel):
            return ()
        keys = [text for text, name in self._tags.items() if name == PIXEL]
        return (*keys, *[key for key, (_, name, _) in self._appended_tags.items() if name == PIXEL])

    def _filled_in(
        self, values: Values, addresses: Mapping[str, str], of_sender: OfSender, token: str, tracked: str
    ) -> Values:
        """Return the values of all keys of a message with these tokens: its values come before those of tags."""
        tags = {key: token.join(pieces) for key, pieces in of_sender.plain.items()} if of_sender.plain else {}
        plain = {**tags, TRACKED: tracked, **addresses, **values.plain}
        if values.plain is values.html and of_sender.html is of_sender.plain:
            return Values(plain, plain)
        tags = {key: token.join(pieces) for key, pieces in of_sender.html.items()}
        if self._tracker and of_sender.pixels:
            tags.update(dict.fromkeys(of_sender.pixels, self._tracker.pixel(tracked)))
        return Values(plain, {**tags, TRACKED: tracked, **addresses, **values.html})

    def _is_rendered_as_a_whole(self, personal: Mapping[str, Any], values: Values) -> bool:
        """Return whether a message may have other tags than the texts that the messages share."""
        if self._source.shared is None or self._is_searched or not self._source.is_shared_by(personal):
            return True
        if self._brings_tags or self._finder.can_bring_chosen:
            texts = "\0".join(personal_texts(personal))
            if (self._brings_tags and may_bring_tags(texts)) or self._finder.has_chosen(texts):
                return True
        return bool(values.plain) and self._overlap(tuple(values.plain))

    def _overlap(self, keys: tuple[str, ...]) -> bool:
        """Return whether replacing these keys may change a tag. Cached, since messages mostly have the same keys."""
        overlap = self._overlaps.get(keys)
        if overlap is None:
            is_in_footer = any(keys_in(text, keys) for text in self._appended)
            overlap = self._overlaps[keys] = is_in_footer or self._edges.overlap(keys)
        return overlap

    def _sections_in(self, personal: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the keys of sections in the shared texts, and in the personal subject and headers of a message."""
        texts = [personal["subject"]] if "subject" in personal else []
        texts += (personal.get("headers") or {}).values()
        if not texts:
            return self._text_sections
        return tuple(dict.fromkeys((*self._text_sections, *keys_in("\0".join(texts), self._sections))))

    def _with_sections(self, values: Values, personal: Mapping[str, Any], in_text: Iterable[str]) -> Values:
        """Return the values in which the keys of sections are replaced. Merge values are data, without such keys."""
        substitutions: Mapping[str, str] = personal.get("substitutions") or {}
        resolved = resolve(substitutions, self._sections, in_text=in_text)
        if values.plain is values.html:
            return Values(resolved, resolved)
        return Values({**values.plain, **resolved}, {**values.html, **resolved})

    def _render(self, personal: Mapping[str, Any], values: Values, forms: Forms, token: str, tracked: str) -> Rendered:
        texts, subject = self._source.texts_for(personal), self._source.subject_for(personal)
        headers = (*self._mail.headers.values(), *(personal.get("headers") or {}).values())
        by_name = forms.by_name
        if self._tracker and self._tracker.has_pixel:
            pixel = self._tracker.pixel(tracked)
            by_name = {**by_name, PIXEL: Form("", pixel, pixel)}
        finisher = self._finisher(personal, values, by_name, token, (*texts, subject, *headers))
        finished = tuple([finisher.body(type, text) for type, text in zip(self.types, texts, strict=True)])
        if self._tracker and self._tracker.links:
            unsubscribe_url = forms.unsubscribe_url.replace(TOKEN, token)
            finished = self._tracker.links.rewrite(self.types, finished, tracked, unsubscribe_url=unsubscribe_url)
        if sum(map(len, finished)) > settings.MAX_MESSAGE_BYTES:
            raise Unrenderable(f"the message has more than {settings.MAX_MESSAGE_BYTES:,} characters with its values")
        return Rendered(finisher.line(subject), finished, finisher.header)

    def _finisher(
        self, personal: Mapping[str, Any], values: Values, forms: Mapping[str, Form], token: str, texts: Iterable[str]
    ) -> Finisher:
        if self._sections:
            values = self._with_sections(values, personal, keys_in("\0".join(texts), self._sections))
        with_places, held_back = _without_merged(values, personal)
        return Finisher(self._finder, self._text_after, with_places, held_back, forms, token)


class Finisher(NamedTuple):
    """Finish the texts of one message, step by step, after its template."""

    finder: TagFinder
    text_after: Callable[[str, str], str]
    values: Values
    held_back: Values
    forms: Mapping[str, Form]
    token: str

    def line(self, text: str) -> str:
        """Return a finished line, such as a subject."""
        filled = self.finder.replace(substitute(text, self.values.plain), self.forms, self.token, is_html=False)
        return substitute(filled, self.held_back.plain)

    def header(self, text: str) -> str:
        """Return a finished header, whose text was not prepared for the finder as those of a template are."""
        return self.line(self.finder.prepare(text))

    def body(self, type: str, text: str) -> str:
        """Return a finished body of a MIME type."""
        is_in_html = is_html(type)
        values, held_back = (pair.html if is_in_html else pair.plain for pair in (self.values, self.held_back))
        filled = substitute_once(text, values)
        if appended := self.text_after(type, filled):
            filled = insert_footer(filled, type, appended)
        replaced = self.finder.replace(filled, self.forms, self.token, is_html=is_in_html)
        return substitute_once(replaced, held_back)


def is_to_one(personal: Mapping[str, Any]) -> bool:
    """Return whether a message goes to one recipient alone."""
    return not ("cc" in personal or "bcc" in personal) and len(personal.get("to") or ()) < 2


def insert_footer(body: str, type: str, text: str) -> str:
    """Return a body with a text in the place of its footer."""
    place = place_of_footer(body, type)
    return f"{body[:place]}{text}{body[place:]}"


def _chosen_tags(rendering: Rendering, links: Links, tracker: Tracker | None) -> dict[str, str]:
    """Return the names of the tags that a mail or its account chooses, by their texts."""
    tags = dict.fromkeys(rendering.get("pixel_tags") or (), PIXEL)
    if tracker and tracker.has_pixel:
        tags[PIXEL_TAG] = PIXEL
    tags[links.subscription_tag] = SUBSCRIPTION
    return {tag: name for tag, name in tags.items() if tag}


def _without_merged(values: Values, personal: Mapping[str, Any]) -> tuple[Values, Values]:
    """Return the values with placeholders for merge values, and the values of the placeholders.

    Merge values are data: a tag in them is not replaced. They are filled in after the tags were replaced.
    """
    substitutions = personal.get("substitutions") or {}
    merged = [key for key in personal.get("merge") or () if key not in substitutions]
    if not merged:
        return values, Values({}, {})
    places = {key: f"\0{number}\0" for number, key in enumerate(merged)}
    with_places = Values({**values.plain, **places}, {**values.html, **places})
    held_back = Values(*({place: mapping[key] for key, place in places.items()} for mapping in values))
    return with_places, held_back
