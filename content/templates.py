"""Create, find, rename, duplicate and delete templates, and find the content that mail is made with."""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection
from typing import Final

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import Account
from content.errors import NoActiveVersion, TemplateLimitReached, UnknownTemplate
from content.limits import NAME_LENGTH, TEMPLATES, check_name
from content.models import Template, TemplateVersion, VersionContent
from foundation.clock import Now
from foundation.locks import lock_account
from foundation.postgresql import AdvisoryLock

DYNAMIC_ID: Final = re.compile(r"d-[0-9a-f]{32}")


def create_template(account: Account, name: str, *, is_dynamic: bool) -> Template:
    """Create a template without versions. Raises InvalidTemplate, UnfitCharacter and TemplateLimitReached."""
    check_name(name)
    with transaction.atomic():
        _refuse_beyond_limit(account)
        public_id = f"d-{uuid.uuid4().hex}" if is_dynamic else str(uuid.uuid4())
        template = Template.objects.create(account=account, public_id=public_id, name=name, is_dynamic=is_dynamic)
    template.refresh_from_db()
    return template


def list_templates(account: Account, *, are_dynamic: Collection[bool] = (True, False)) -> QuerySet[Template]:
    """Return the account's templates of one kind or of both, the newest first."""
    return Template.objects.filter(account=account, is_dynamic__in=are_dynamic).order_by("-pk")


def find_template(account: Account, public_id: str) -> Template:
    """Return a template of the account. Raises UnknownTemplate."""
    template = list_templates(account).filter(public_id=public_id).first()
    if template is None:
        raise UnknownTemplate(field="template_id")
    return template


def lock_template(account: Account, public_id: str) -> Template:
    """Return a template whose versions only this transaction writes until it ends. Raises UnknownTemplate."""
    # A lock that leaves the key alone does not block the insertion of rows that refer to the template.
    template = list_templates(account).select_for_update(no_key=True).filter(public_id=public_id).first()
    if template is None:
        raise UnknownTemplate(field="template_id")
    return template


def rename_template(account: Account, public_id: str, name: str) -> Template:
    """Give a template another name. Raises UnknownTemplate, InvalidTemplate and UnfitCharacter."""
    check_name(name)
    rows = list_templates(account).filter(public_id=public_id)
    if not rows.update(name=name, updated_at=Now()):
        raise UnknownTemplate(field="template_id")
    return rows.get()


def duplicate_template(account: Account, public_id: str, name: str | None = None) -> Template:
    """Copy a template with its versions. The active version of the copy is that of the original.

    Raises UnknownTemplate, InvalidTemplate, UnfitCharacter and TemplateLimitReached.
    """
    with transaction.atomic():
        original = lock_template(account, public_id)
        new_name = name if name is not None else f"Copy of {original.name}"[:NAME_LENGTH]
        copy = create_template(account, new_name, is_dynamic=original.is_dynamic)
        # One at a time, since all versions together may have hundreds of megabytes.
        for version_id in original.versions.order_by("pk").values_list("pk", flat=True):
            _copy_version(TemplateVersion.objects.select_related("content").get(pk=version_id), copy)
    return copy


def _copy_version(version: TemplateVersion, template: Template) -> None:
    content = version.content
    content.pk, version.pk, version.uuid = None, None, uuid.uuid4()
    content.template_id_shown, content.version_id_shown = template.public_id, str(version.uuid)
    version.created_at = version.updated_at = content.created_at = template.created_at
    content.save(force_insert=True)
    version.template, version.content = template, content
    version.save(force_insert=True)


def delete_template(account: Account, public_id: str) -> None:
    """Delete a template with its versions. Mail that was accepted keeps its content. Raises UnknownTemplate."""
    with transaction.atomic():
        template = lock_template(account, public_id)
        retire_contents(VersionContent.objects.filter(version__template=template))
        template.delete()


def retire_contents(contents: QuerySet[VersionContent]) -> None:
    """Note that no version has these contents any more. The sweeper deletes those that no mail needs."""
    contents.update(unused_at=Now())


def find_active_content(account: Account, public_id: str) -> VersionContent:
    """Return the content of the active version of a template, with a single query.

    Raises UnknownTemplate and NoActiveVersion.
    """
    content = VersionContent.objects.filter(
        version__template__public_id=public_id, version__template__account=account, version__is_active=True
    ).first()
    if content is None:
        find_template(account, public_id)
        raise NoActiveVersion(field="template_id")
    return content


def _refuse_beyond_limit(account: Account) -> None:
    """Raise TemplateLimitReached for a full account. Concurrent calls wait for each other."""
    lock_account(AdvisoryLock.TEMPLATES_LIMIT, account.pk)
    if list_templates(account).count() >= TEMPLATES:
        raise TemplateLimitReached
