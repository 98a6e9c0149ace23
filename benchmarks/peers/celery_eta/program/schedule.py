"""Read {"messages", "send_at"} from standard input, line by line, and schedule these messages."""

import datetime as dt
import json
import sys

from app import app, send

print("ready", flush=True)
for line in sys.stdin:
    wanted = json.loads(line)
    eta = dt.datetime.fromtimestamp(wanted["send_at"], dt.UTC)
    with app.producer_or_acquire() as producer:
        for n in range(wanted["messages"]):
            send.apply_async((n,), eta=eta, producer=producer)
    print("scheduled", flush=True)
