"""Answer the calls for tracking settings."""

from __future__ import annotations

from django.urls import URLPattern, re_path

from api.sendgrid.mail_settings.inputs import Switch
from api.sendgrid.mail_settings.views import SettingEndpoint, SettingList, scopes_for
from api.sendgrid.tracking_settings import inputs, outputs, schema


@schema.settings
class TrackingSettings(SettingList):
    scopes = {"GET": "tracking_settings.read"}
    summaries = outputs.SUMMARIES


@schema.click
class Click(SettingEndpoint):
    scopes = scopes_for("tracking_settings.click")
    name, change = "click", Switch


@schema.google_analytics
class GoogleAnalytics(SettingEndpoint):
    scopes = scopes_for("tracking_settings.google_analytics")
    name, change = "google_analytics", inputs.GoogleAnalytics


@schema.open_
class Open(SettingEndpoint):
    scopes = scopes_for("tracking_settings.open")
    name, change = "open", Switch


@schema.subscription
class Subscription(SettingEndpoint):
    scopes = scopes_for("tracking_settings.subscription")
    name, change = "subscription", inputs.Subscription


urlpatterns: list[URLPattern] = [
    re_path(r"^tracking_settings/?$", TrackingSettings.as_view()),
    re_path(r"^tracking_settings/click/?$", Click.as_view()),
    re_path(r"^tracking_settings/google_analytics/?$", GoogleAnalytics.as_view()),
    re_path(r"^tracking_settings/open/?$", Open.as_view()),
    re_path(r"^tracking_settings/subscription/?$", Subscription.as_view()),
]
