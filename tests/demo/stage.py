"""Where the story plays: a served ledger, the tenant's access to it, and the trust folder."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.api.cli.running import ServedLedger, succeed
from tests.demo.story import Story
from tests.fakes.openssl_authority import OpensslAuthority

TOKENS_WITHIN_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Stage:
    """`access`: the tenant's environment; `authority`: one that is not the operator, where openssl is here."""

    folder: Path
    served: ServedLedger
    access: Mapping[str, str]
    authority: OpensslAuthority | None

    @property
    def trust(self) -> Path:
        return self.folder / "trust"


def wait_for_tokens(story: Story, access: Mapping[str, str], number: str) -> None:
    """Until a token covers this entry of the account's own."""
    deadline = time.monotonic() + TOKENS_WITHIN_S
    while time.monotonic() < deadline:
        stamps = json.loads(succeed("receipt", number, env=access))["timestamps"]
        # A token recorded before the entry comes with it too; one that covers the entry is waited for.
        if any(int(stamp["stamped"].split("\n")[1]) > int(number[3:13]) for stamp in stamps):
            return
        time.sleep(0.5)
    story.expect(f"{number} is timestamped within {TOKENS_WITHIN_S:.0f} s", False, "no token")
