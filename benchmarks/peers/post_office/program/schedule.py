"""Read {"messages", "send_at"} from standard input, line by line, queue these messages, and send them at that time.

Its argument is the number of processes that send.
"""

import datetime as dt
import json
import os
import subprocess
import sys
import threading
import time

import django

from benchmarks.mail import HTML, SENDER, SUBJECT, TEXT, fill, recipient

os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
django.setup()

from post_office import mail  # noqa: E402

LOCK = os.path.join(os.environ["RUN_FOLDER"], "post-office")
SEND = [sys.executable, "manage.py", "send_queued_mail", "--processes", sys.argv[1], "--log-level", "0", "-L", LOCK]
AT_ONCE = 1000


def letter(n, scheduled_time):
    return {
        "recipients": recipient(n),
        "sender": SENDER,
        "subject": fill(SUBJECT, n),
        "message": fill(TEXT, n),
        "html_message": fill(HTML, n),
        "scheduled_time": scheduled_time,
    }


def cron(at):
    time.sleep(max(0.0, at - time.time()))
    subprocess.run(SEND, check=True, stdout=sys.stderr)


print("ready", flush=True)
for line in sys.stdin:
    wanted = json.loads(line)
    scheduled_time = dt.datetime.fromtimestamp(wanted["send_at"], dt.UTC)
    for first in range(0, wanted["messages"], AT_ONCE):
        numbers = range(first, min(first + AT_ONCE, wanted["messages"]))
        mail.send_many([letter(n, scheduled_time) for n in numbers])
    print("scheduled", flush=True)
    threading.Thread(target=cron, args=(wanted["send_at"],), daemon=True).start()
