"""The trust folder as the operator states it: for `trust`, `/trust/…` and the copy in a bundle
(docs/spec/bundle.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding

from ledger.attest.authorities import DEVELOPMENT_NAME, Anchors
from ledger.attest.development_tsa import DevelopmentAuthority
from ledger.errors import ConfigError, LedgerError
from ledger.note.keys import VerifierKey
from ledger.note.policy import NO_QUORUM, Policy, PolicyLog, format_policy, parse_policy

_POLICY_MAX: Final = 1024 * 1024


def read_policy(path: Path | None, vkeys: Sequence[VerifierKey]) -> Policy:
    """The operator's policy with this log's keys in it.

    Raises ConfigError for a file that cannot be read, or one that asks for witnesses: this version asks none, and a
    quorum that nobody collects would mean that no checkpoint is ever published.
    """
    own = tuple(PolicyLog(key, None) for key in vkeys)
    if path is None:
        return Policy(logs=own)
    try:
        with path.open("rb") as file:
            policy = parse_policy(file.read(_POLICY_MAX + 1))
    except OSError as error:
        raise ConfigError(f"read the policy: {error.strerror}", str(path)) from error
    except LedgerError as error:
        raise ConfigError(f"read the policy: {error}", str(path)) from error
    if policy.quorum != NO_QUORUM:
        raise ConfigError("read the policy: this version asks no witnesses; expected `quorum none`", str(path))
    others = tuple(log for log in policy.logs if log.vkey not in vkeys)
    return Policy(own + others, policy.witnesses, policy.groups, policy.quorum)


def trust_files(policy: Policy, development: DevelopmentAuthority, anchors: Mapping[str, Anchors]) -> dict[str, bytes]:
    """Relative name to bytes. The development authority stands under `tsa-operator/` only: it proves nothing."""
    files = {
        "policy": format_policy(policy),
        f"tsa-operator/{DEVELOPMENT_NAME}.pem": development.root.public_bytes(Encoding.PEM),
    }
    return files | {f"tsa/{name}.pem": anchor.pem for name, anchor in anchors.items()}
