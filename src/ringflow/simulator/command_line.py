"""How Asterisk takes text apart: AGI command lines, arguments of applications, and their options.

Each follows the source it is named after, with its oddities, because Ringflow's quoting has to survive them.
"""

from __future__ import annotations

from collections.abc import Iterator

MAX_WORDS = 127
"""`MAX_ARGS - 1` of res_agi.c."""


def split_command(line: str) -> list[str]:
    """The words of an AGI command line (`parse_args` in res/res_agi.c).

    Quotes group, a backslash takes the next character as it is, inside quotes too. A quote in mid-word
    neither begins nor ends a word.
    """
    words: list[str] = []
    quoted = escaped = False
    between = True
    for character in line:
        if character == '"' and not escaped:
            quoted = not quoted
            if quoted and between:
                words.append("")
                between = False
        elif character in " \t" and not quoted and not escaped:
            between = True
        elif character == "\\" and not escaped:
            escaped = True
            continue
        else:
            if between:
                if len(words) >= MAX_WORDS:
                    break
                words.append("")
                between = False
            words[-1] += character
        escaped = False
    return words


def split_arguments(text: str) -> list[str]:
    """The arguments of an application (`AST_STANDARD_APP_ARGS`): commas in brackets do not split."""
    if not text:
        return []
    arguments = [""]
    depth = 0
    quoted = escaped = False
    for character in text:
        if escaped:
            arguments[-1] += character
            escaped = False
        elif character == "\\":
            escaped = True
        elif character == '"':
            quoted = not quoted
        elif character == "," and depth == 0 and not quoted:
            arguments.append("")
        else:
            depth += (character in "([") - (character in ")]" and depth > 0)
            arguments[-1] += character
    return arguments


def split_options(text: str) -> dict[str, str]:
    """Options by letter, with what stands in brackets after each (`ast_app_parse_options`)."""
    return dict(_options(text))


def _options(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(text):
        letter, at = text[at], at + 1
        value = ""
        if at < len(text) and text[at] == "(":
            end = _closing(text, at)
            value, at = text[at + 1 : end], end + 1
        yield letter, value


def _closing(text: str, opening: int) -> int:
    depth = 0
    for at in range(opening, len(text)):
        depth += (text[at] == "(") - (text[at] == ")")
        if depth == 0:
            return at
    return len(text)
