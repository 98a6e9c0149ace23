"""What the OpenAPI document says of SendGrid's calls (`api/openapi.py` has the words), a module to a family.

To add a call: one value in its family's module, and `@schema.its_name` above its view.
"""

from api.sendgrid.schema import mail, scheduled_sends, words

COMPONENTS = words.COMPONENTS | mail.COMPONENTS | scheduled_sends.COMPONENTS
PATHS = mail.PATHS
