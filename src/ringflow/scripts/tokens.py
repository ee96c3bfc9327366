"""JavaScript's tokens, as far as telling `import` and `export` from the same letters in texts asks for.

Whether `/` divides or begins a regular expression depends on what stands before it: after a value it divides.
After `)` and `}` that takes a parser to know for certain. Here a `)` that closes the head of `if`, `while`,
`for` or `with`, and a `}` that closes a block, are followed by an expression (ECMA-262, 12.9.5 and A.1).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""(?P<space>[\s\ufeff]+|//[^\n\r\u2028\u2029]*|/\*.*?\*/)
    |(?P<word>[A-Za-z_$\u0080-\U0010ffff\\#][\w$\u0080-\U0010ffff\\]*)
    |(?P<number>\.?\d(?:[eE][+-]|[\w.])*)
    |(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<mark>=>|\.\.\.|\+\+|--|&&|\|\||\?\?|\?\.|[-+*/%&|^!=<>]=+|[{}()\[\];,<>+\-*/%&|^!~?:=.@`])""",
    re.VERBOSE | re.DOTALL,
)
_REGEX = re.compile(r"/(?:[^\[/\\\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[A-Za-z]*")
_TEMPLATE_PART = re.compile(r"(?:[^`\\$]|\\.|\$(?!\{))*", re.DOTALL)
_BEFORE_EXPRESSION = frozenset(
    [
        "return",
        "typeof",
        "instanceof",
        "in",
        "of",
        "new",
        "delete",
        "void",
        "throw",
        "case",
        "do",
        "else",
        "await",
        "yield",
        "default",
        "export",
    ]
)
_HEADS = frozenset({"if", "while", "for", "with"})


@dataclass(frozen=True, slots=True)
class Token:
    """A token that is neither space nor comment. `depth`: how many brackets are open around it."""

    kind: str
    text: str
    start: int
    depth: int

    @property
    def end(self) -> int:
        """Where the next character stands."""
        return self.start + len(self.text)


def tokens(source: str) -> Iterator[Token]:
    """Return the tokens of a script, up to the first character that begins none."""
    at = 0
    open_marks: list[str] = []
    previous: Token | None = None
    value_before = False
    while at < len(source):
        if (
            source[at] == "/"
            and not value_before
            and (found := _REGEX.match(source, at))
            and not _is_comment(source, at)
        ):
            last = Token("regex", found[0], at, len(open_marks))
        elif found := _TOKEN.match(source, at):
            if found.lastgroup == "space":
                at = found.end()
                continue
            last = Token(found.lastgroup or "", found[0], at, len(open_marks))
        else:
            return
        at = last.end
        text = last.text
        if text == "`":
            at, closed = _template(source, at)
            if not closed:
                open_marks.append("${")
            value_before = closed
        elif text in "([{" and last.kind == "mark":
            open_marks.append(_opened(text, previous, value_before))
            value_before = False
        elif text in ")]}" and last.kind == "mark":
            opened = open_marks.pop() if open_marks else ""
            last = Token("mark", text, last.start, len(open_marks))
            value_before = opened not in ("head", "block")
            if opened == "${":
                at, closed = _template(source, at)
                if not closed:
                    open_marks.append("${")
                value_before = closed
        elif last.kind == "mark":
            value_before = text in ("++", "--") and value_before
        else:
            value_before = not (last.kind == "word" and text in _BEFORE_EXPRESSION)
        yield last
        previous = last


def _is_comment(source: str, at: int) -> bool:
    return source[at + 1 : at + 2] in ("/", "*")


def _template(source: str, at: int) -> tuple[int, bool]:
    """Return where a template's text ends, and whether the template does: else `${` follows."""
    part = _TEMPLATE_PART.match(source, at)
    end = part.end() if part else at
    return (end + 2, False) if source.startswith("${", end) else (end + 1, True)


def _opened(mark: str, previous: Token | None, value_before: bool) -> str:
    if mark == "(":
        return "head" if previous is not None and previous.text in _HEADS else "("
    if mark == "{" and (
        previous is None or value_before or previous.text in ("{", "}", ";", ")", "=>", "else", "do")
    ):
        return "block"
    return mark
