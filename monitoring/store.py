"""Count the mail that waits, by its state and its gate."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from batches.counts import LOOKED_AT, Tally
from batches.states import ParcelState
from batches.verdict import GateStatus
from foundation.statements import fetch_rows
from monitoring import queries
from monitoring.running import gate_of
from monitoring.scope import Scope


@dataclass(frozen=True, slots=True)
class Store:
    """The mail that waits: messages by the state of their parcels and the gate of their batch.

    The gate is that of batch, account and parent. A freeze of the whole installation is left out, so that a person can
    see its effects in advance. A count of a state of which more than `LOOKED_AT` parcels exist is not exact.
    """

    tallies: dict[tuple[ParcelState, GateStatus], Tally] = field(default_factory=dict)
    campaigns: int = 0
    """The scheduled campaigns of which no mail was made yet."""

    def count(self, state: ParcelState, *gates: GateStatus) -> Tally:
        """Return the messages in a state, of batches with one of these gates; without gates, of all batches."""
        of_state = {gate: tally for (tallied_state, gate), tally in self.tallies.items() if tallied_state is state}
        messages = sum(tally.messages for gate, tally in of_state.items() if not gates or gate in gates)
        return Tally(messages, all(tally.is_exact for tally in of_state.values()))


def read_store(scope: Scope) -> Store:
    """Return the mail of these accounts that waits, from at most `LOOKED_AT` parcels of each state."""
    rows = fetch_rows(queries.READ_STORE, {"accounts": scope.ids, "parcels": LOOKED_AT})
    mail = [row for row in rows if row["state"] != queries.CAMPAIGNS]
    parcels: Counter[int] = Counter()
    messages: Counter[tuple[ParcelState, GateStatus]] = Counter()
    for row in mail:
        parcels[row["state"]] += row["parcels"]
        messages[ParcelState(row["state"]), gate_of(row)] += row["messages"]
    tallies = {(state, gate): Tally(number, parcels[state] < LOOKED_AT) for (state, gate), number in messages.items()}
    return Store(tallies, sum(row["messages"] for row in rows if row["state"] == queries.CAMPAIGNS))
