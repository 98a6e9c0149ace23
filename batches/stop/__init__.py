"""Stop mail exactly, and make every other move of a whole batch, an account or the installation.

A stop commits the change of one row and *then* reads which claims there are; a worker commits its claim and *then*
looks at the gate (`batches/claims.py`). So one of the two always sees the other.

1. `exact.py`: the row of a batch changes in a transaction, with a receipt. After the commit it waits for the claims
   that existed; then the receipt gets its exact counts.
2. `control.py`: a caller pauses, cancels or resumes a batch. `freeze.py`: an operator does so with an account, or with
   the installation.
3. `purge.py` and `reschedule.py`: waiting mail is discarded, or gets another time.
4. `dry_run.py`: the effects of each of them are counted, without doing it.
"""
