"""Define Template, TemplateVersion, VersionContent, Design and MailSettings."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.models import Account
from foundation.clock import Now

EDITORS: list[tuple[str, str]] = [("code", "code"), ("design", "design")]


class Template(models.Model):
    """A template of an account, with at most one active version.

    A dynamic template is written in Handlebars and filled with data; a legacy one has `<%subject%>` and `<%body%>`,
    and keys of substitutions.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="templates", db_index=False)
    public_id = models.CharField(max_length=36, help_text="d- and 32 hexadecimal digits, or a UUID for a legacy one")
    name = models.CharField(max_length=100)
    is_dynamic = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["public_id"], name="template_public_id")]
        indexes: ClassVar = [models.Index(fields=["account", "-id"], name="templates_of_account")]

    def __str__(self) -> str:
        return self.name


class VersionContent(models.Model):
    """The content that a version had at one moment. Its texts never change, since mail refers to it.

    A content is unused when no version has it any more. The sweeper deletes it when no mail refers to it.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    template_id_shown = models.CharField(max_length=36, help_text="The id of the template that it belonged to")
    version_id_shown = models.CharField(max_length=36, help_text="The id of the version that it belonged to")
    is_dynamic = models.BooleanField()
    subject = models.TextField(blank=True)
    html = models.TextField(blank=True)
    plain = models.TextField(blank=True, help_text="As it is sent: made from the HTML if the version asks for it")
    created_at = models.DateTimeField(db_default=Now())
    unused_at = models.DateTimeField(null=True, help_text="When the last version stopped using it")

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["id"], condition=models.Q(unused_at__isnull=False), name="unused_contents")
        ]

    def __str__(self) -> str:
        return f"content {self.pk}"


class TemplateVersion(models.Model):
    """A version of a template. A change of its content gives it another `VersionContent`."""

    template = models.ForeignKey(Template, on_delete=models.CASCADE, related_name="versions", db_index=False)
    uuid = models.UUIDField(default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100)
    content = models.OneToOneField(VersionContent, on_delete=models.PROTECT, related_name="version")
    generates_plain = models.BooleanField(default=True, help_text="The plain text is made from the HTML")
    editor = models.CharField(max_length=6, choices=EDITORS, default="code")
    test_data = models.TextField(blank=True, help_text="A JSON object for previews")
    is_active = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["uuid"], name="template_version_uuid"),
            models.UniqueConstraint(
                fields=["template"], condition=models.Q(is_active=True), name="one_active_version_of_a_template"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["template", "-id"], name="versions_of_template")]

    def __str__(self) -> str:
        return self.name


class Design(models.Model):
    """Content that is copied into campaigns. It is stored unchanged; its CSS is inlined when it is sent."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    uuid = models.UUIDField(default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=255)
    subject = models.TextField(blank=True)
    html_content = models.TextField(blank=True)
    plain_content = models.TextField(blank=True)
    generates_plain = models.BooleanField(default=True)
    editor = models.CharField(max_length=6, choices=EDITORS, default="code")
    categories = ArrayField(models.CharField(max_length=255), default=list, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["uuid"], name="design_uuid")]
        indexes: ClassVar = [models.Index(fields=["account", "-id"], name="designs_of_account")]

    def __str__(self) -> str:
        return self.name


class MailSettings(models.Model):
    """The settings of an account's mail, by SendGrid's names, as its API shows them.

    `Account.mail_defaults` has the settings that change the content of a mail, in the form that the composer reads.
    """

    account = models.OneToOneField(Account, on_delete=models.CASCADE, primary_key=True, related_name="mail_settings")
    values = models.JSONField(default=dict, help_text='{"footer": {"enabled": …, …}, …}')
    never_suppressed = ArrayField(
        models.TextField(), default=list, help_text="Addresses and domains that are never suppressed, as keys"
    )
    bounce_days = models.PositiveIntegerField(
        null=True, help_text="Bounces are removed from their list after this number of days"
    )
    block_days = models.PositiveIntegerField(
        null=True, help_text="Blocks are removed from their list after this number of days"
    )
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = verbose_name_plural = "mail settings"

    def __str__(self) -> str:
        return f"mail settings of {self.account}"
