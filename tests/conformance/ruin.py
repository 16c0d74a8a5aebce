"""Evidence that is told everything worth erasing, and the search for it afterwards: in bytes, and by guessing."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import re
import secrets
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import piexif

from tests.conformance.served import API, Town, members_of
from tests.ledger.extract.pictures import jpeg
from verifier.receipt_number import index_of

ORDER = "ruling 7 of the district court"


def forms(secret: str) -> list[bytes]:
    """A value as it could stand in bytes: plain, in hex, in other encodings, inside base64 at each of three places."""
    raw = secret.encode()
    inside = [base64.b64encode(b"\0" * pad + raw)[4 if pad else 0 : -4] for pad in range(3)]
    return [raw, raw.lower(), raw.hex().encode(), secret.encode("utf-16-le"), raw[::-1], *inside]


def found_in(data: bytes, values: Mapping[str, str]) -> set[str]:
    return {name for name, value in values.items() if any(form in data for form in forms(value))}


def canaries(*names: str) -> dict[str, str]:
    return {name: f"Canary{secrets.token_hex(8)}{name.title()}" for name in names}


def photograph(artist: str, serial: str, comment: str) -> bytes:
    tags = {
        "0th": {piexif.ImageIFD.Artist: artist.encode()},
        "Exif": {
            piexif.ExifIFD.BodySerialNumber: serial.encode(),
            piexif.ExifIFD.UserComment: b"ASCII\0\0\0" + comment.encode(),
        },
    }
    return jpeg(piexif.dump(tags))


def remains(data: Path) -> dict[str, bytes]:
    """Every file that is left of a ledger, or of a server that is running: where it renames one meanwhile (PostgreSQL
    its log's segments), all are read anew, for what it held stands under a name that was passed already.
    """
    while True:
        try:
            paths = sorted(path for path in data.rglob("*") if path.is_file())
            return {str(path.relative_to(data)): path.read_bytes() for path in paths}
        except FileNotFoundError:
            continue


def recover(files: Mapping[str, bytes], target: str, name: str, guesses: list[str]) -> set[str]:
    """Guess a value from its field hash with every salt, and every entry's secret, that stands anywhere in these bytes:
    raw, in hex and in base64.
    """
    recovered: set[str] = set()

    def attempt(salt: bytes) -> None:
        head = f'["{name}","{base64.b64encode(salt).decode()}","'
        for guess in guesses:
            if sha256(b"\0" + f'{head}{guess}"]'.encode()).hexdigest() == target:
                recovered.add(guess)

    message = name.encode()
    for data in files.values():
        texts = [*re.findall(rb"[A-Za-z0-9+/]{22}==", data), *re.findall(rb"[A-Za-z0-9+/]{43}=", data)]
        packed = [decoded for text in texts if (decoded := _decoded(text))]
        packed += [bytes.fromhex(text.decode()) for text in re.findall(rb"(?:[0-9a-f]{2}){16,32}", data)]
        for each in packed:
            attempt(each[:16])
            attempt(hmac.digest(each, message, "sha256")[:16])
        for at in range(len(data) - 15):
            window = data[at : at + 32]
            if window.count(0) > 6:  # neither a salt nor a secret: pages' free space
                continue
            attempt(window[:16])
            if len(window) == 32:
                attempt(hmac.digest(window, message, "sha256")[:16])
    return recovered


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return b""


class Ruin:
    """Evidence with a yes or no, told before its erasure and looked for afterwards."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.values = canaries("author", "artist", "serial", "comment", "filename", "address", "kept")
        case = town.open_case()
        self.file = photograph(self.values["artist"], self.values["serial"], self.values["comment"])
        statement = {
            "metadata": {"author": self.values["author"], "guilty": "yes", "kept": self.values["kept"]},
            "requisites": {"address": self.values["address"]},
        }
        files = {
            "statement": (None, json.dumps(statement).encode()),
            "file": (self.values["filename"] + ".jpg", self.file),
        }
        answer = town.call(
            "aigul", "POST", f"{API}/cases/{case}/evidence", files=files, headers={"Idempotency-Key": "key"}
        )
        self.anchored = answer.json()
        self.case, self.number = case, self.anchored["number"]
        demand = town.post("bekova", f"evidence/{self.number}/demands", {"fields": "all", "grounds": "why"})["demand"]
        town.post("aigul", f"demands/{demand}/disclosure", {})
        bundle = members_of(town.bundle("bekova", self.number))
        folder = f"entries/{index_of(self.number)}/"
        names = json.loads(bundle[f"{folder}fields/0.json"])[2]
        self.names = names
        self.hash = bundle[f"{folder}hashes"].decode().split()[names.index("declared.guilty") + 1]
        self.digest = sha256(self.file).hexdigest()

    def erase(self) -> None:
        kept = ("declared.kept", "submitter.name", "system.policy", "file.media_type")
        fields = [name for name in self.names if name not in kept]
        self.town.post("sot", f"evidence/{self.number}/erasure", {"fields": fields, "order": ORDER})

    def sought(self) -> dict[str, str]:
        """What must be nowhere: values, the file's digest in its two forms, the access code, the entry's secret."""
        gone = {name: value for name, value in self.values.items() if name != "kept"}
        secret = json.loads(json.dumps(self.anchored["receipt"]))["secret"]
        return {**gone, "digest": self.digest, "code": self.anchored["access"], "secret": secret}

    def raw(self) -> list[bytes]:
        return [bytes.fromhex(self.digest), base64.b64decode(self.sought()["secret"]), self.file[20:84]]

    def found(self, files: Mapping[str, bytes]) -> set[tuple[str, str]]:
        found = {(path, name) for path, data in files.items() for name in found_in(data, self.sought())}
        return found | {(path, "raw") for path, data in files.items() if any(each in data for each in self.raw())}
