"""Which exits a script names, as far as its text shows it without a run.

A script says by which exit a slot ends with `data.exit = 'sold'` or `{ exit: 'sold' }`. Where the exit is
worked out of something else, the text does not tell which there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ringflow.scripts.script import Place, Script
from ringflow.scripts.tokens import Token, tokens

EXIT_FIELD = "exit"
_BEFORE_A_CHOICE = frozenset({"=", ":", "?", "??", "||", "&&", "("})
_CHOOSING = frozenset({"?", ":", "??", "||", "&&", "(", ")"})


@dataclass(frozen=True, slots=True)
class ExitNames:
    """`named` are the exits that stand there as texts, each with its first place.

    `is_open`: an exit is worked out of something else too, so there may be further ones.
    """

    named: Mapping[str, Place]
    is_open: bool


def exit_names(script: Script) -> ExitNames:
    """Return the exits that a script names, with its modules."""
    found: dict[str, Place] = {}
    is_open = False
    every = list(tokens(script.source))
    for at in range(len(every)):
        if not _sets_exit(every, at):
            continue
        chosen, is_whole = _choices(every, at + 2)
        is_open |= not is_whole
        for one in chosen:
            found.setdefault(one.text[1:-1], script.place_at_offset(one.start))
    return ExitNames(found, is_open)


def _sets_exit(every: list[Token], at: int) -> bool:
    """Whether a token is the field's name before its value: `.exit =`, `exit:`, `'exit':`."""
    if at + 2 >= len(every):
        return False
    word, mark = every[at], every[at + 1]
    before = every[at - 1].text if at else ""
    if word.kind == "word" and word.text == EXIT_FIELD:
        return (mark.text == "=" and before == ".") or (mark.text == ":" and before in ("{", ","))
    is_key = word.kind == "text" and word.text[1:-1] == EXIT_FIELD and mark.text == ":"
    return is_key and before in ("{", ",")


def _choices(every: list[Token], at: int) -> tuple[list[Token], bool]:
    """Return the texts that a value may be, and whether it can be nothing else.

    `sold ? 'gold' : 'none'` is one of two texts. Its condition may be anything.
    """
    end, questions = at, 0
    while end < len(every):
        token = every[end]
        if token.depth < every[at].depth or (token.depth == every[at].depth and token.text in (",", ";")):
            break
        if end > at and _begins_anew(every[end - 1], token):
            break
        questions += token.text == "?" and token.depth == every[at].depth
        end += 1
    value = every[at:end]
    texts = [
        token
        for index, token in enumerate(value)
        if token.kind == "text"
        and (index == 0 or value[index - 1].text in _BEFORE_A_CHOICE)
        and (index + 1 == len(value) or value[index + 1].text in _CHOOSING)
        and not (index + 1 < len(value) and value[index + 1].text == "?")
        and not (index > 1 and value[index - 1].text == "(" and value[index - 2].kind == "word")
    ]
    if not questions:
        return texts, len(value) == 1 and len(texts) == 1
    return texts, len(texts) == questions + 1


def _begins_anew(before: Token, token: Token) -> bool:
    """Whether a statement ends between two tokens though no semicolon stands there."""
    ends = before.kind in ("text", "number") or before.text in (")", "]")
    return ends and token.kind == "word" and token.text not in ("in", "instanceof")
