"""The authorities of this ledger as they lie on disk: the embedded one's key, the configured ones' certificates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ledger.attest.development_tsa import DevelopmentAuthority, DevelopmentMaterial
from ledger.clock import Clock
from ledger.config import AuthoritySetting
from ledger.errors import ConfigError
from ledger.keys.key_folder import DEVELOPMENT_FILES, KeyFolder

DEVELOPMENT_NAME: Final = "development"
"""The name of the embedded authority in `tsa-operator/`, in the timestamps' table and in the status."""


@dataclass(frozen=True, slots=True)
class Anchors:
    """An authority's certificates: the PEM file that readers need, and the same parsed."""

    pem: bytes
    certificates: tuple[x509.Certificate, ...]


def load_development_authority(keys: KeyFolder, clock: Clock) -> DevelopmentAuthority:
    """The embedded authority out of the key folder. Raises ConfigError where a file is missing."""
    key, signer, root = (keys.read(name) for name in DEVELOPMENT_FILES)
    return DevelopmentAuthority(DevelopmentMaterial(key, signer, root), clock.now_ms)


def load_anchors(folder: Path, settings: Sequence[AuthoritySetting]) -> dict[str, Anchors]:
    """`tsa/NAME.pem` of every configured authority: without its roots we could not tell its tokens from another's.

    Raises ConfigError.
    """
    found: dict[str, Anchors] = {}
    for setting in settings:
        path = folder / f"{setting.name}.pem"
        try:
            pem = path.read_bytes()
            certificates = tuple(x509.load_pem_x509_certificates(pem))
        except OSError as error:
            raise ConfigError(f"read an authority's certificates: {error.strerror}", str(path)) from error
        except ValueError as error:
            raise ConfigError("read an authority's certificates: expected PEM certificates", str(path)) from error
        found[setting.name] = Anchors(pem, certificates)
    _check_distinct(found)
    return found


def _check_distinct(anchors: dict[str, Anchors]) -> None:
    """One certificate for two authorities would count one liar twice: readers refuse such a trust folder whole."""
    holders: dict[bytes, str] = {}
    for name, anchor in anchors.items():
        for certificate in anchor.certificates:
            der = certificate.public_bytes(Encoding.DER)
            if der in holders:
                raise ConfigError(
                    "read an authority's certificates: expected each certificate once, got one twice",
                    f"{holders[der]}.pem and {name}.pem",
                )
            holders[der] = name
