"""Define the tasks: `celery -A app worker`."""

import os
from pathlib import Path

import django
from celery import Celery
from celery.signals import worker_ready
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection

from benchmarks.mail import HTML, SENDER, SUBJECT, TEXT, fill, recipient

settings.configure(EMAIL_HOST="127.0.0.1", EMAIL_PORT=int(os.environ["SMTP_PORT"]))
django.setup()

app = Celery("mail", broker=os.environ["REDIS_URL"])
app.conf.update(task_ignore_result=True, broker_connection_retry_on_startup=True)
connection = get_connection()


@app.task
def send(n):
    connection.open()  # does nothing where it is open already, and keeps it open after the message
    message = EmailMultiAlternatives(fill(SUBJECT, n), fill(TEXT, n), SENDER, [recipient(n)], connection=connection)
    message.attach_alternative(fill(HTML, n), "text/html")
    message.send()


@worker_ready.connect
def say_ready(**_):
    Path(os.environ["READY_FILE"]).touch()
