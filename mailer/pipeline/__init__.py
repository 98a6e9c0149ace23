"""Take messages through their steps. Each is a file, and none calls the next: `tasks.py` and PostgreSQL link them.

1. `accept.py`: a request becomes mail, parcels and messages in one transaction; 2xx only after its commit.
2. plan (`batches/planner.py`): two minutes ahead, each wave gets one Celery ETA task at its `send_at`.
3. admit (`batches/admit.py`): at `send_at` the verdict of the gate moves the parcels of the wave: to due, retained,
   discarded, expired or held. Tokens tell the fleet that parcels are due.
4. `deliver.py`: a worker claims due parcels (`batches/claims.py`), and before each slice looks at the gate, then
   composes (`cargo.py`, `mailer/compose`) and sends (`guard.py`, `mailer/transports`).
5. `record.py`: the slice's outcome (`sorting.py`) is committed, guarded by the claim's fence, before the next look.
   `late.py` corrects the record of messages that were put in doubt meanwhile. `note.py` notes which messages a worker
   is sending, in case it dies.
6. sweep (`batches/sweep.py`, `mailer/sweep.py`): every second, find the work that no hint has announced and
   that dead workers have left; `rescue.py` takes over the parcels of a dead worker.

PostgreSQL is the schedule. If a process dies between any two lines, the rows show the work that is left.
"""
