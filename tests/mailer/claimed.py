"""Make claims of parcels, and outcomes of their messages."""

from __future__ import annotations

from batches.claims import Claim, Claimer, Slice
from batches.states import Lane
from mailer.pipeline.sorting import Outcomes, add_result
from mailer.transports.base import Outcome, Result

ONE = ("one@example.com",)


def claim_and_look(claimer: Claimer, start: int = 0, end: int = 10) -> Claim:
    (claim,) = claimer.claim_next(Lane.BULK)
    assert claim.parcel_id in claimer.look([Slice(claim, start, end)])
    return claim


def outcomes_of(claim: Claim, *results: Outcome) -> Outcomes:
    """Return the outcomes of the claim's first messages, with one recipient each."""
    outcomes = Outcomes(claim)
    for n, outcome in enumerate(results):
        add_result(outcomes, Result(claim.first_message_id + n, (outcome,)), ONE)
    return outcomes
