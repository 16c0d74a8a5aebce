"""The program `evidence-verify` (docs/spec/verification.md, "The program"; docs/spec/casework.md)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from verifier.command import answer, demand, standing, verify
from verifier.command.console import EXIT_CONTRADICTED, EXIT_INTERRUPTED, EXIT_UNREADABLE, say
from verifier.errors import Unreadable
from verifier.interface import Contradicted
from verifier.printable import printable
from verifier.result import Verdict
from verifier.server import Unreachable

_COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "verify": verify.run,
    "demand": demand.run,
    "answer": answer.run,
    "standing": standing.run,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit status. Without a command's name as first word it verifies."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    run = _COMMANDS.get(arguments[0]) if arguments else None
    if run is not None:
        del arguments[0]
    try:
        return (run or verify.run)(arguments)
    except SystemExit as leaving:  # argparse has said what it had to: 0 after --help and --version, else 2
        return leaving.code if isinstance(leaving.code, int) else EXIT_UNREADABLE
    except (Unreadable, Unreachable) as error:
        say(printable(str(error)))
        return EXIT_UNREADABLE
    except Contradicted as error:
        say(printable(str(error)))
        return EXIT_CONTRADICTED
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except Exception as error:  # the steps guard themselves; whatever else fails must not look like a verdict
        say(printable(f"the verifier fails with {type(error).__name__}: {error}"))
        return Verdict.NOT_VERIFIED.exit_status


if __name__ == "__main__":
    sys.exit(main())
