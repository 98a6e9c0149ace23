"""Give the pages of django-celery-beat the look of the others."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django_celery_beat import admin as beat
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from foundation.admin import ModelAdmin

SWEEP: Final = "sweep"
"""The task without which no mail is planned, rescued or settled. Its row comes with the migrations."""


class TaskWidget(UnfoldAdminSelectWidget, beat.TaskSelectWidget):  # type: ignore[misc]
    """Choose a task as beat's pages do."""


class PeriodicTaskForm(beat.PeriodicTaskForm):  # type: ignore[misc]
    """Edit a task as beat's pages do."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["task"].widget = UnfoldAdminTextInputWidget()
        self.fields["regtask"].widget = TaskWidget()


for model in (PeriodicTask, IntervalSchedule, CrontabSchedule, ClockedSchedule, SolarSchedule):
    admin.site.unregister(model)


@admin.register(PeriodicTask)
class PeriodicTaskPage(beat.PeriodicTaskAdmin, ModelAdmin[Any]):  # type: ignore[misc]
    """Show the tasks that beat starts, and their times. The sweep is shown and cannot be changed."""

    form = PeriodicTaskForm
    # Beat's template adds an inline script, which the policy of the console does not let run.
    change_form_template = None

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether this task can be changed, or without one, whether any can be."""
        return not is_sweep(obj) and bool(super().has_change_permission(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether this task can be deleted, or without one, whether any can be."""
        return not is_sweep(obj) and bool(super().has_delete_permission(request, obj))

    @admin.action(description="Disable selected tasks", permissions=["change"])
    def disable_tasks(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Disable the chosen tasks except the sweep."""
        super().disable_tasks(request, self._without_sweep(request, queryset))

    @admin.action(description="Toggle activity of selected tasks", permissions=["change"])
    def toggle_tasks(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Toggle the chosen tasks except the sweep."""
        super().toggle_tasks(request, self._without_sweep(request, queryset))

    def _without_sweep(self, request: HttpRequest, tasks: QuerySet[Any]) -> QuerySet[Any]:
        if tasks.filter(name=SWEEP).exists():
            self.message_user(request, "The sweep stays enabled: without it, no mail is sent.", messages.WARNING)
        return tasks.exclude(name=SWEEP)


def is_sweep(task: Any) -> bool:
    """Return whether a periodic task is the sweep."""
    return task is not None and task.name == SWEEP


@admin.register(CrontabSchedule)
class CrontabSchedulePage(beat.CrontabScheduleAdmin, ModelAdmin[Any]):  # type: ignore[misc]
    """Show schedules by times of day."""


@admin.register(ClockedSchedule)
class ClockedSchedulePage(beat.ClockedScheduleAdmin, ModelAdmin[Any]):  # type: ignore[misc]
    """Show schedules of a single time."""


@admin.register(IntervalSchedule, SolarSchedule)
class OtherSchedulePage(ModelAdmin[Any]):
    """Show schedules by intervals and by the sun."""
