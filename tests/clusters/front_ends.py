"""A log on PostgreSQL with front ends on several data folders, as if each were a machine of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ledger.config import Settings, load_settings
from ledger.upkeep.fsck import fsck
from ledger.upkeep.initialise import initialise
from tests.api.serve.process import Server, make_ledger, serving
from tests.clusters.clients import Clients
from tests.crashes.told import Told, check_told


@dataclass
class FrontEnds:
    """`settings`: of each front end, the first of which made the log. `clients`: of them all."""

    settings: list[Settings]
    servers: list[Server]
    clients: Clients

    def stop(self) -> None:
        for each in self.servers:
            assert each.stop()[0] == 0, each.log.read_text()

    def check(self) -> None:
        """Everything that anybody was told holds, nothing is there twice, and the whole log is sound. For stopped
        front ends.
        """
        told = self.clients.told
        held = check_told(self.settings[0], told)
        assert held.lengths[self.clients.case] == 1 + len(told.answers)
        for each in self.settings:  # each with the checkpoint that it kept itself
            assert list(fsck(each)) == []


def join(first: Settings, data: Path, checkpoint: bytes) -> Settings:
    """Another machine's front end: the keys, and a checkpoint that is known to be true, were carried to it."""
    data.mkdir()
    shutil.copytree(first.data / "keys", data / "keys")
    (data / "true").write_bytes(checkpoint)
    given = {"origin": first.origin, "database": first.database, "tsa_interval": first.tsa_interval}
    initialise(load_settings(data, given, {}), join=True, accept_checkpoint=data / "true")
    return load_settings(data, {}, {})


@contextmanager
def front_ends(folder: Path, database: str, *, workers: int, **options: object) -> Iterator[FrontEnds]:
    """Two front ends of so many processes each, with a case and nobody anchoring yet."""
    made, token = make_ledger(folder / "first", database=database, **options)
    first = load_settings(made.data, {}, {})
    with ExitStack() as stack:
        servers = [stack.enter_context(serving(first.data, workers))]
        case = str(servers[0].call("POST", "/api/v1/cases", token, {"title": "Together"})[1]["case"])
        second = join(first, folder / "second", (first.data / "kept-checkpoint").read_bytes())
        servers.append(stack.enter_context(serving(second.data, workers)))
        clients = Clients([each.port for each in servers], token, case, Told.of(first))
        yield FrontEnds([first, second], servers, clients)
