"""Create, change and delete unsubscribe groups, and show how many addresses have unsubscribed."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from batches.admin.asking import REFUSALS
from batches.admin.batches import AccountFilter
from batches.admin.refusing import RefusableAdmin, RefusableForm
from foundation.admin import ChoosingForm, ReadOnlyAdmin, draw_figure, write_time
from mailer.errors import GroupLimitReached, GroupNameTaken, UnknownGroup
from mailer.models import UnsubscribeGroup
from mailer.suppressions.groups import change_group, counted, create_group, delete_group

REFUSALS.update(
    {
        UnknownGroup: "the unsubscribe group no longer exists",
        GroupNameTaken: "the account already has an unsubscribe group with this name",
        GroupLimitReached: "the account has the maximum number of unsubscribe groups",
    }
)


class GroupForm(RefusableForm, ChoosingForm[UnsubscribeGroup]):
    """Edit a group: its account, and the texts that recipients read."""

    class Meta:
        model = UnsubscribeGroup
        fields = ("account", "name", "description", "is_default")
        help_texts = {"is_default": "It replaces the account's default group, if there is one."}


@admin.register(UnsubscribeGroup)
class UnsubscribeGroupAdmin(RefusableAdmin[UnsubscribeGroup]):
    """Show and edit groups. A deleted group is kept, since mail names it, and is hidden."""

    list_display = ("name", "description", "shown_account", "is_default", "unsubscribes", "made")
    list_select_related = ("account",)
    list_filter = (AccountFilter,)
    search_fields = ("name",)
    ordering = ("-pk",)
    form = GroupForm
    actions = None
    paginator, show_facets, sortable_by = ReadOnlyAdmin.paginator, ReadOnlyAdmin.show_facets, ()
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[UnsubscribeGroup]:
        return counted(super().get_queryset(request).filter(deleted_at=None))

    def get_readonly_fields(self, request: HttpRequest, obj: UnsubscribeGroup | None = None) -> Any:
        return ("account", "unsubscribes") if obj else ()

    def get_fields(self, request: HttpRequest, obj: UnsubscribeGroup | None = None) -> Any:
        return (*GroupForm.Meta.fields, *(("unsubscribes",) if obj else ()))

    def save_model(self, request: HttpRequest, obj: UnsubscribeGroup, form: Any, change: bool) -> None:
        values = {name: form.cleaned_data[name] for name in ("name", "description", "is_default")}
        if change:
            change_group(obj.account, obj.pk, **values)
        else:
            obj.pk = create_group(obj.account, **values).pk

    def delete_model(self, request: HttpRequest, obj: UnsubscribeGroup) -> None:
        delete_group(obj.account, obj.pk)

    @admin.display(description="account")
    def shown_account(self, obj: UnsubscribeGroup) -> str:
        return obj.account.username

    @admin.display(description="unsubscribed")
    def unsubscribes(self, obj: Any) -> SafeString:
        return draw_figure(f"group:{obj.pk}:unsubscribes", obj.unsubscribes)

    @admin.display(description="created (UTC)")
    def made(self, obj: UnsubscribeGroup) -> str:
        return write_time(obj.created_at)
