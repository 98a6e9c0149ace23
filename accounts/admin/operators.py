"""Manage operators and their groups with Django's admin pages, protected against escalation.

Permission to change operators must not amount to every permission. An operator who is not a superuser can therefore
neither grant permissions (directly, through a group, or as superuser status) nor change an operator who may do more,
since that includes replacing the password.
"""

from __future__ import annotations

from typing import Any, Final

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import prefetch_related_objects
from django.http import HttpRequest
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from foundation.admin import ModelAdmin

GRANTING: Final = ("is_superuser", "groups", "user_permissions")
"""The fields of an operator that grant permissions."""

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class OperatorAdmin(UserAdmin[User], ModelAdmin[User]):
    """Manage the people who can sign in to the admin."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        return read_with(super().get_object(request, object_id, from_field), "user_permissions__content_type")

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Return the fields that are shown but not editable: for all but superusers, those that grant permissions."""
        return () if is_superuser(request) else GRANTING

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Return whether this operator, and its password, can be changed. Without `obj`: whether any can be."""
        return super().has_change_permission(request, obj) and not may_do_more(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Return whether this operator can be deleted. Without `obj`: whether any can be."""
        return super().has_delete_permission(request, obj) and not may_do_more(request, obj)

    def get_actions(self, request: HttpRequest) -> Any:
        """Return the actions on several operators. They do not check each operator, so only superusers have them."""
        return super().get_actions(request) if is_superuser(request) else {}


@admin.register(Group)
class OperatorGroupAdmin(GroupAdmin, ModelAdmin[Group]):
    """Manage groups of operators. They grant permissions, so only superusers change them."""

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        return read_with(super().get_object(request, object_id, from_field), "permissions__content_type")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return whether a group can be added."""
        return is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        """Return whether a group can be changed."""
        return is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        """Return whether a group can be deleted."""
        return is_superuser(request)


def read_with(instance: Any, relation: str) -> Any:
    """Return an instance with the rows of a relation, all read in one statement. None stays None."""
    if instance is not None:
        prefetch_related_objects([instance], relation)
    return instance


def is_superuser(request: HttpRequest) -> bool:
    """Return whether the request comes from an active superuser."""
    return request.user.is_active and request.user.is_superuser


def may_do_more(request: HttpRequest, operator: User | None) -> bool:
    """Return whether `operator` has a permission that the signed-in operator does not have."""
    if operator is None or is_superuser(request):
        return False
    return operator.is_superuser or not operator.get_all_permissions() <= request.user.get_all_permissions()
