"""Deliver: claim what is due, and hand it over slice by slice, with a look at the gate before each.

In: a token that says there is work. Out: every message of the claims has an outcome, or is given back. No transaction
is open while a peer is talked to. After a crash: claims stay in the table until the rescuer breaks them; of the one
slice that was under way it knows the bounds.
"""

from __future__ import annotations

import datetime as dt
import time
from collections import OrderedDict
from collections.abc import Collection, Iterable
from typing import Any

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection

from batches import hints
from batches.admit import admit_batch
from batches.claims import Claim, Hold, Slice, bits, release
from batches.models import PARCEL_SIZE
from batches.moving import share_claims
from batches.settle import STOP_CHANNEL
from batches.states import Lane
from batches.verdict import GateStatus
from foundation.clock import boottime, database_now
from foundation.traces import trace_of
from mailer.compose.mime import Composer, date_field
from mailer.models import Mail
from mailer.pipeline.cargo import load_cargo
from mailer.pipeline.note import HandoverNote
from mailer.pipeline.pace import LONG_SECONDS, Pace, SlowBatches
from mailer.pipeline.record import Outcomes, add_result, record_slice
from mailer.suppressions.check import reason_to_drop
from mailer.transports.base import Dropped, Envelope, Refused, Result, RetryAt, Signal, Transport

log = structlog.get_logger(__name__)

STOP_PATIENCE_SECONDS = 3.0
"""The time, after a stop was seen, for the answers that are still out. Below the 5 s that a stop waits."""
RECORD_PATIENCE_SECONDS = 60.0
UNNOTED_SLICE = 20
COMPOSER_CACHE_BYTES = 64 * 1024 * 1024
SLICE_BYTES = 16 * 1024 * 1024
TIMED_MESSAGES = 8
"""The messages between two looks at the clock while composing; after each of the first few it looks, too."""
TRIP_SECONDS = 1.0
"""A trip ends after the slice in which this is over: what it has left is due again, behind more urgent mail."""
SHARED_FROM_SLICES = 2
"""Work that takes longer than this many slices is shared with idle worker processes."""
SMALLEST_SHARE = 8
"""Messages. For fewer it is not worth to wake another process."""


class Deliverer:
    """The delivery of one worker process: its hold on parcels, its transport, its pace."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.hold = Hold()
        self.pace = Pace(transport.capacity)
        self.slow_pace = Pace(transport.capacity)
        self.slow = SlowBatches()
        self.share_at = 0.0
        """The time of the next look for idle worker processes (`time.monotonic`)."""
        self.composers = ComposerCache()
        self.note = HandoverNote(settings.REDIS_URL)

    def deliver_due(self, *, seconds: float) -> int:
        """Deliver what is due, transactional mail first, until there is nothing or the time is over.

        Returns the messages that got an outcome. Stops early when nothing can be handed over (no peer): the sweeper's
        next token tries again.
        """
        listen_for_stops()
        until, done = time.monotonic() + seconds, 0
        while time.monotonic() < until:
            claims = self.claim_next()
            if not claims:
                break
            handled = self.deliver_claims(claims, until=until)
            if not handled:
                break
            done += handled
        return done

    def slice_size(self, pace: Pace) -> int:
        """Messages to the next slice: few while there is no note, since all of them may come into doubt."""
        return min(pace.size, UNNOTED_SLICE) if self.note.is_away else pace.size

    def close(self) -> None:
        """End well: give connections back, and take this worker's name off the list."""
        self.transport.close()
        self.note.close()
        self.hold.leave()

    def claim_next(self) -> list[Claim]:
        """Claim from the first lane that has any: a parcel, or as much as the next slice may take.

        Mail of batches that are known to be slow is claimed apart from other mail: when there is no other, or at its
        turn.
        """
        slow = self.slow.find()
        if not slow:
            return self._claim_brisk(slow)
        if self.slow.have_turn:
            return self._claim_slow(slow) or self._claim_brisk(slow)
        return self._claim_brisk(slow) or self._claim_slow(slow)

    def _claim_brisk(self, slow: list[int]) -> list[Claim]:
        return self.hold.claim_next(*Lane, messages=max(PARCEL_SIZE, self.slice_size(self.pace)), slow=slow)

    def _claim_slow(self, slow: list[int]) -> list[Claim]:
        """Claim slow mail, if enough worker processes are left: one of several is kept for other mail."""
        workers = max(1, hints.fleet_size() - 1)
        return self.hold.claim_slow(*Lane, slow=slow, messages=self.slice_size(self.slow_pace), workers=workers)

    def deliver_claims(self, claims: list[Claim], *, until: float = float("inf")) -> int:
        """Send everything that is claimed, as the gate allows; returns the messages that were taken care of."""
        trip = Trip(self, claims)
        try:
            return trip.run(until=until)
        except BaseException:
            # What was begun is not known to be recorded: never give it back as unsent. A worker that takes another
            # name leaves these claims to the rescuer, who reads the slice's bounds.
            self.hold.abandon()
            raise
        finally:
            if trip.is_slow:
                self.slow.end_turn()


class Trip:
    """The delivery of one set of claims."""

    def __init__(self, deliverer: Deliverer, claims: list[Claim]) -> None:
        self.deliverer = deliverer
        self.is_slow = claims[0].batch_id in deliverer.slow.find()
        """Whether it is all mail of slow batches; otherwise nothing of it is."""
        self.pace = deliverer.slow_pace if self.is_slow else deliverer.pace
        self.open = {claim.parcel_id: claim for claim in claims}
        self.stopped: list[Claim] = []
        self.dropped: dict[int, dict[str, Dropped]] = {}
        """The recipients who do not get it, by message."""
        self.handled = 0

    def run(self, *, until: float) -> int:
        """Slice after slice; then what is left goes back. Being told to stop counts as handled: there may be more."""
        until = min(until, time.monotonic() + TRIP_SECONDS)
        self._share()
        self.load()
        while pieces := self.cut():
            if not self._send(pieces) or time.monotonic() >= until:
                break
            self._share()
        release([*self.open.values(), *self.stopped])
        for batch_id in {claim.batch_id for claim in self.stopped}:
            admit_batch(batch_id)
        return self.handled + len(self.stopped)

    def cut(self) -> list[Slice]:
        """Return the next slice; empty when nothing is left to be sent.

        Slow mail goes batch by batch, so that each shows by itself whether it is slow: the answers behind a slow
        message come late, too.
        """
        claims = list(self.open.values())
        if self.is_slow:
            claims = [claim for claim in claims if claim.batch_id == claims[0].batch_id]
        return cut_slice(claims, self.deliverer.slice_size(self.pace))

    def load(self) -> None:
        """Read what is to be sent, once it is settled what others take."""
        self.cargo = load_cargo(list(self.open.values()))

    def _share(self) -> None:
        """Let idle worker processes have their part of what would take this one long."""
        deliverer, now = self.deliverer, time.monotonic()
        left = sum(claim.members.bit_count() for claim in self.open.values())
        slices = self.pace.seconds_for(left) / settings.SLICE_SECONDS
        if slices <= SHARED_FROM_SLICES or now < deliverer.share_at:
            return
        deliverer.share_at = now + settings.SLICE_SECONDS
        # One process is left for other mail.
        idle = hints.count_idle() - self.is_slow
        parts = min(idle + 1, left // SMALLEST_SHARE)
        if parts > 1:
            lane = next(iter(self.open.values())).lane
            given_back, due = share_claims(list(self.open.values()), parts)
            for claim in given_back:
                del self.open[claim.parcel_id]
            hints.hint_due(lane, due)

    def _send(self, pieces: list[Slice]) -> bool:
        """Look, hand over and record one slice. Return False when nothing could be handed over."""
        opened_at = boottime()
        pieces = self._ask_gate(pieces)
        if not pieces:
            return True
        hold = self.deliverer.hold
        names = {piece.claim.parcel_id: (piece.claim.fence, piece.claim.slice_no) for piece in pieces}
        if not self.deliverer.note.open(hold.worker_id, names):
            return True
        guard = SliceGuard(hold, self.deliverer.note, [piece.claim.parcel_id for piece in pieces], opened_at)
        outcomes = [Outcomes(piece.claim) for piece in pieces]
        owners: dict[int, Outcomes] = {}
        for piece, owner in zip(pieces, outcomes, strict=True):
            owners |= dict.fromkeys(message_ids_of(piece), owner)
        envelopes, results = self._compose(owners, date_field(database_now()), until=guard.composed_until)
        if boottime() >= guard.composed_until:
            guard.poll()
        results += self.deliverer.transport.send_slice(list(envelopes.values()), guard, may_take=guard.may_take)
        for result in results:
            owner, envelope = owners[result.message_id], envelopes.get(result.message_id)
            recipients = envelope.recipients if envelope else ()
            if result.message_id in self.dropped:
                result, recipients = self._with_dropped(result, recipients)
            add_result(owner, end_retries(result, owner.claim), recipients, self.cargo.earlier.get(result.message_id))
        self._record(outcomes)
        finished = sum(item.finished.bit_count() for item in outcomes)
        self._learn(outcomes, guard, {owners[message_id].claim.batch_id for message_id in guard.late}, opened_at)
        self.handled += finished
        return finished > 0 or guard.is_closed

    def _learn(self, outcomes: list[Outcomes], guard: SliceGuard, slow: set[int], opened_at: float) -> None:
        """Learn from a slice how fast mail is sent and which batches are slow."""
        finished = sum(item.finished.bit_count() for item in outcomes)
        late, seconds, waited = len(guard.late), boottime() - opened_at, guard.waited
        if self.is_slow:
            self.pace.learn(finished, seconds, late=late, waited=waited)
        elif not late:
            self.pace.learn(finished, seconds)
        else:
            self.deliverer.slow_pace.learn(finished, seconds, late=late, waited=waited)
            if finished > late:
                self.pace.learn(finished - late, seconds - waited)
        self.deliverer.slow.learn({item.claim.batch_id for item in outcomes if item.finished}, slow)

    def _ask_gate(self, pieces: list[Slice]) -> list[Slice]:
        """Look: put stopped claims aside to be given back, and forget lost ones."""
        gates = self.deliverer.hold.look(pieces)
        allowed = []
        for piece in pieces:
            status = gates.get(piece.claim.parcel_id)
            if status is GateStatus.OPEN:
                allowed.append(piece)
                continue
            del self.open[piece.claim.parcel_id]
            if status is not None:
                self.stopped.append(piece.claim)
        return allowed

    def _compose(
        self, message_ids: Iterable[int], date: bytes, *, until: float
    ) -> tuple[dict[int, Envelope], list[Result]]:
        """Return the envelopes to hand over, by message id, and the results of messages that cannot be composed.

        A slice is composed before it is sent: what goes beyond `SLICE_BYTES`, or is not composed `until` then, stays
        for the next one.
        """
        envelopes: dict[int, Envelope] = {}
        results: list[Result] = []
        room = SLICE_BYTES
        for done, message_id in enumerate(message_ids):
            is_timed = done and (done < TIMED_MESSAGES or done % TIMED_MESSAGES == 0)
            if room <= 0 or (is_timed and boottime() >= until):
                break
            try:
                envelope = self._compose_one(message_id, date)
            except (DatabaseError, InterfaceError):
                # No message's fault, and none is begun: the slice ends empty, and all of it stays to be sent.
                log.warning("slice cannot be composed: the database is away")
                connection.close()
                return {}, []
            except (SoftTimeLimitExceeded, MemoryError):
                raise
            except Exception as error:
                log.error("message cannot be composed", message=message_id, error=trace_of(error))
                self.dropped.pop(message_id, None)
                results.append(Result(message_id, (Refused(f"cannot be composed: {type(error).__name__}"),)))
                continue
            room -= len(envelope.data)
            if envelope.recipients:
                envelopes[message_id] = envelope
            elif message_id in self.dropped or message_id in self.cargo.earlier:
                results.append(Result(message_id, ()))
            else:
                results.append(Result(message_id, (Refused("no recipient is left"),)))
        return envelopes, results

    def _compose_one(self, message_id: int, date: bytes) -> Envelope:
        mail_id, recipient, personal = self.cargo.messages[message_id]
        composer = self.deliverer.composers.get(mail_id)
        earlier = self.cargo.earlier.get(message_id)
        skip = earlier.finished if earlier else frozenset()
        if message_id in self.cargo.suppressed:
            skip |= self._drop(message_id, composer.mail, skip)
        envelope = composer.compose(message_id, recipient, personal, date=date, skip=skip)
        return envelope._replace(is_part=True) if skip else envelope

    def _drop(self, message_id: int, mail: Mail, finished: frozenset[str]) -> frozenset[str]:
        """Return the recipients of a message who do not get it because of a suppression."""
        dropped = {
            recipient: Dropped(reason)
            for recipient, found in self.cargo.suppressed[message_id].items()
            if recipient not in finished and (reason := reason_to_drop(found, mail))
        }
        if dropped:
            self.dropped[message_id] = dropped
        return frozenset(dropped)

    def _with_dropped(self, result: Result, recipients: tuple[str, ...]) -> tuple[Result, tuple[str, ...]]:
        """Return the result of a message with the outcomes of those who do not get it."""
        dropped = self.dropped[result.message_id]
        return Result(result.message_id, (*result.outcomes, *dropped.values())), (*recipients, *dropped)

    def _record(self, outcomes: list[Outcomes]) -> None:
        """Record, through a lost connection if need be: recording twice is harmless, not recording is doubt."""
        until = boottime() + RECORD_PATIENCE_SECONDS
        while True:
            try:
                lost = record_slice(outcomes)
                break
            except (OperationalError, InterfaceError):
                if boottime() > until:
                    raise
                log.warning("record will be tried again")
                connection.close()
                time.sleep(0.1)
        for claim in [*lost, *(item.claim for item in outcomes if not item.claim.members)]:
            self.open.pop(claim.parcel_id, None)


def end_retries(result: Result, claim: Claim) -> Result:
    """Return the result in which a temporary failure after the message's end of life is final."""
    if RetryAt not in map(type, result.outcomes):
        return result
    if database_now() < claim.send_at + dt.timedelta(seconds=settings.RETRY_LIMIT_SECONDS):
        return result
    outcomes = (
        Refused(f"given up: {outcome.reply}") if isinstance(outcome, RetryAt) else outcome
        for outcome in result.outcomes
    )
    return Result(result.message_id, tuple(outcomes))


def cut_slice(claims: Collection[Claim], size: int) -> list[Slice]:
    """Return the next `size` messages of these claims, as bounds in each parcel.

    A rest that would make half a slice of its own goes with them.
    """
    left = sum(claim.members.bit_count() for claim in claims)
    size = left if left <= size * 1.5 else size
    pieces: list[Slice] = []
    for claim in claims:
        members = bits(claim.members)[:size]
        if members:
            pieces.append(Slice(claim, members[0], members[-1] + 1))
            size -= len(members)
        if size <= 0:
            break
    return pieces


def message_ids_of(piece: Slice) -> list[int]:
    """Return the messages of a slice that are still to be sent."""
    first = piece.claim.first_message_id
    return [first + n for n in bits(piece.claim.members) if piece.start <= n < piece.end]


class SliceGuard:
    """The gate as the transport sees it during one slice (see `mailer/transports/base.py`)."""

    def __init__(self, hold: Hold, note: HandoverNote, parcel_ids: list[int], opened_at: float) -> None:
        self._hold = hold
        self.note_begun = note.note_begun
        self._note = note
        self._parcel_ids = parcel_ids
        self._deadline = opened_at + settings.SLICE_DEADLINE_SECONDS
        self._stop_seen_at: float | None = None
        self.is_closed = False
        self.composed_until = opened_at + settings.SLICE_DEADLINE_SECONDS / 2
        """The other half is for the first messages to be begun."""
        self._taken_from: float | None = None
        self._is_long = False
        self._quiet_since: float | None = None
        """The first poll since the last result."""
        self._silent_since: float | None = None
        """The beginning of the first silence of `LONG_SECONDS`."""
        self.late: list[int] = []
        """The messages that came after it: the first of them took as long at least."""

    def may_begin(self) -> bool:
        """Within the deadline, on a clock that runs on while this process is suspended, and no stop seen."""
        if boottime() >= self._deadline:
            self.is_closed = True
        return not self.is_closed

    def may_take(self) -> bool:
        """Return whether fewer than `LONG_SECONDS` have passed since the first question, as the polls see it.

        To read the clock costs too much here. What comes to the slow end of a slice goes with the next one.
        """
        if self._taken_from is None:
            self._taken_from, self._quiet_since = time.monotonic(), None
        return not self._is_long

    def note_result(self, result: Result) -> None:
        """Note it, and whether it came late."""
        self._quiet_since = None
        if self._silent_since is not None:
            self.late.append(result.message_id)
        self._note.note_result(result)

    def _mind_the_time(self) -> None:
        """Note how long the peer has been silent: a silence begins at the first poll after a result.

        A process that had no CPU for a while hears the results that lie there before it polls, so it does not take its
        own silence for the peer's.
        """
        now = time.monotonic()
        if self._taken_from is None:
            return
        self._is_long = now - self._taken_from >= LONG_SECONDS
        if self._quiet_since is None:
            self._quiet_since = now
        elif now - self._quiet_since >= LONG_SECONDS and self._silent_since is None:
            self._silent_since = self._quiet_since

    @property
    def waited(self) -> float:
        """Seconds since the silence began before the late messages; 0 without any."""
        return 0.0 if self._silent_since is None else time.monotonic() - self._silent_since

    def poll(self) -> Signal:
        """Look again. A database that does not answer closes the slice; answers that are out are waited for.

        A look that finds everything open is as good as the one before the slice, so the deadline moves on with it: a
        big message to a slow peer takes longer than one.
        """
        self._mind_the_time()
        looked_at = boottime()
        try:
            gates = self._hold.glance(self._parcel_ids)
        except DatabaseError:
            self.is_closed = True
            connection.close()
            return Signal.GO_ON
        if any(gates.get(parcel) is not GateStatus.OPEN for parcel in self._parcel_ids):
            self.is_closed = True
            self._stop_seen_at = self._stop_seen_at or boottime()
            if boottime() - self._stop_seen_at >= STOP_PATIENCE_SECONDS:
                return Signal.GIVE_UP
        else:
            self._deadline = looked_at + settings.SLICE_DEADLINE_SECONDS
        return Signal.GO_ON

    def wakeup_fileno(self) -> int | None:
        """Return the descriptor of the database connection, on which a stop's NOTIFY arrives."""
        session = connection.connection
        return None if session is None or session.closed else int(session.fileno())


def listen_for_stops() -> None:
    """LISTEN on this process's connection, once for each; through a pooler that cannot, the polls see stops later."""
    connection.ensure_connection()
    session: Any = connection.connection
    if getattr(session, "listens_for_stops", False):
        return
    with connection.cursor() as cursor:
        cursor.execute(f"listen {STOP_CHANNEL}")
    session.add_notify_handler(lambda _: None)
    session.listens_for_stops = True


class ComposerCache:
    """The composers of the mails in work, the least recently used given up beyond `COMPOSER_CACHE_BYTES`."""

    def __init__(self) -> None:
        self._composers: OrderedDict[int, tuple[Composer, int]] = OrderedDict()
        self._bytes = 0

    def get(self, mail_id: int) -> Composer:
        """Return the composer of a mail, by id."""
        if mail_id in self._composers:
            self._composers.move_to_end(mail_id)
            return self._composers[mail_id][0]
        composer = Composer(
            Mail.objects.get(pk=mail_id),
            message_id_domain=settings.MESSAGE_ID_DOMAIN,
            public_url=settings.PUBLIC_URL,
        )
        self._composers[mail_id] = (composer, composer.size)
        self._bytes += composer.size
        while self._bytes > COMPOSER_CACHE_BYTES and len(self._composers) > 1:
            self._bytes -= self._composers.popitem(last=False)[1][1]
        return composer
