"""Why text is not YAML, in words for its author and at the place that has to be changed.

libyaml reports where it could not go on, in its own words: for a missing quote that is the end of the file.
Here the lines around that place are looked at. What cannot be told with certainty keeps libyaml's words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

import yaml

from ringflow.errors import Problem, ProblemCode

LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_ENTRY = re.compile(r" *((?:- +)*)")
_KEY = re.compile(r"""("[^"]*"|'[^']*'|[^\s"'\[\]{},&*!|>%@`#-][^#]*?) *:(?=\s|$)""")
_CONFLICT = re.compile(r"(<<<<<<<|=======|>>>>>>>)( |$)")
_BLOCK_TEXT = re.compile(r"""(?:^|[\s:-])[|>][0-9+-]*\s*(?:#.*)?$""")
_NO_COLON = re.compile(r"([\w.-]+)(?: *([=;：]) *|:| +)(.*)")
DASHES = "–—−‐‑•"
_PAIRS = {"{": "}", "[": "]"}


class _Words(NamedTuple):
    """Line and column, both from 0, what is wrong there, and what to do."""

    line: int
    column: int
    what: str
    mend: str


class _Position(NamedTuple):
    line: int
    column: int


class _Sign(NamedTuple):
    """A sign of the text that means something to YAML: a bracket, or a quote that its line does not close."""

    text: str
    line: int
    column: int


_Lines: TypeAlias = Sequence[str]


def syntax_problem(text: str, path: str, error: yaml.MarkedYAMLError) -> Problem:
    """The problem for which the YAML parser gave up on `text`, which has no byte order mark."""
    lines = LINE_BREAK.split(text)
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return Problem(path, 0, 0, f"not YAML: {error.problem}", code=ProblemCode.SYNTAX)
    at = _Position(mark.line, mark.column)
    began = error.context_mark
    found = (
        _conflict(lines)
        or _open_quote(lines, at.line)
        or _by_complaint(lines, error.problem or "", at, _Position(began.line, began.column) if began else at)
        or _Words(*at, f"not YAML: {error.problem}", _unfinished(error))
    )
    place = path, found.line + 1, found.column + 1
    return Problem(*place, found.what, found.mend, ProblemCode.SYNTAX)


def _by_complaint(lines: _Lines, complaint: str, at: _Position, began: _Position) -> _Words | None:
    explain = next((one for start, one in _EXPLANATIONS.items() if complaint.startswith(start)), None)
    return explain(lines, at, began) if explain is not None and at.line < len(lines) else None


def _unfinished(error: yaml.MarkedYAMLError) -> str:
    """What of an earlier line was still being read, if anything."""
    began, noticed, context = error.context_mark, error.problem_mark, error.context or ""
    if began is None or noticed is None or began.line >= noticed.line or not context.startswith("while"):
        return ""
    return f"{context} that begins on line {began.line + 1}"


def _conflict(lines: _Lines) -> _Words | None:
    """A conflict that was left by a version control system."""
    for number, line in enumerate(lines):
        if _CONFLICT.match(line):
            return _Words(number, 0, "a merge conflict is left here", f"keep one side, remove `{line[:7]}`")
    return None


def _open_quote(lines: _Lines, last: int) -> _Words | None:
    """The first quote up to line `last` that its own line does not close, though the next one goes on."""
    for sign in _signs(lines):
        if sign.line > last:
            break
        if sign.text in "\"'":
            what = "the quote that begins here is not closed"
            return _Words(sign.line, sign.column, what, f"write {sign.text} at the end of the value")
    return None


def _signs(lines: _Lines) -> Iterator[_Sign]:
    """Every bracket, and every quote that is left open, in order."""
    depth, number, start = 0, 0, 0
    block: int | None = None
    while number < len(lines):
        line = lines[number]
        if not start and block is not None and (not line.strip() or _indent(line) > block):
            number += 1
            continue
        block, column, may_begin = None, start, True
        start = 0
        while column < len(line):
            sign = line[column]
            if sign == "#" and (column == 0 or line[column - 1].isspace() or (depth and may_begin)):
                break
            if sign in "\"'" and may_begin:
                end = _closing(lines, number, column)
                if end is None:
                    yield _Sign(sign, number, column)
                    break
                if end.line > number:
                    number, start = end.line - 1, end.column + 1
                    break
                column, may_begin = end.column + 1, False
                continue
            if (sign in "[{" and (may_begin or depth)) or (sign in "]})" and depth):
                yield _Sign(sign, number, column)
                depth += (sign in "[{") - (sign in "]}")
                may_begin = sign in "[{"
            elif not sign.isspace():
                ends_key = sign == ":" and (line[column + 1 : column + 2] or " ").isspace()
                is_dash = sign == "-" and not line[:column].strip(" -")
                may_begin = ends_key or is_dash or (sign == "," and depth > 0)
            column += 1
        if not depth and _BLOCK_TEXT.search(line):
            block = _indent(line)
        number += 1


def _closing(lines: _Lines, number: int, column: int) -> _Position | None:
    """Where the quote at this place is closed; None if the lines go on as if it had been closed before."""
    quote, first = lines[number][column], number
    column += 1
    while number < len(lines):
        line = lines[number]
        if number > first and line.strip() and (_key(line) or line.lstrip().startswith("- ")):
            return None
        while column < len(line):
            if line[column] == "\\" and quote == '"':
                column += 2
            elif line[column] != quote:
                column += 1
            elif quote == "'" and line[column + 1 : column + 2] == "'":
                column += 2
            else:
                return _Position(number, column)
        number, column = number + 1, 0
    return None


def _second_colon(lines: _Lines, at: _Position, began: _Position) -> _Words | None:
    """`mapping values are not allowed`: at a colon that ends no key of its own."""
    line = lines[at.line]
    if re.match(r" *-[\w\"'{\[]", line):
        return _Words(at.line, _indent(line), "no space follows the dash", f"write `- {line.strip()[1:]}`")
    key = _key(line)
    if key is not None and key.end() - 1 < at.column:
        what = f"the value of `{key[1]}` has a colon and a space in it"
        mend = "put quotes around the value, or begin it on the next line, indented"
        return _Words(at.line, key.start() + len(key[0]) + 1, what, mend)
    before = _content_before(lines, at.line)
    if before is None or key is None:
        return None
    if lines[before].lstrip().startswith("//"):
        return _Words(before, _indent(lines[before]), "a comment does not begin with //", "write #")
    earlier = _key(lines[before])
    if earlier is None:
        return _no_colon(lines, at, _Position(before, _column(lines[before])))
    if _dashes(line) and earlier.string[earlier.end() :].strip():
        what = f"`{earlier[1]}` has its value already, so no list can follow"
        return _Words(at.line, _indent(line), what, f"remove the value on line {before + 1}")
    if key.start() > earlier.start() and earlier.string[earlier.end() :].strip():
        what = f"this line is indented more than line {before + 1}, which has its value already"
        return _Words(at.line, _indent(line), what, f"begin it in column {earlier.start() + 1}")
    return None


def _no_colon(lines: _Lines, at: _Position, began: _Position) -> _Words | None:
    """`could not find expected ':'`: the line where the key began."""
    line, column = lines[began.line], _column(lines[began.line])
    body = re.sub(r"\s#.*", "", line[column:]).rstrip()
    if line.lstrip().startswith("//"):
        return _Words(began.line, _indent(line), "a comment does not begin with //", "write #")
    if (invisible := re.search(r":[^\S ]", body)) is not None:
        where = column + invisible.end() - 1
        return _Words(began.line, where, "this is not an ordinary space", "write a space after the colon")
    read = _NO_COLON.fullmatch(body)
    if read is None:
        after = next((line for line in lines[began.line + 1 :] if line.strip()), "")
        is_key = re.fullmatch(r"[\w.-]+", body) and _indent(after) > column
        mend = f"write `{body}:`" if is_key else "write `key: value`, or `- ` before an entry of a list"
        return _Words(began.line, column, f"no colon follows `{body}`", mend)
    key, value = read[1], read[3]
    mend = f"write `{key}: {value}`" if value else f"write `{key}:`"
    if body[len(key)] == ":":
        return _Words(began.line, column + len(key), f"no space follows the colon of `{key}`", mend)
    return _Words(began.line, column, f"no colon follows `{key}`", mend)


def _misplaced(lines: _Lines, at: _Position, began: _Position) -> _Words | None:
    """`did not find expected key`, `expected '-' indicator`, `expected <document start>`: structure."""
    line, indent = lines[at.line], _indent(lines[at.line])
    rest = line[indent:]
    if rest[:1] and rest[0] in "]}:,*&":
        return _Words(at.line, indent, f"a line cannot begin with {rest[0]}", "remove it")
    if at.column > indent:
        return _after_value(line, at)
    if lines[0].startswith("%"):
        return _Words(0, 0, "a directive of YAML stands here, and no `---` under it", "remove the line")
    if rest[:1] and rest[0] in DASHES:
        return _Words(at.line, indent, f"`{rest[0]}` is not a hyphen", "write - and a space")
    if re.match(r"-[\w\"'{\[]", rest):
        return _Words(at.line, indent, "no space follows the dash", f"write `- {rest[1:].rstrip()}`")
    entry = next((n for n in _contents_before(lines, at.line) if _dashes(lines[n])), None)
    if rest == "-" or rest.startswith("- "):
        return _misplaced_entry(lines, at, began, entry)
    before = _contents_before(lines, at.line)
    entry = next((n for n in before if _dashes(lines[n]) and _indent(lines[n]) == indent), None)
    if entry is not None:
        inner = _column(lines[entry])
        what = f"no `- ` stands before this line, which is in line with the `- ` of line {entry + 1}"
        return _Words(at.line, indent, what, f"write `- ` before it, or begin it in column {inner + 1}")
    columns = _open_columns(lines, at.line)
    if not columns or indent in columns:
        return None
    if min(columns) > indent:
        first = next(iter(reversed(list(_contents_before(lines, at.line)))))
        what = f"this line is indented more than line {at.line + 1}"
        return _Words(first, _indent(lines[first]), what, f"begin it in column {indent + 1}")
    less = max(column for column in columns if column < indent)
    more = [column for column in columns if column > indent]
    what = f"this line begins in column {indent + 1}, where none begins that it could belong to"
    mend = f"begin it in column {' or '.join(str(column + 1) for column in (less, *more[:1]))}"
    return _Words(at.line, indent, what, mend)


def _open_columns(lines: _Lines, number: int) -> list[int]:
    """The columns in which a line may begin, in order: those of the lines that it may go on from."""
    columns: list[int] = []
    for earlier in _contents_before(lines, number):
        columns += [one for one in _columns(lines[earlier]) if not columns or one < columns[-1]]
    return columns[::-1]


def _misplaced_entry(lines: _Lines, at: _Position, began: _Position, entry: int | None) -> _Words | None:
    if entry is None:
        first = lines[began.line][began.column :].rstrip()
        what = f"no `- ` stands before this line, though line {at.line + 1} has one"
        return _Words(began.line, began.column, what, f"write `- {first}`")
    what = "a list entry begins here, where the lines before it go on"
    mend = f"begin it in column {_indent(lines[entry]) + 1}, as line {entry + 1} does, or remove the `- `"
    return _Words(at.line, at.column, what, mend)


def _columns(line: str) -> Iterator[int]:
    """Yield the column where a line's content begins, and then that of the dash of its list entry, if any."""
    yield _column(line)
    if _dashes(line):
        yield _indent(line)


def _after_value(line: str, at: _Position) -> _Words | None:
    """Something stands behind a value that was at its end."""
    before = line[: at.column].rstrip()
    if before[-1:] in ('"', "'"):
        what = "text stands after the closing quote"
        return _Words(at.line, at.column, what, f"put all of it between {_other(before[-1])}")
    if line[at.column] in "]}":
        return _Words(at.line, at.column, f"this `{line[at.column]}` closes nothing", "remove it")
    if before[-1:] in ("]", "}"):
        what = f"text stands after the `{before[-1]}`"
        return _Words(at.line, at.column, what, "text that begins with [ or { needs quotes")
    return None


def _other(quote: str) -> str:
    return '" and "' if quote == "'" else "' and '"


def _brackets(lines: _Lines, at: _Position, began: _Position) -> _Words | None:
    """`did not find expected ',' or '}'` and the like: a bracket or a comma is missing."""
    unclosed = _unclosed(lines)
    if unclosed is not None:
        hidden = re.search(r"[\s\[{,]#", lines[unclosed.line][unclosed.column :])
        mend = (
            "put quotes around the #, which begins a comment" if hidden else f"write {_PAIRS[unclosed.text]}"
        )
        return _Words(unclosed.line, unclosed.column, f"the `{unclosed.text}` here is not closed", mend)
    line = lines[at.line]
    if line[at.column : at.column + 1] == "{" and line[: at.column].endswith("$"):
        reference = re.match(r"\{[^{}]*\}", line[at.column :])
        what = "`${` needs quotes between brackets"
        mend = f'write "${reference[0]}"' if reference else "put quotes around the value"
        return _Words(at.line, at.column - 1, what, mend)
    if line[at.column : at.column + 1] == "{" and (word := re.search(r"[^\s,:]+$", line[: at.column])):
        what = "text with { in it needs quotes between brackets"
        return _Words(at.line, word.start(), what, "put quotes around the value")
    if line[at.column : at.column + 1] == ":" and (word := re.search(r"\S+$", line[: at.column])):
        return _Words(at.line, word.start(), f"no comma stands before `{word[0]}`", "write one")
    sign = line[at.column : at.column + 1]
    if sign in ("]", "}", ":"):
        mend = "remove it, or put quotes around the text"
        return _Words(at.line, at.column, f"text cannot begin with {sign}", mend)
    return _Words(at.line, at.column, "no comma stands before this", "write one") if sign else None


def _unclosed(lines: _Lines) -> _Sign | None:
    """The bracket that is not closed, or is closed by one of the other kind."""
    stack: list[_Sign] = []
    for sign in _signs(lines):
        if sign.text in _PAIRS:
            stack.append(sign)
        elif stack and sign.text in "]}" and _PAIRS[(opened := stack.pop()).text] != sign.text:
            return opened
    return stack[-1] if stack else None


def _first_sign(lines: _Lines, at: _Position, began: _Position) -> _Words | None:
    """`found character that cannot start any token`."""
    line = lines[at.line]
    sign = line[at.column : at.column + 1]
    if sign == "\t":
        return _tab(lines, at, began)
    if line[: at.column].rstrip()[-1:] in ("]", "}"):
        return _after_value(line, at)
    if not sign:
        return None
    variable = re.match(r"%([a-z][a-z0-9_.]*)%", line[at.column :])
    mend = f"for the variable, write ${{{variable[1]}}}" if variable else "put quotes around it"
    return _Words(at.line, at.column, f"text cannot begin with {sign}", mend)


def _tab(lines: _Lines, at: _Position, began: _Position) -> _Words | None:
    return _Words(*at, "a tab stands here", "indent with spaces, not with tabs")


def _star(lines: _Lines, at: _Position, began: _Position) -> _Words | None:
    """An alias (`*`) or an anchor (`&`) of YAML, where text was meant."""
    where = began if lines[began.line][began.column : began.column + 1] in ("*", "&") else at
    word = re.match(r"[^\s,]+", lines[where.line][where.column :])
    if word is None or word[0][0] not in "*&":
        return None
    text = word[0].removesuffix(":")
    colon = word[0][len(text) :]
    return _Words(*where, f"text that begins with {word[0][0]} needs quotes", f'write "{text}"{colon}')


def _escape(lines: _Lines, at: _Position, began: _Position) -> _Words | None:
    escape = lines[at.line][at.column : at.column + 2]
    return _Words(*at, f"`{escape}` means nothing between double quotes", "use single quotes")


def _left_open(lines: _Lines, at: _Position, began: _Position) -> _Words | None:
    """`found unexpected end of stream` in a quote that begins where no value does."""
    quote = lines[began.line][began.column : began.column + 1]
    what, mend = "the quote that begins here is not closed", "remove it, or close it"
    return _Words(*began, what, mend) if quote in ("'", '"') else None


def _percent(lines: _Lines, at: _Position, began: _Position) -> _Words | None:
    return _Words(began.line, began.column, "text cannot begin with %", "remove it, or put quotes around it")


def _needs_quotes(lines: _Lines, at: _Position, began: _Position) -> _Words | None:
    where = began if lines[began.line][began.column : began.column + 1] in (">", "|") else at
    sign = lines[where.line][where.column : where.column + 1]
    return _Words(*where, f"text that begins with {sign} needs quotes", "put quotes around it")


def _tag(lines: _Lines, at: _Position, began: _Position) -> _Words | None:
    """A `!` and a quote behind it: YAML takes the sign for a tag, which ends with a space."""
    if lines[began.line][began.column : began.column + 1] != "!":
        return None
    return _Words(*began, "an ! stands before the quote", "remove it, or put quotes around all of it")


def _entry_in_line(lines: _Lines, at: _Position, began: _Position) -> _Words | None:
    return _Words(*at, "a list does not begin behind its key", "write each `- ` on a line of its own")


def _second_document(lines: _Lines, at: _Position, began: _Position) -> _Words | None:
    return _Words(*at, "a second document begins here", "keep one in a file, and remove `---`")


_Explain: TypeAlias = Callable[[_Lines, _Position, _Position], "_Words | None"]
_EXPLANATIONS: dict[str, _Explain] = {
    "mapping values are not allowed": _second_colon,
    "could not find expected ':'": _no_colon,
    "did not find expected key": _misplaced,
    "did not find expected '-' indicator": _misplaced,
    "did not find expected <document start>": _misplaced,
    "did not find expected ',' or": _brackets,
    "did not find expected node content": _brackets,
    "found character that cannot start any token": _first_sign,
    "found a tab character": _tab,
    "found undefined alias": _star,
    "did not find expected alphabetic or numeric character": _star,
    "found unknown escape character": _escape,
    "did not find expected comment or line break": _needs_quotes,
    "found unexpected end of stream": _left_open,
    "could not find expected directive name": _percent,
    "found unexpected non-alphabetical character": _percent,
    "did not find expected whitespace or line break": _tag,
    "mapping keys are not allowed": _needs_quotes,
    "block sequence entries are not allowed": _entry_in_line,
    "but found another document": _second_document,
}
"""By the beginning of what libyaml says (parser.c, scanner.c, and PyYAML's composer)."""


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _dashes(line: str) -> str:
    read = _ENTRY.match(line)
    return read[1] if read else ""


def _column(line: str) -> int:
    """Where the content of a line begins, behind the dashes of list entries."""
    read = _ENTRY.match(line)
    return read.end() if read else 0


def _key(line: str) -> re.Match[str] | None:
    """The key that a line begins with, and its colon."""
    return _KEY.match(line, _column(line))


def _content_before(lines: _Lines, number: int) -> int | None:
    return next(_contents_before(lines, number), None)


def _contents_before(lines: _Lines, number: int) -> Iterator[int]:
    """The lines before that are not empty or comments, the nearest first."""
    for earlier in range(number - 1, -1, -1):
        content = lines[earlier].strip()
        if content and not content.startswith("#"):
            yield earlier
