"""Sign a committed head, keep the checkpoint outside the database, store it: in this order, always."""

from __future__ import annotations

from threading import Lock

from ledger.clock import Clock
from ledger.commit.kept_checkpoint import KeptCheckpoint
from ledger.errors import SignatureError
from ledger.note.checkpoint import Checkpoint, check_checkpoint, format_checkpoint, sign_checkpoint
from ledger.note.cosignature import check_cosignature
from ledger.note.keys import Ed25519Signer, MLDSA44Signer, VerifierKey
from ledger.note.signed_note import parse_note
from ledger.store.contracts import LogStore
from ledger.store.log_rows import Head


class CheckpointSigner:
    """The log's two keys, the kept file, and the rule that the ML-DSA line's time never runs backwards."""

    def __init__(
        self, origin: str, ed25519: Ed25519Signer, mldsa: MLDSA44Signer, kept: KeptCheckpoint, clock: Clock
    ) -> None:
        self.origin = origin
        self.kept = kept
        self._ed25519 = ed25519
        self._mldsa = mldsa
        self._clock = clock
        self._last_seconds = 1
        self._lock = Lock()

    @property
    def vkeys(self) -> tuple[VerifierKey, VerifierKey]:
        """The log's verifier keys, Ed25519 first."""
        return self._ed25519.verifier_key, self._mldsa.verifier_key

    def check(self, note: bytes) -> Checkpoint:
        """What a signed note of this log says. Raises SignatureError if one of our two lines is missing or bad."""
        checkpoint = check_checkpoint(note, self.vkeys)
        self._remember(note)
        return checkpoint

    def sign(self, head: Head) -> bytes:
        """The signed note of a head, for `seal`. It may be made before the head is committed, and then must not leave
        this process's memory before it is: of two heads of one size only the committed one may ever have been signed
        in the sight of others.
        """
        return self._sign(Checkpoint(self.origin, head.size, head.root))

    def seal(self, store: LogStore, head: Head, signed: bytes | None = None) -> bytes:
        """Sign a committed head, make the checkpoint durable, publish it. Returns the signed note that stands for this
        size. `signed`: what `sign` gave for this head.

        A crash before the kept file is written leaves an unsigned head; one before the row is stored leaves a kept
        checkpoint that the database does not have. Recovery signs or stores what is missing.
        """
        note = self.sign(head) if signed is None else signed
        if not note.startswith(format_checkpoint(Checkpoint(self.origin, head.size, head.root)).encode() + b"\n"):
            raise SignatureError(f"seal a checkpoint of size {head.size}: the signed note says something else")
        self.kept.advance(note)
        return store.save_checkpoint(head.size, note)

    def _sign(self, checkpoint: Checkpoint) -> bytes:
        with self._lock:
            self._last_seconds = max(self._last_seconds, self._clock.now_ms() // 1000)
            note = sign_checkpoint(checkpoint, self._ed25519, self._mldsa, self._last_seconds)
        # What we cannot verify ourselves must not leave: a fault in memory would otherwise speak in the log's name.
        if check_checkpoint(note, self.vkeys) != checkpoint:
            raise SignatureError("sign a checkpoint: the signed note says something else than the head")
        return note

    def _remember(self, note: bytes) -> None:
        mldsa = self._mldsa.verifier_key
        parsed = parse_note(note)
        for line in parsed.signatures:
            if (line.name, line.key_id) == (mldsa.name, mldsa.key_id):
                with self._lock:
                    self._last_seconds = max(self._last_seconds, check_cosignature(parsed.text, line, mldsa))
