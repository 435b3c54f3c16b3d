"""Completion of the shell's words: `eval "$(studio completion bash)"`."""

from __future__ import annotations

import argparse
from typing import Any

from studio_sdk.cli.words import Verbs

BASH = """_studio() {
  local cur="${COMP_WORDS[COMP_CWORD]}" first="${COMP_WORDS[1]}" words=""
  if [ "$COMP_CWORD" -eq 1 ]; then words="@NOUNS@"; else case "$first" in
@CASES@
  esac; fi
  COMPREPLY=( $(compgen -W "$words" -- "$cur") )
}
complete -o default -F _studio studio
"""
ZSH = "autoload -U +X bashcompinit && bashcompinit\n"


def add(verbs: Verbs, common: argparse.ArgumentParser) -> None:
    made = verbs.add_parser("completion", help="print the shell's completion", parents=[common])
    made.add_argument("shell", choices=("bash", "zsh"))
    made.set_defaults(do=print_completion, nouns=verbs)


def print_completion(given: argparse.Namespace) -> None:
    script = BASH.replace("@NOUNS@", " ".join(given.nouns.choices)).replace("@CASES@", "\n".join(cases(given.nouns)))
    print((ZSH if given.shell == "zsh" else "") + script, end="")


def cases(nouns: Any) -> list[str]:
    found = []
    for name, parser in nouns.choices.items():
        inner = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
        if inner:
            options = sorted({word for verb in inner[0].choices.values() for word in verb._option_string_actions})
            found.append(f'    {name}) words="{" ".join([*inner[0].choices, *options])}" ;;')
    return found
