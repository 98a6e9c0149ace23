"""Create accounts, give them a parent, and show their keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.options import InlineModelAdmin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from unfold.widgets import UnfoldAdminSelectWidget

from accounts.admin.keys import KeyColumns
from accounts.models import Account, ApiKey, DoubtPolicy
from foundation.admin import ChoosingForm, ModelAdmin, TabularInline, coloured, draw_link, read_id, write_time
from foundation.clock import Now
from foundation.zone_input import TimeZoneInput


class AccountForm(ChoosingForm[Account]):
    """Edit the username, the parent, the contact address, and what happens to mail that is in doubt or late."""

    doubt_policy = forms.TypedChoiceField(
        label="Mail in doubt",
        coerce=int,
        choices=[
            (DoubtPolicy.HOLD, "hold it for a person to decide: nobody gets it twice"),
            (DoubtPolicy.RESEND, "send it again: everybody gets it, some perhaps twice"),
        ],
        initial=DoubtPolicy.HOLD,
        widget=UnfoldAdminSelectWidget(),
        help_text="Mail is in doubt if its last byte was sent and no answer came, for example because the peer or a "
        "worker died. It is sent again with the same Message-ID, so that a mailbox may recognise the copy.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if zone := self.fields.get("time_zone"):
            zone.widget = TimeZoneInput()
        if limit := self.fields.get("lateness_limit"):
            limit.help_text = (
                "Mail that is later than this, for example after an outage, is held for a person to decide. The time "
                "counts from the latest of due, resumed and thawed. Empty: mail is sent, however late."
            )

    def clean_parent(self) -> Account | None:
        """Refuse a third level of accounts: the gate only reads the status of an account and of its parent."""
        parent: Account | None = self.cleaned_data["parent"]
        if parent is None:
            return None
        if parent.pk == self.instance.pk:
            raise forms.ValidationError("An account cannot be its own parent.")
        if parent.parent_id is not None:
            raise forms.ValidationError(f"{parent} is a subuser itself, and a subuser cannot have subusers.")
        if self.instance.pk and self.instance.subusers.exists():
            raise forms.ValidationError("This account has subusers, and a subuser cannot have subusers.")
        return parent


class KeyInline(KeyColumns, TabularInline[ApiKey, Account]):
    """Show the keys of an account."""

    model = ApiKey
    fields = ("shown_name", "key_id", "scope_count", "made", "revoked")
    readonly_fields = fields
    ordering = ("-created_at",)
    extra = 0
    per_page = 20
    hide_title = True

    def has_add_permission(self, request: HttpRequest, obj: Account | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:  # type: ignore[override]
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:  # type: ignore[override]
        return False

    @admin.display(description="name")
    def shown_name(self, key: ApiKey) -> str:
        return draw_link(reverse("admin:accounts_apikey_change", args=[key.pk]), key.name)


@admin.register(Account)
class AccountAdmin(ModelAdmin[Account]):
    """Create tenants and give them a parent."""

    form = AccountForm
    list_display = ("username", "parent", "hold", "made")
    list_select_related = ("parent",)
    list_per_page = 50
    search_fields = ("username__istartswith",)
    search_help_text = "Search by the beginning of a username"
    ordering = ("username",)
    autocomplete_fields = ("parent",)
    show_facets = admin.ShowFacets.NEVER
    inlines: ClassVar[list[type[InlineModelAdmin[Any, Any]]]] = [KeyInline]
    actions = None

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Return an account with the time at which it was read, and whether it ever had anything to send."""
        account = Account.objects.filter(pk=OuterRef("pk"))
        was_used = Exists(account.filter(batches__isnull=False)) | Exists(account.filter(subusers__isnull=False))
        read = self.get_queryset(request).select_related("parent").annotate(read_at=Now(), was_used=was_used)
        return read.filter(pk=read_id(object_id)).first()

    def get_fields(self, request: HttpRequest, obj: Account | None = None) -> Any:
        fields = [
            "username",
            "parent",
            "email",
            "doubt_policy",
            "lateness_limit",
            "time_zone",
            "keeps_reader_addresses",
        ]
        return [*fields, "frozen", "made", "links"] if obj else fields

    def get_readonly_fields(self, request: HttpRequest, obj: Account | None = None) -> list[str]:
        return ["frozen", "made", "links"]

    def get_inlines(self, request: HttpRequest, obj: Account | None) -> list[type[InlineModelAdmin[Any, Any]]]:
        return self.inlines if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: Account | None = None) -> bool:
        """Return whether the account can be deleted, which requires that it never had anything to send."""
        if obj is not None and was_used(obj):
            return False
        return super().has_delete_permission(request, obj)

    def get_deleted_objects(
        self, objs: QuerySet[Account] | Sequence[Account], request: HttpRequest
    ) -> tuple[list[Any], dict[Any, Any], set[Any], list[Any]]:
        """Allow that an account's keys are deleted with it, although a key alone cannot be deleted."""
        deleted, counts, needed, protected = super().get_deleted_objects(objs, request)
        return deleted, counts, needed - {ApiKey._meta.verbose_name}, protected

    @admin.display(description="frozen since (UTC)")
    def frozen(self, account: Account) -> str:
        return write_time(account.frozen_at)

    @coloured({"frozen": "danger", "frozen with its parent": "danger"})
    @admin.display(description="frozen")
    def hold(self, account: Account) -> str:
        if account.frozen_at:
            return "frozen"
        return "frozen with its parent" if account.parent and account.parent.frozen_at else ""

    @admin.display(description="created (UTC)")
    def made(self, account: Account) -> str:
        return write_time(account.created_at)

    @admin.display(description="")
    def links(self, account: Account) -> str:
        query = {"account": account.pk}
        batches = draw_link(reverse("admin:batches_batch_changelist", query=query), "Batches")
        return format_html(
            "{} &nbsp; {}", batches, draw_link(reverse("admin:accounts_apikey_add", query=query), "New key")
        )


def was_used(account: Any) -> bool:
    """Return whether an account ever had anything to send, or has subusers."""
    if hasattr(account, "was_used"):
        return bool(account.was_used)
    return bool(account.batches.exists() or account.subusers.exists())
