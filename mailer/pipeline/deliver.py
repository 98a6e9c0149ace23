"""Deliver mail: claim due parcels, and send them slice by slice, with a look at the gate before each slice.

A trip is a loop of steps: claim (`batches/claims.py`), open the note (`note.py`), look, compose (`cargo.py`), send
under the guard (`guard.py`), sort (`sorting.py`), record (`record.py`), release.

In: a token that says there is work. Out: every message of the claims has an outcome, or is given back. No transaction
is open during a conversation with a peer. After a crash, claims stay in the table until the rescuer ends them. It
knows the bounds of the one slice that was under way.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Collection, Sequence

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from batches import hints
from batches.admit import admit_batch
from batches.claims import Claim, Claimer, Slice, bits, release
from batches.models import PARCEL_SIZE
from batches.moving import share_claims
from batches.states import Lane
from batches.verdict import GateStatus
from foundation.clock import boottime, database_now
from mailer.compose.mime import date_field
from mailer.outcomes.classes import GIVEN_UP
from mailer.pipeline.cargo import CargoComposer, ComposerCache, load_cargo, with_dropped
from mailer.pipeline.guard import SliceGuard, listening_for_stops
from mailer.pipeline.note import HandoverNote
from mailer.pipeline.record import record_slice
from mailer.pipeline.reports import WorkerReports
from mailer.pipeline.slice_size import SliceSize, SlowBatches
from mailer.pipeline.sorting import Outcomes, add_result
from mailer.transports.base import Envelope, Refused, Result, RetryAt, Transport

log = structlog.get_logger(__name__)

RECORD_PATIENCE_SECONDS = 60.0
UNNOTED_SLICE = 20
TRIP_SECONDS = 1.0
"""A trip ends after the slice in which this time is over. Other messages are due again, behind more urgent mail."""
SHARED_FROM_SLICES = 2
"""Work that takes longer than this many slices is shared with idle worker processes."""
SMALLEST_SHARE = 8
"""The fewest messages for which another process is woken."""


class Deliverer:
    """The delivery of one worker process: its claims, its transport, the size of its slices."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.claimer = Claimer()
        self.slice_size = SliceSize(transport.capacity)
        self.slow_slice_size = SliceSize(transport.capacity)
        self.slow = SlowBatches()
        self.reports = WorkerReports(transport, self.slow)
        self.share_at = 0.0
        """The time of the next look for idle worker processes (`time.monotonic`)."""
        self.composers = ComposerCache()
        self.note = HandoverNote(settings.REDIS_URL)

    def deliver_due(self, *, seconds: float) -> int:
        """Deliver due mail, transactional mail first, until nothing is due or the time is over.

        Return the number of messages that got an outcome. Stop early when nothing can be sent because no peer answers:
        the next token of the sweeper causes another try.
        """
        until, messages = time.monotonic() + seconds, 0
        with listening_for_stops():
            while time.monotonic() < until:
                claims = self.claim_next()
                if not claims:
                    break
                handled = self.deliver_claims(claims, until=until)
                if not handled:
                    break
                messages += handled
        return messages

    def messages_in(self, slice_size: SliceSize) -> int:
        """Return how many messages the next slice may have.

        They are few while there is no note, since all of them may come into doubt.
        """
        return min(slice_size.size, UNNOTED_SLICE) if self.note.is_away else slice_size.size

    def close(self) -> None:
        """Give the connections back, and remove this worker from the table of workers."""
        self.transport.close()
        self.note.close()
        self.claimer.sign_off()

    def claim_next(self) -> list[Claim]:
        """Claim from the first lane with due mail: a parcel, or as much as the next slice may take.

        Mail of slow batches is claimed apart from other mail: when no other mail is due, or at its turn.
        """
        slow = self.slow.find()
        if not slow:
            return self._claim_brisk(slow)
        if self.slow.have_turn:
            return self._claim_slow(slow) or self._claim_brisk(slow)
        return self._claim_brisk(slow) or self._claim_slow(slow)

    def _claim_brisk(self, slow: list[int]) -> list[Claim]:
        return self.claimer.claim_next(*Lane, messages=max(PARCEL_SIZE, self.messages_in(self.slice_size)), slow=slow)

    def _claim_slow(self, slow: list[int]) -> list[Claim]:
        """Claim slow mail, unless that would occupy all worker processes: one of several is reserved for other mail."""
        workers = max(1, hints.fleet_size() - 1)
        return self.claimer.claim_slow(
            *Lane, slow=slow, messages=self.messages_in(self.slow_slice_size), workers=workers
        )

    def deliver_claims(self, claims: list[Claim], *, until: float = float("inf")) -> int:
        """Send all claimed messages, as far as the gate allows.

        Return the number of messages that got an outcome or were stopped.
        """
        trip = Trip(self, claims)
        try:
            return trip.run(until=until)
        except BaseException:
            # Begun messages may not be recorded, so the claims are never given back as unsent. The worker takes another
            # id and leaves these claims to the rescuer, which reads the bounds of the slice.
            self.claimer.abandon()
            raise
        finally:
            if trip.is_slow:
                self.slow.end_turn()


class Trip:
    """The delivery of one set of claims."""

    def __init__(self, deliverer: Deliverer, claims: list[Claim]) -> None:
        self.deliverer = deliverer
        self.is_slow = claims[0].batch_id in deliverer.slow.find()
        """Whether the trip has only mail of slow batches. Otherwise it has none."""
        self.slice_size = deliverer.slow_slice_size if self.is_slow else deliverer.slice_size
        self.open = {claim.parcel_id: claim for claim in claims}
        self.stopped: list[Claim] = []
        self.handled = 0

    def run(self, *, until: float) -> int:
        """Deliver slice after slice until nothing is left or the time is over, then give the other claims back.

        Return the number of messages that got an outcome. A stopped claim counts as one: there may be more to do.
        """
        until = min(until, time.monotonic() + TRIP_SECONDS)
        self._share()
        self.load()
        while pieces := self.cut():
            if not self.deliver_slice(pieces) or time.monotonic() >= until:
                break
            self._share()
        self._release()
        return self.handled + len(self.stopped)

    def cut(self) -> list[Slice]:
        """Return the next slice; empty when nothing is left to be sent.

        Slow mail is sent batch by batch, so that the process learns which batch is slow: the replies behind a slow
        message come late, too.
        """
        claims = list(self.open.values())
        if self.is_slow:
            claims = [claim for claim in claims if claim.batch_id == claims[0].batch_id]
        return cut_slice(claims, self.deliverer.messages_in(self.slice_size))

    def load(self) -> None:
        """Read the messages to send, after other workers have got their share of the claims."""
        self.cargo = load_cargo(list(self.open.values()))
        self.composer = CargoComposer(self.cargo, self.deliverer.composers)

    def _share(self) -> None:
        """Share work that would take this process long with idle worker processes."""
        deliverer, now = self.deliverer, time.monotonic()
        messages = sum(claim.members.bit_count() for claim in self.open.values())
        slices = self.slice_size.seconds_for(messages) / settings.SLICE_SECONDS
        if slices <= SHARED_FROM_SLICES or now < deliverer.share_at:
            return
        deliverer.share_at = now + settings.SLICE_SECONDS
        # One process is reserved for other mail.
        idle = hints.count_idle() - self.is_slow
        parts = min(idle + 1, messages // SMALLEST_SHARE)
        if parts > 1:
            lane = next(iter(self.open.values())).lane
            given_back, due_parcels = share_claims(list(self.open.values()), parts)
            for claim in given_back:
                del self.open[claim.parcel_id]
            hints.hint_due(lane, due_parcels)

    def deliver_slice(self, pieces: list[Slice]) -> bool:
        """Look, compose, send and record one slice. Return False when nothing could be sent."""
        if not self._open_note(pieces):
            return True
        opened_at = boottime()
        pieces = self._look(pieces)
        if not pieces:
            return True
        begun_at = time.monotonic()
        deliverer = self.deliverer
        parcel_ids = [piece.claim.parcel_id for piece in pieces]
        guard = SliceGuard(deliverer.claimer, deliverer.note, parcel_ids, opened_at, deliverer.reports)
        outcomes = [Outcomes(piece.claim) for piece in pieces]
        owners = owners_of(pieces, outcomes)
        envelopes, results = self.composer.compose(owners, date_field(database_now()), until=guard.composed_until)
        results += self._send(envelopes, guard)
        self._sort(results, envelopes, owners)
        self._describe(outcomes)
        self._record(outcomes)
        self._learn(outcomes, guard, {owners[message_id].claim.batch_id for message_id in guard.late}, opened_at)
        deliverer.reports.report_slice(deliverer.claimer.worker_id, begun_at)
        finished = sum(item.finished.bit_count() for item in outcomes)
        self.handled += finished
        return finished > 0 or guard.is_closed

    def _look(self, pieces: list[Slice]) -> list[Slice]:
        """Look at the gate: put stopped claims aside to be given back, and forget lost claims."""
        gates = self.deliverer.claimer.look(pieces)
        open_pieces = []
        for piece in pieces:
            status = gates.get(piece.claim.parcel_id)
            if status is GateStatus.OPEN:
                open_pieces.append(piece)
                continue
            del self.open[piece.claim.parcel_id]
            if status is not None:
                self.stopped.append(piece.claim)
        return open_pieces

    def _open_note(self, pieces: list[Slice]) -> bool:
        """Begin the note of the coming slice. Return False when the slice must not be sent under the coming number.

        The note comes before the look, which writes the bounds of the slice: a slice with bounds that no note names
        would be in doubt as a whole. For the same reason the note also names the stopped claims, which have bounds.
        """
        names = {piece.claim.parcel_id: (piece.claim.fence, piece.claim.slice_no + 1) for piece in pieces}
        names |= {claim.parcel_id: (claim.fence, claim.slice_no) for claim in self.stopped}
        if self.deliverer.note.open(self.deliverer.claimer.worker_id, names):
            return True
        for piece in pieces:
            piece.claim.slice_no += 1
        return False

    def _send(self, envelopes: dict[int, Envelope], guard: SliceGuard) -> list[Result]:
        """Send the composed messages. If composing took long, look at the gate again first."""
        if boottime() >= guard.composed_until:
            guard.poll()
        return self.deliverer.transport.send_slice(list(envelopes.values()), guard, may_take=guard.may_take)

    def _sort(self, results: list[Result], envelopes: dict[int, Envelope], owners: dict[int, Outcomes]) -> None:
        """Sort the results into the outcomes of their parcels."""
        earlier, dropped = self.cargo.earlier, self.composer.dropped
        for result in results:
            message_id, outcomes, _ = result
            owner, recipients = owners[message_id], envelopes[message_id].recipients if message_id in envelopes else ()
            if message_id in dropped:
                result, recipients = with_dropped(result, recipients, dropped[message_id])
            if RetryAt in map(type, outcomes):
                result = end_retries(result, owner.claim)
            add_result(owner, result, recipients, earlier.get(message_id))

    def _describe(self, outcomes: list[Outcomes]) -> None:
        """Note the categories of the mails, and whether the peer's connections were encrypted: events have both."""
        is_encrypted = self.deliverer.transport.is_encrypted
        for item in outcomes:
            item.categories = self.composer.categories_of(item.claim.first_message_id)
            item.is_encrypted = is_encrypted

    def _record(self, outcomes: list[Outcomes]) -> None:
        """Record, and try again if the connection is lost: recording twice is harmless, not recording leaves doubt."""
        until = boottime() + RECORD_PATIENCE_SECONDS
        while True:
            try:
                lost_claims = record_slice(outcomes)
                break
            except (OperationalError, InterfaceError):
                if boottime() > until:
                    raise
                log.warning("recording failed, trying again")
                connection.close()
                time.sleep(0.1)
        for claim in [*lost_claims, *(item.claim for item in outcomes if not item.claim.members)]:
            self.open.pop(claim.parcel_id, None)

    def _release(self) -> None:
        """Give back the other claims, and carry out the verdict on mail that the gate has stopped."""
        release([*self.open.values(), *self.stopped])
        for batch_id in {claim.batch_id for claim in self.stopped}:
            admit_batch(batch_id)

    def _learn(self, outcomes: list[Outcomes], guard: SliceGuard, slow: set[int], opened_at: float) -> None:
        """Learn from a slice how fast mail is sent and which batches are slow."""
        finished = sum(item.finished.bit_count() for item in outcomes)
        late, seconds, waited = len(guard.late), boottime() - opened_at, guard.waited
        if self.is_slow:
            self.slice_size.learn(finished, seconds, late=late, waited=waited)
        elif not late:
            self.slice_size.learn(finished, seconds)
        else:
            self.deliverer.slow_slice_size.learn(finished, seconds, late=late, waited=waited)
            if finished > late:
                self.slice_size.learn(finished - late, seconds - waited)
        self.deliverer.slow.learn({item.claim.batch_id for item in outcomes if item.finished}, slow)


def end_retries(result: Result, claim: Claim) -> Result:
    """Return the result in which a temporary failure is final if the time for retries is over."""
    if database_now() < claim.send_at + dt.timedelta(seconds=settings.RETRY_LIMIT_SECONDS):
        return result
    outcomes = (
        Refused(f"{GIVEN_UP}{outcome.reply}") if isinstance(outcome, RetryAt) else outcome
        for outcome in result.outcomes
    )
    return Result(result.message_id, tuple(outcomes))


def cut_slice(claims: Collection[Claim], size: int) -> list[Slice]:
    """Return the next `size` messages of these claims, as bounds in each parcel.

    A remainder smaller than half a slice is merged into this one.
    """
    messages = sum(claim.members.bit_count() for claim in claims)
    size = messages if messages <= size * 1.5 else size
    pieces: list[Slice] = []
    for claim in claims:
        members = bits(claim.members)[:size]
        if members:
            pieces.append(Slice(claim, members[0], members[-1] + 1))
            size -= len(members)
        if size <= 0:
            break
    return pieces


def owners_of(pieces: Sequence[Slice], outcomes: Sequence[Outcomes]) -> dict[int, Outcomes]:
    """Return the outcomes that each message of a slice belongs to, by message id."""
    owners: dict[int, Outcomes] = {}
    for piece, owner in zip(pieces, outcomes, strict=True):
        owners |= dict.fromkeys(message_ids_of(piece), owner)
    return owners


def message_ids_of(piece: Slice) -> list[int]:
    """Return the messages of a slice that are still to be sent."""
    first_id = piece.claim.first_message_id
    return [first_id + n for n in bits(piece.claim.members) if piece.start <= n < piece.end]
