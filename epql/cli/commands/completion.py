"""`epql completion SHELL`: a script that makes the Tab key complete commands, options, names."""

from __future__ import annotations

import argparse

SHELLS = ("bash", "zsh", "fish")
EXAMPLES = (
    ('eval "$(epql completion bash)"', "in ~/.bashrc"),
    ("epql completion zsh > _epql", "in a folder of $fpath, before compinit"),
    ("epql completion fish > epql.fish", "in ~/.config/fish/completions"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=SHELLS, help="for which shell")


def run(arguments: argparse.Namespace) -> int:
    from argcomplete.shell_integration import shellcode

    print(shellcode(["epql"], shell=arguments.shell))
    return 0
