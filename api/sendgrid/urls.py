"""List SendGrid's routes below /v3. Each family lists its routes at the end of its views.

A trailing slash is accepted and never redirected, because a redirect would lose the body of a POST request. A text that
does not match the pattern of an id never reaches a query.
"""

from __future__ import annotations

from django.urls import URLPattern, re_path

from api.sendgrid.asm import views as asm
from api.sendgrid.batches import views as batches
from api.sendgrid.campaigns import views as campaigns
from api.sendgrid.contact_files import views as contact_files
from api.sendgrid.contactdb import views as contactdb
from api.sendgrid.contactdb_exports import views as contactdb_exports
from api.sendgrid.contactdb_segments import views as contactdb_segments
from api.sendgrid.contacts import views as contacts
from api.sendgrid.designs import views as designs
from api.sendgrid.endpoint import not_found
from api.sendgrid.event_webhooks import views as event_webhooks
from api.sendgrid.fields import views as fields
from api.sendgrid.keys import views as keys
from api.sendgrid.lists import views as lists
from api.sendgrid.mail import views as mail
from api.sendgrid.mail_settings import views as mail_settings
from api.sendgrid.messages import views as messages
from api.sendgrid.segments import views as segments
from api.sendgrid.senders import views as senders
from api.sendgrid.single_sends import views as single_sends
from api.sendgrid.statistics import views as statistics
from api.sendgrid.stats import views as stats
from api.sendgrid.suppressions import views as suppressions
from api.sendgrid.templates import views as templates
from api.sendgrid.tracking_settings import views as tracking_settings
from api.sendgrid.user import views as user
from api.sendgrid.verified_senders import views as verified_senders

# The order matters where the path of one family matches a pattern of another: `contactdb/recipients/search` could be
# the recipient "search", and `marketing/contacts/imports` the contact "imports".
urlpatterns: list[URLPattern] = [
    *mail.urlpatterns,
    *batches.urlpatterns,
    *keys.urlpatterns,
    *asm.urlpatterns,
    *suppressions.urlpatterns,
    *stats.urlpatterns,
    *mail_settings.urlpatterns,
    *tracking_settings.urlpatterns,
    *user.urlpatterns,
    *event_webhooks.urlpatterns,
    *messages.urlpatterns,
    *verified_senders.urlpatterns,
    *campaigns.urlpatterns,
    *single_sends.urlpatterns,
    *statistics.urlpatterns,
    *contactdb_segments.urlpatterns,
    *contactdb_exports.urlpatterns,
    *contactdb.urlpatterns,
    *senders.urlpatterns,
    *contact_files.urlpatterns,
    *contacts.urlpatterns,
    *lists.urlpatterns,
    *fields.urlpatterns,
    *segments.urlpatterns,
    *templates.urlpatterns,
    *designs.urlpatterns,
    re_path(r"^", not_found),
]
