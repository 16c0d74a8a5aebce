"""The shape that all commands share: an example in every help, --version everywhere, and the common options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from api.cli import PROGRAM

DATA_DEFAULT: Final = "./data"
SERVER_DEFAULT: Final = "http://127.0.0.1:8080"

Function = TypeVar("Function", bound=Callable[..., Any])
_SETTINGS: Final = {"help_option_names": ["-h", "--help"], "max_content_width": 120}


def _add_version(command: click.Command) -> None:
    click.version_option(package_name=PROGRAM, prog_name=PROGRAM, message="%(prog)s %(version)s")(command)


class Command(click.Command):
    """A command whose help ends with an example."""

    def __init__(self, *args: Any, example: str, **options: Any) -> None:
        options.setdefault("context_settings", _SETTINGS)
        super().__init__(*args, **options)
        _add_version(self)
        self.example = example

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _write_example(self.example, formatter)


class Group(click.Group):
    """A group of commands whose help ends with an example."""

    command_class = Command

    def __init__(self, *args: Any, example: str, **options: Any) -> None:
        options.setdefault("context_settings", _SETTINGS)
        super().__init__(*args, **options)
        _add_version(self)
        self.example = example

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _write_example(self.example, formatter)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which they were added: what belongs together stands together."""
        return list(self.commands)


class LazyGroup(Group):
    """A group whose commands are imported when they are asked for: none waits for what the others need."""

    def __init__(self, *args: Any, places: Mapping[str, str], **options: Any) -> None:
        """`places`: each command's module, which has it under its own name."""
        super().__init__(*args, **options)
        self._places = places

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self._places and cmd_name not in self.commands:
            self.add_command(getattr(import_module(self._places[cmd_name]), cmd_name))
        return super().get_command(ctx, cmd_name)


def _write_example(example: str, formatter: click.HelpFormatter) -> None:
    with formatter.section("Example"):
        for line in example.splitlines():
            formatter.write(f"{' ' * formatter.current_indent}{line}\n")


def command(name: str, short_help: str, example: str) -> Callable[[Callable[..., Any]], Command]:
    """A subcommand called `name`."""
    return click.command(name=name, cls=Command, short_help=short_help, example=example)


def group(name: str, example: str) -> Callable[[Callable[..., Any]], Group]:
    """A subcommand called `name` that has subcommands itself."""
    return click.group(name=name, cls=Group, example=example)


def data_option(function: Function) -> Function:
    """--data DIR, given to the command as `data`."""
    return click.option(
        "--data",
        envvar="EVIDENCE_LEDGER_DATA",
        show_envvar=True,
        default=DATA_DEFAULT,
        show_default=True,
        metavar="DIR",
        type=click.Path(file_okay=False, path_type=Path),
        help="The ledger's folder.",
    )(function)


def json_option(function: Function) -> Function:
    """--json, given to the command as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of the result alone.")(function)


def server_options(function: Function) -> Function:
    """--server URL and --token TOKEN, given to the command as `server` and `token`."""
    function = click.option(
        "--token",
        envvar="EVIDENCE_LEDGER_TOKEN",
        show_envvar=True,
        metavar="TOKEN",
        help="Who you are. Other users of this machine can see options; the variable they cannot.",
    )(function)
    return click.option(
        "--server",
        envvar="EVIDENCE_LEDGER_SERVER",
        show_envvar=True,
        default=SERVER_DEFAULT,
        show_default=True,
        metavar="URL",
        help="The ledger's address.",
    )(function)


def output_option(help_text: str) -> Callable[[Function], Function]:
    """-o PATH or --out PATH, given to the command as `out`."""
    return click.option("-o", "--out", metavar="FILE", type=click.Path(path_type=Path), help=help_text)


def pairs(_context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """`name=value` options as a dictionary. A value may hold further `=`; a name given twice is refused."""
    found: dict[str, str] = {}
    for text in values:
        name, separator, value = text.partition("=")
        if not separator or not name:
            raise click.BadParameter(f"expected name=value, got {text!r}", param=parameter)
        if name in found:
            raise click.BadParameter(f"{name!r} is given twice", param=parameter)
        if not _is_text(text):
            raise click.BadParameter("expected valid utf-8", param=parameter)
        found[name] = value
    return found


def relations(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, list[str]]:
    """`name=number` options as a dictionary of lists: a name may be given again."""
    found: dict[str, list[str]] = {}
    for text in values:
        for name, number in pairs(context, parameter, (text,)).items():
            found.setdefault(name, []).append(number)
    return found


def _is_text(argument: str) -> bool:
    """False for bytes that are no UTF-8; Python hands them over as lone surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in argument)
