"""Run one worker process."""

import os
from pathlib import Path

from app import app

Path(os.environ["READY_FILE"]).touch()
app.run_worker(concurrency=8, fetch_job_polling_interval=0.5)
