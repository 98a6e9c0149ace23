"""Show the mail settings of accounts with their effects, and edit the texts that are added to each mail."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from accounts.models import Account
from batches.admin.refusing import RefusableAdmin, RefusableForm
from content.models import MailSettings
from content.settings import DEFAULTS, Setting, change_setting, read_settings
from foundation.admin import ChoosingForm, ReadOnlyAdmin, draw_label, write_time
from mailer.admin.content.editor import code_field, unify_breaks

EFFECTS: Final = {
    "address_whitelist": "Mail to these addresses and domains is never suppressed.",
    "bounce_purge": "Bounces and blocks are removed from their lists after these days.",
    "footer": "It is added at the end of each mail.",
    "subscription": "A link to unsubscribe is added to each mail that has none.",
    "template": "The HTML of each mail is put into this HTML.",
}
NO_EFFECT: Final = "None: it is only stored."
LONGEST_VALUE: Final = 200
FOOTER: Final = {"enabled": "has_footer", "html_content": "footer_html", "plain_content": "footer_plain"}
SUBSCRIPTION: Final = {
    "enabled": "has_subscription",
    "html_content": "subscription_html",
    "plain_content": "subscription_plain",
    "replace": "subscription_tag",
}
EDITED: Final = {"footer": FOOTER, "subscription": SUBSCRIPTION}
"""The settings that the form changes: their parts, with the fields of the form."""


def switch(label: str) -> forms.BooleanField:
    return forms.BooleanField(label=label, required=False, widget=UnfoldBooleanSwitchWidget)


class MailSettingsForm(RefusableForm, ChoosingForm[MailSettings]):
    """Edit the footer and the subscription texts of an account."""

    has_footer = switch("Add a footer")
    footer_html = code_field(6, "Footer in HTML")
    footer_plain = code_field(3, "Footer in plain text")
    has_subscription = switch("Add a link to unsubscribe")
    subscription_html = code_field(
        4, "Text in HTML", "The words in <% words %> become the link. Without such words, the link is added."
    )
    subscription_plain = code_field(3, "Text in plain text", "The address of the link replaces <% %>.")
    subscription_tag = forms.CharField(
        label="Tag",
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="The address of the link replaces this tag. If there is a tag, the two texts are not used.",
    )

    class Meta:
        model = MailSettings
        fields = ("account",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        stored = kwargs.get("instance")
        if stored is not None and stored.pk:
            settings = read_settings(stored.account)
            values = {field: settings[name][part] for name, parts in EDITED.items() for part, field in parts.items()}
            kwargs["initial"] = {**values, **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)

    def changes(self) -> dict[str, Setting]:
        """Return the settings with the parts that the form has."""
        return {
            name: {part: unify_breaks(self.cleaned_data[field]) for part, field in parts.items()}
            for name, parts in EDITED.items()
        }


@admin.register(MailSettings)
class MailSettingsAdmin(RefusableAdmin[MailSettings]):
    """Show all settings of an account, and edit those that are texts of its mail."""

    list_display = ("shown_account", "enabled", "changed")
    list_select_related = ("account",)
    search_fields = ("account__username",)
    search_help_text = "Search by username"
    ordering = ("account__username",)
    form = MailSettingsForm
    actions = None
    paginator, show_facets, sortable_by = ReadOnlyAdmin.paginator, ReadOnlyAdmin.show_facets, ()
    show_full_result_count = False
    list_per_page = 50
    compressed_fields = False
    change_form_template = "mailer/content/mail_settings.html"
    fieldsets_of_texts: ClassVar = (
        ("Footer", {"fields": tuple(FOOTER.values())}),
        ("Subscription tracking", {"fields": tuple(SUBSCRIPTION.values())}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[MailSettings]:
        return super().get_queryset(request).select_related("account")

    def get_fieldsets(self, request: HttpRequest, obj: MailSettings | None = None) -> Any:
        if obj is None:
            return ((None, {"fields": ("account",)}), *self.fieldsets_of_texts)
        if not self.has_change_permission(request, obj):
            return ((None, {"fields": ("shown_account", "changed")}),)
        return self.fieldsets_of_texts

    def get_readonly_fields(self, request: HttpRequest, obj: MailSettings | None = None) -> Any:
        return ("shown_account", "changed")

    def has_delete_permission(self, request: HttpRequest, obj: MailSettings | None = None) -> bool:
        """Return False: a setting is turned off instead."""
        return False

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        if stored := kwargs.get("obj"):
            context["account"] = stored.account
            context["settings"] = tabulate_settings(stored.account)
        return super().render_change_form(request, context, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: MailSettings, form: Any, change: bool) -> None:
        for name, values in form.changes().items():
            change_setting(obj.account, name, values)

    @admin.display(description="account")
    def shown_account(self, stored: MailSettings) -> str:
        return stored.account.username

    @admin.display(description="enabled")
    def enabled(self, stored: MailSettings) -> str:
        return ", ".join(
            sorted(name.replace("_", " ") for name, setting in stored.values.items() if setting.get("enabled"))
        )

    @admin.display(description="changed (UTC)")
    def changed(self, stored: MailSettings) -> str:
        return write_time(stored.updated_at)


def tabulate_settings(account: Account) -> dict[str, Any]:
    """Return the settings of an account that were changed, with their effects, for unfold's table."""
    return {
        "headers": ["Setting", "State", "Values", "Effect"],
        "rows": [
            [
                name.replace("_", " "),
                draw_label("on", "success") if setting["enabled"] else draw_label("off", ""),
                describe_values(setting),
                EFFECTS.get(name, NO_EFFECT) if setting["enabled"] else "",
            ]
            for name, setting in read_settings(account).items()
            if setting != DEFAULTS[name]
        ],
    }


def describe_values(setting: Setting) -> str:
    """Return the values of a setting that are not empty, in one line that may be cut."""
    values = "; ".join(f"{part}: {value}" for part, value in setting.items() if part != "enabled" and value)
    return values if len(values) <= LONGEST_VALUE else f"{values[:LONGEST_VALUE]}…"
