"""Read {"messages", "send_at"} from standard input, line by line, and defer these messages."""

import datetime as dt
import json
import sys

from app import app, send

AT_ONCE = 1000

with app.open():
    print("ready", flush=True)
    for line in sys.stdin:
        wanted = json.loads(line)
        schedule_at = dt.datetime.fromtimestamp(wanted["send_at"], dt.UTC)
        for first in range(0, wanted["messages"], AT_ONCE):
            numbers = range(first, min(first + AT_ONCE, wanted["messages"]))
            send.configure(schedule_at=schedule_at).batch_defer(*({"n": n} for n in numbers))
        print("scheduled", flush=True)
