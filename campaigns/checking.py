"""Check the texts of a campaign: its templates can be compiled, and its system tags can be resolved.

This happens when a campaign is saved, and again when it is scheduled or sent.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from campaigns.contact_values import Fields, custom_fields_of
from campaigns.errors import InvalidContent
from campaigns.models import Campaign
from campaigns.tags import MUSTACHE, find_legacy_tags, find_named, replace_tags
from content.handlebars import Template, TemplateError, compile_template
from mailer.compose.plain_text import plain_text_of
from mailer.compose.system_tags import (
    LINK_NAMES,
    SYSTEM_NAMES,
    UNSUBSCRIBE_NAMES,
    UnknownTag,
    find_system_tags,
    find_unknown_tags,
    line_and_column,
)

URL: Final = "custom_unsubscribe_url"
TEMPLATES: Final = ("subject", "preheader", "html_content", "plain_content")
CHECKED: Final = frozenset({*TEMPLATES, "markdown", "generates_plain", URL})
"""The fields whose changes need a check."""
WORD: Final = re.compile(r"\w+")
MOST_NAMES: Final = 1_000
"""The largest number of fields that a template may read: each is a part of the statement that expands an audience."""
NO_LINKS: Final = {"subject": LINK_NAMES | UNSUBSCRIBE_NAMES, URL: UNSUBSCRIBE_NAMES}
"""The fields that cannot hold links of some kinds: a subject shows addresses as text, and a link cannot lead to
itself."""


def check_texts(campaign: Campaign, fields: Fields | None = None) -> None:
    """Accept a campaign whose texts can be sent. Raises InvalidContent, which names the text and the place.

    The custom fields of the account are read if a text has a tag of one, unless they are given.
    """
    # HTML and plain text are made of the Markdown, so the places in it come first.
    names = ("markdown", *TEMPLATES, URL) if campaign.markdown else (*TEMPLATES, URL)
    unknown = {name: list(find_unknown_tags(getattr(campaign, name))) for name in names}
    if fields is None:
        fields = custom_fields_of(campaign.account_id) if any(unknown.values()) else {}
    for name in names:
        text = getattr(campaign, name)
        if name != URL:
            _check_names(compile_text(text, name), name, text)
        _check_tags(name, text, unknown[name], fields)
    if campaign.generates_plain and not campaign.plain_content.strip():
        _check_generated(campaign.html_content)


def compile_text(text: str, field: str) -> Template:
    """Return the template of a text. Raises InvalidContent."""
    try:
        return compile_template(text, kept=SYSTEM_NAMES)
    except TemplateError as error:
        place = {"line": error.line, "column": error.column}
        raise InvalidContent(error.message, field=field, helper=error.helper, **place) from None


def _check_generated(html: str) -> None:
    """Accept HTML whose plain text is a template, too: a block may begin in a part that is not shown."""
    try:
        compile_template(plain_text_of(html), kept=SYSTEM_NAMES)
    except TemplateError as error:
        reason = f"the plain text that is made of the HTML is not a template: {error.message}"
        raise InvalidContent(reason, field="html_content", helper=error.helper) from None


def _check_tags(field: str, text: str, unknown: list[UnknownTag], fields: Fields) -> None:
    """Accept a text all of whose system tags can be resolved there. Raises InvalidContent.

    `unknown` are those that are not known without the custom fields.
    """
    for tag in unknown:
        if tag.field.lower() not in fields:
            _refuse(f"the tag {tag.text} is not known", field, text, tag.start)
    if (named := find_named(text, NO_LINKS.get(field, frozenset()))) is not None:
        _refuse(f"the tag {named.text} cannot be used here", field, text, named.start)
    for match in find_legacy_tags(text):
        if "{{" in match[0]:
            _refuse("a tag cannot be the default of another", field, text, match.start())


def _check_names(template: Template, field: str, text: str) -> None:
    """Accept a template that reads few names, and names of system tags in these tags only. Raises InvalidContent."""
    names = template.names or frozenset()
    if len(names) > MOST_NAMES:
        raise InvalidContent(f"a template cannot read more than {MOST_NAMES:,} fields", field=field)
    if SYSTEM_NAMES.isdisjoint(map(str.lower, names)):
        return
    without_tags = replace_tags(text, dict.fromkeys(SYSTEM_NAMES, ""))
    misused = SYSTEM_NAMES.intersection(map(str.lower, compile_text(without_tags, field).names or ()))
    if misused:
        name = min(misused)
        tag = _find_misused(text, name)
        reason = f"{name} can only be used as {{{{{{{name}}}}}}}"
        if tag is None:
            raise InvalidContent(reason, field=field)
        _refuse(f"{reason}, and not in {tag[0]}", field, text, tag.start())


def _find_misused(text: str, name: str) -> re.Match[str] | None:
    """Return the first tag of Handlebars that has the name of a system tag, but is not a system tag."""
    system_starts = {tag.start for tag in find_system_tags(text)}
    tags = (match for match in MUSTACHE.finditer(text) if match.start() not in system_starts)
    return next((match for match in tags if name in WORD.findall(match[0].lower())), None)


def _refuse(reason: str, field: str, text: str, start: int) -> None:
    line, column = line_and_column(text, start)
    raise InvalidContent(reason, field=field, line=line, column=column)


def needs_check(changed: Collection[str]) -> bool:
    """Return whether the texts have to be checked after a change of these fields."""
    return not CHECKED.isdisjoint(changed)
