"""django-celery-beat's own pages in the look of the others."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django_celery_beat import admin as beat
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from foundation.admin import ModelAdmin


class TaskWidget(UnfoldAdminSelectWidget, beat.TaskSelectWidget):  # type: ignore[misc]
    """Beat's choice of tasks."""


class PeriodicTaskForm(beat.PeriodicTaskForm):  # type: ignore[misc]
    """Beat's form."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["task"].widget = UnfoldAdminTextInputWidget()
        self.fields["regtask"].widget = TaskWidget()


for model in (PeriodicTask, IntervalSchedule, CrontabSchedule, ClockedSchedule, SolarSchedule):
    admin.site.unregister(model)


@admin.register(PeriodicTask)
class PeriodicTaskPage(beat.PeriodicTaskAdmin, ModelAdmin[Any]):  # type: ignore[misc]
    """The page of the tasks that beat starts, and of their times."""

    form = PeriodicTaskForm


@admin.register(CrontabSchedule)
class CrontabSchedulePage(beat.CrontabScheduleAdmin, ModelAdmin[Any]):  # type: ignore[misc]
    """Times of day."""


@admin.register(ClockedSchedule)
class ClockedSchedulePage(beat.ClockedScheduleAdmin, ModelAdmin[Any]):  # type: ignore[misc]
    """Single moments."""


@admin.register(IntervalSchedule, SolarSchedule)
class OtherSchedulePage(ModelAdmin[Any]):
    """Intervals, and the sun."""
