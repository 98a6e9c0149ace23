"""List the scopes of SendGrid's published lists: the permissions of an API key, and those of a teammate."""

from __future__ import annotations

from typing import Final

TABLE: Final = """
access_settings.activity: read
access_settings.whitelist: create delete read update
alerts: create delete read update
api_keys: create delete read update
asm.groups: create delete read update
asm.groups.suppressions: create delete read update
asm.suppressions.global: create delete read update
billing: create delete read update
browsers.stats: read
categories: create delete read update
categories.stats: read
categories.stats.sums: read
clients.stats: read
clients.desktop.stats: read
clients.phone.stats: read
clients.tablet.stats: read
clients.webmail.stats: read
credentials: create delete read update
design_library: create delete read update
devices.stats: read
di.bounce_block_classifications: read
email_activity: read
email_testing: read write
geo.stats: read
ips: create delete read update
ips.assigned: read
ips.pools: create delete read update
ips.pools.ips: create delete read update
ips.warmup: create delete read update
mail: send
mail.batch: create delete read update
mail_settings: read
mail_settings.address_whitelist: create delete read update
mail_settings.bcc: create delete read update
mail_settings.bounce_purge: create delete read update
mail_settings.footer: create delete read update
mail_settings.forward_bounce: create delete read update
mail_settings.forward_spam: create delete read update
mail_settings.plain_content: create delete read update
mail_settings.spam_check: create delete read update
mail_settings.template: create delete read update
mailbox_providers.stats: read
marketing: read
marketing.automation: read
marketing_campaigns: create delete read update
messages: read
newsletter: create delete read update
partner_settings: read
partner_settings.new_relic: create delete read update
partner_settings.sendwithus: create delete read update
sso.settings: create delete read update
sso.teammates: create update
stats: read
stats.global: read
subusers: create delete read update
subusers.credits: create delete read update
subusers.credits.remaining: create delete read update
subusers.monitor: create delete read update
subusers.reputations: read
subusers.stats: read
subusers.stats.monthly: read
subusers.stats.sums: read
subusers.summary: read
suppression: create delete read update
suppression.blocks: create delete read update
suppression.bounces: create delete read update
suppression.invalid_emails: create delete read update
suppression.spam_reports: create delete read update
suppression.unsubscribes: create delete read update
teammates: create delete read update
templates: create delete read update
templates.versions: create delete read update
templates.versions.activate: create delete read update
tracking_settings: read
tracking_settings.click: create delete read update
tracking_settings.google_analytics: create delete read update
tracking_settings.open: create delete read update
tracking_settings.subscription: create delete read update
user.account: read
user.credits: read
user.email: create delete read update
user.multifactor_authentication: create delete read update
user.password: create delete read update
user.profile: create delete read update
user.scheduled_sends: create delete read update
user.settings.enforced_tls: read update
user.timezone: create delete read update
user.username: create delete read update
user.webhooks.event.settings: create delete read update
user.webhooks.event.test: create delete read update
user.webhooks.parse.settings: create delete read update
user.webhooks.parse.stats: read
validations.email: create read
whitelabel: create delete read update
"""
ROWS: Final = [line.partition(": ") for line in TABLE.split("\n") if line]
SCOPES: Final = [f"{group}.{verb}" for group, _, verbs in ROWS for verb in verbs.split()]
