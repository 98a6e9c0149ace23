"""Define the tasks."""

import os
import threading

import django
import procrastinate
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection

from benchmarks.mail import HTML, SENDER, SUBJECT, TEXT, fill, recipient

settings.configure(EMAIL_HOST="127.0.0.1", EMAIL_PORT=int(os.environ["SMTP_PORT"]))
django.setup()

app = procrastinate.App(connector=procrastinate.PsycopgConnector())
local = threading.local()


def open_connection():
    """Return this thread's connection, opened once."""
    if not hasattr(local, "connection"):
        local.connection = get_connection()
        local.connection.open()
    return local.connection


@app.task
def send(n):
    connection = open_connection()
    message = EmailMultiAlternatives(fill(SUBJECT, n), fill(TEXT, n), SENDER, [recipient(n)], connection=connection)
    message.attach_alternative(fill(HTML, n), "text/html")
    message.send()
