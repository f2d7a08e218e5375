"""Pages of kan-sweep: every command with its arguments and options, and all keys of a specification."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import typer

from sweeps.cli import app
from sweeps.spec import spec_reader

#: The files that pages of the reference include.
FILES = ("commands.md", "specification.md")


def write(folder: Path) -> None:
    """Write a section for every command, and a specification with all keys, into files of a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in zip(FILES, (command_line(), specification()), strict=True):
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def specification() -> str:
    """The specification with all keys that the reader of specifications describes, as a block of TOML."""
    described = (spec_reader.__doc__ or "").split("::\n", 1)[1]
    lines = [line for line in described.splitlines() if not line.strip() or line.startswith("    ")]
    return "\n".join(["```toml", textwrap.dedent("\n".join(lines)).strip(), "```", ""])


def commands() -> dict[str, Any]:
    """The commands of kan-sweep by name, as typer has put them together."""
    group: Any = typer.main.get_command(app)
    return dict(group.commands)


def command_line() -> str:
    """All commands, in Markdown: a table of them, then a section each."""
    lines = ["| command | what it does |", "| --- | --- |"]
    for name, command in commands().items():
        lines.append(f"| [`{name}`](#kan-sweep-{name}) | {_first_sentence(command.help)} |")
    for name, command in commands().items():
        lines += ["", *_section(name, command)]
    return "\n".join([*lines, ""])


def _first_sentence(text: str) -> str:
    return " ".join(text.split("\n\n")[0].split())


def _section(name: str, command: Any) -> list[str]:
    """One command: how it is called, what it does, its arguments, and its options group by group."""
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option" and not p.hidden]
    called = [_argument(p) for p in arguments]
    lines = [f"(kan-sweep-{name})=", "", f"## kan-sweep {name}", "", "```text"]
    lines += [" ".join(["kan-sweep", name, *called, *(["[OPTIONS]"] if options else [])]), "```", ""]
    lines += [_first_sentence(command.help), "", *_examples(command.help)]
    rows = [(f"`{_argument(p)}`", p.help or "", "") for p in arguments]
    lines += _table("argument", rows) if rows else []
    for group in dict.fromkeys(p.rich_help_panel or "" for p in options):
        members = [p for p in options if (p.rich_help_panel or "") == group]
        lines += [f"**{group or 'Options'}**", "", *_table("option", [_option(p) for p in members])]
    return lines


def _examples(text: str) -> list[str]:
    """The examples that the help of a command has after its first paragraph; other text as it is."""
    lines: list[str] = []
    for paragraph in text.split("\n\n")[1:]:
        words = " ".join(paragraph.split()).removeprefix("Examples:").removeprefix("Example:").strip()
        lines += ["```sh", words, "```", ""] if words.startswith("kan-sweep") else [words, ""]
    return lines


def _argument(parameter: Any) -> str:
    name = parameter.metavar or parameter.name.upper()
    name += "..." if parameter.nargs == -1 else ""
    return name if parameter.required else f"[{name}]"


def _option(parameter: Any) -> tuple[str, str, str]:
    """Names of an option with what follows it, what it does, and its default where it has one."""
    value = "" if parameter.is_flag else f" {parameter.metavar or 'VALUE'}"
    # a bar ends a cell of a table even within code
    names = ", ".join(f"`{name}{value}`".replace("|", "\\|") for name in parameter.opts)
    if parameter.secondary_opts:
        names += " / " + ", ".join(f"`{name}`" for name in parameter.secondary_opts)
    default = parameter.default
    shown = "" if default is None or callable(default) or isinstance(default, bool) else f"`{default}`"
    return names, parameter.help or "", shown


def _table(what: str, rows: list[tuple[str, str, str]]) -> list[str]:
    lines = [f"| {what} | | default |", "| --- | --- | --- |"]
    lines += [f"| {name} | {text.replace('|', chr(92) + '|')} | {default} |" for name, text, default in rows]
    return [*lines, ""]
