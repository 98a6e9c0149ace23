"""Define the routes of the console's pages, below /admin/."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, path

from console.activity.page import show_activity
from console.bulk import show_bulk_action
from console.exporting import export_messages
from console.fleet.page import show_fleet
from console.freezing import freeze_everything, thaw_everything
from console.header import show_header
from console.now import show_now
from console.overview.page import show_overview
from console.run_books import show_run_books
from console.stop.mailings import show_stop
from console.stop.question import ask_stop
from console.stop.receipts import show_receipts
from console.waves import show_waves

view = admin.site.admin_view

urlpatterns: list[URLPattern] = [
    # Takes the place of Django's index, which has the same address.
    path("", view(show_now), name="now"),
    path("health/", view(show_header), name="health"),
    path("activity/", view(show_activity), name="activity"),
    path("overview/", view(show_overview), name="overview"),
    path("waves/", view(show_waves), name="waves"),
    path("freeze-everything/", view(freeze_everything), name="freeze_everything"),
    path("thaw-everything/", view(thaw_everything), name="thaw_everything"),
    path("run-books/", view(show_run_books), name="run_books"),
    path("mailer/message/export/", view(export_messages), name="export_messages"),
    path("mailer/message/actions/<int:bulk_id>/", view(show_bulk_action), name="bulk_action"),
    path("fleet/", view(show_fleet), name="fleet"),
    path("stop/", view(show_stop), name="stop"),
    path("stop/question/", view(ask_stop), name="stop_question"),
    path("stop/receipts/", view(show_receipts), name="stop_receipts"),
]
