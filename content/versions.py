"""Create, change, activate and delete the versions of templates.

The content of a version is a row that never changes, since accepted mail refers to it: a change of a subject or a text
gives the version another row. A row that no version has any more is marked as unused, and the sweeper deletes it when
no mail refers to it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypedDict, Unpack

from django.db import transaction
from django.db.models import F, Func, IntegerField, Prefetch, QuerySet, Sum, Value, prefetch_related_objects

from accounts.models import Account
from content.errors import InvalidTemplate, NoActiveVersion, UnknownVersion, VersionLimitReached
from content.handlebars import TemplateError, compile_template
from content.limits import VERSIONS, check_content, check_name, check_subject
from content.models import Template, TemplateVersion, VersionContent
from content.templates import find_template, lock_template, retire_contents
from content.test_data import check_test_data
from foundation.clock import Now

PLAIN_FIELDS: Final = ("name", "generates_plain", "editor", "test_data")
"""The fields that are columns of a version. Those of its content are in another row."""
TEXTS: Final = ("content__html", "content__plain")
SHOWN_BYTES: Final = 16 * 2**20
"""The most bytes of HTML and plain texts that are read together for one template."""

_LINES: Final = TemplateVersion.objects.select_related("content").defer(*TEXTS).order_by("-pk")


class VersionFields(TypedDict, total=False):
    """The values of a new version, or those that change.

    If `generates_plain` is true (the default) and the version has HTML, its plain text is made from the HTML, and
    `plain_content` has no effect. `test_data` is a JSON object in text form, or empty.
    """

    name: str
    subject: str
    html_content: str
    plain_content: str
    generates_plain: bool
    editor: str
    test_data: str
    is_active: bool


@dataclass(frozen=True, slots=True)
class TextRules:
    """The rules for texts of mail, which the apps above know.

    `plain_text_of` makes a plain text from HTML. `check` gets a text and the name of its field, and raises a
    `SluiceError` for a text that cannot become mail. `kept_names` are the names of the tags in braces that delivery
    replaces.
    """

    plain_text_of: Callable[[str], str]
    check: Callable[[str, str], None]
    kept_names: frozenset[str] = frozenset()


def create_version(
    account: Account, template_id: str, *, rules: TextRules, **fields: Unpack[VersionFields]
) -> TemplateVersion:
    """Create a version. The first version of a template is active at once.

    Raises UnknownTemplate, VersionLimitReached, InvalidTemplate (also if a text of a dynamic version is not a
    template), UnfitCharacter, and the errors of the rules.
    """
    with transaction.atomic():
        template = lock_template(account, template_id)
        others = template.versions.count()
        if others >= VERSIONS:
            raise VersionLimitReached
        version = TemplateVersion(template=template)
        version.content = make_content(version, fields, VersionContent(), rules)
        _set_plain_fields(version, fields)
        version.content.save(force_insert=True)
        version.save(force_insert=True)
        if not others or fields.get("is_active"):
            _activate(version)
        _touch(template)
    return find_version(account, template_id, version.uuid)


def versions_of(template: Template) -> QuerySet[TemplateVersion]:
    """Return the versions of a template with their contents, the newest first."""
    return template.versions.select_related("content", "template").order_by("-pk")


def without_texts(templates: QuerySet[Template]) -> QuerySet[Template]:
    """Return the templates with their versions, the newest first, but without the HTML and the plain texts."""
    return templates.prefetch_related(Prefetch("versions", _LINES))


def find_with_versions(account: Account, template_id: str) -> Template:
    """Return a template with its versions, the newest first.

    They have their texts, unless these are larger than `SHOWN_BYTES` together. Raises UnknownTemplate.
    """
    template = find_template(account, template_id)
    lengths = (Func(F(text), function="octet_length", output_field=IntegerField()) for text in TEXTS)
    size = template.versions.aggregate(size=Sum(sum(lengths, Value(0))))["size"] or 0
    versions = versions_of(template) if size <= SHOWN_BYTES else _LINES
    prefetch_related_objects([template], Prefetch("versions", versions))
    return template


def find_version(account: Account, template_id: str, version_id: uuid.UUID) -> TemplateVersion:
    """Return a version with its content. Raises UnknownTemplate and UnknownVersion."""
    version = versions_of(find_template(account, template_id)).filter(uuid=version_id).first()
    if version is None:
        raise UnknownVersion(field="version_id")
    return version


def find_active_version(account: Account, template_id: str) -> TemplateVersion:
    """Return the active version of a template with its content. Raises UnknownTemplate and NoActiveVersion."""
    version = versions_of(find_template(account, template_id)).filter(is_active=True).first()
    if version is None:
        raise NoActiveVersion(field="template_id")
    return version


def change_version(
    account: Account, template_id: str, version_id: uuid.UUID, *, rules: TextRules, **fields: Unpack[VersionFields]
) -> TemplateVersion:
    """Change the given fields. `is_active` False leaves the template without an active version.

    Raises UnknownTemplate, UnknownVersion, InvalidTemplate, UnfitCharacter, and the errors of the rules.
    """
    with transaction.atomic():
        template, version = _locked_version(account, template_id, version_id)
        _set_plain_fields(version, fields)
        _replace_content(version, make_content(version, fields, version.content, rules))
        version.save()
        if fields.get("is_active"):
            _activate(version)
        elif "is_active" in fields and version.is_active:
            _deactivate_all(template)
        _touch(template, version)
    return find_version(account, template_id, version_id)


def activate_version(account: Account, template_id: str, version_id: uuid.UUID) -> TemplateVersion:
    """Make a version the only active one of its template. Raises UnknownTemplate and UnknownVersion."""
    with transaction.atomic():
        template, version = _locked_version(account, template_id, version_id)
        _activate(version)
        _touch(template, version)
    return find_version(account, template_id, version_id)


def delete_version(account: Account, template_id: str, version_id: uuid.UUID) -> None:
    """Delete a version, active or not. Mail that was accepted keeps its content.

    Raises UnknownTemplate and UnknownVersion.
    """
    with transaction.atomic():
        template, version = _locked_version(account, template_id, version_id)
        version.delete()
        retire_contents(VersionContent.objects.filter(pk=version.content_id))
        _touch(template)


# --- content ----------------------------------------------------------------------------------------------------------


def make_content(
    version: TemplateVersion, fields: VersionFields, current: VersionContent, rules: TextRules
) -> VersionContent:
    """Return the content of a version after a change, in memory. It is the current one if nothing is different.

    Raises InvalidTemplate, UnfitCharacter, and the errors of the rules.
    """
    subject, html = fields.get("subject", current.subject), fields.get("html_content", current.html)
    plain = fields.get("plain_content", current.plain)
    check_subject(subject)
    check_content(html, field="html_content")
    if fields.get("generates_plain", version.generates_plain) and html.strip():
        plain = rules.plain_text_of(html)
    check_content(plain, field="plain_content")
    if current.pk and (subject, html, plain) == (current.subject, current.html, current.plain):
        return current
    is_dynamic = version.template.is_dynamic
    for field, text in (("subject", subject), ("html_content", html), ("plain_content", plain)):
        rules.check(text, field)
        if is_dynamic:
            _compile(text, field, rules)
    return VersionContent(
        account=version.template.account,
        template_id_shown=version.template.public_id,
        version_id_shown=str(version.uuid),
        is_dynamic=is_dynamic,
        subject=subject,
        html=html,
        plain=plain,
    )


def _compile(source: str, field: str, rules: TextRules) -> None:
    """Accept a text that is a template. Raises InvalidTemplate with the line, the column and the wrong helper."""
    try:
        compile_template(source, kept=rules.kept_names)
    except TemplateError as error:
        raise InvalidTemplate(f"{field} is not a valid template: {error}", field=field) from None


def _set_plain_fields(version: TemplateVersion, fields: VersionFields) -> None:
    if "name" in fields or version.pk is None:
        check_name(fields.get("name", ""))
    if "test_data" in fields:
        check_test_data(fields["test_data"])
    for name in PLAIN_FIELDS:
        if name in fields:
            setattr(version, name, fields[name])


def _replace_content(version: TemplateVersion, content: VersionContent) -> None:
    if content.pk is not None:
        return
    replaced = version.content_id
    content.save(force_insert=True)
    version.content = content
    retire_contents(VersionContent.objects.filter(pk=replaced))


# --- the active version -----------------------------------------------------------------------------------------------


def _locked_version(account: Account, template_id: str, version_id: uuid.UUID) -> tuple[Template, TemplateVersion]:
    """Return a version and its template. The lock of the template makes its writers take turns."""
    template = lock_template(account, template_id)
    version = versions_of(template).filter(uuid=version_id).first()
    if version is None:
        raise UnknownVersion(field="version_id")
    return template, version


def _activate(version: TemplateVersion) -> None:
    """Make the version the active one. The lock of its template is held, so no other one becomes active meanwhile."""
    _deactivate_all(version.template)
    TemplateVersion.objects.filter(pk=version.pk).update(is_active=True)


def _deactivate_all(template: Template) -> None:
    template.versions.filter(is_active=True).update(is_active=False)


def _touch(template: Template, version: TemplateVersion | None = None) -> None:
    """Note when the template, and a version of it, changed last."""
    Template.objects.filter(pk=template.pk).update(updated_at=Now())
    if version is not None:
        TemplateVersion.objects.filter(pk=version.pk).update(updated_at=Now())
