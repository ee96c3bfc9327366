"""Scripts as modules: each becomes a function of the program that a worker evaluates.

The engine's binding loads no modules, so `import` and `export` become what `require` does. They are
blanked character by character, so that every place in an error is one in the file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ringflow.scripts.script import LIBRARY_LINES
from ringflow.scripts.tokens import Token, tokens

PARAMETERS = "exports, require, module, $take, $later, $main"
_HAS_MODULE_WORDS = re.compile(r"\b(import|export)\b")
_TEMPLATE = re.compile(r"`([^`$\n]+)`\s*[),]")


class ModuleSyntax(Exception):
    """An `import` or `export` that cannot be read; `offset` says where it stands."""

    def __init__(self, what: str, offset: int) -> None:
        self.offset = offset
        super().__init__(what)


@dataclass(slots=True)
class ModuleText:
    """A module: its text without `import` and `export`, what stands for them, and what it wants to load.

    `wanted` has the names of modules, each with where it first stands.
    """

    body: str
    head: str = ""
    wanted: dict[str, int] = field(default_factory=dict)

    def as_function(self, *, is_entry: bool) -> str:
        """Return the function: one line before the module's own lines, one after."""
        opening = "async function" if is_entry else "function"
        tail = "$main(typeof main === 'function' ? main : undefined);" if is_entry else ""
        return f"{opening} ({PARAMETERS}) {{ {self.head}\n{self.body}\n;{tail}}}"


def read_module(source: str) -> ModuleText:
    """Return a script's text as a module. Raises `ModuleSyntax`."""
    if source.startswith("#!"):
        source = "//" + source[2:]
    module = ModuleText(source)
    found = list(tokens(source))
    if _HAS_MODULE_WORDS.search(source):
        _Rewriting(source, module, found).run()
    for name, start in _required(source, found):
        module.wanted.setdefault(name, start)
    return module


def _required(source: str, found: Sequence[Token]) -> Iterator[tuple[str, int]]:
    """Return the modules that are named as text, and nothing else, in `require(...)` and `import(...)`."""
    for at, word in enumerate(found[:-3]):
        before = found[at - 1].text if at else ""
        mark, name, after = found[at + 1 : at + 4]
        if word.text not in ("require", "import") or before in (".", "?.") or mark.text != "(":
            continue
        if name.kind == "text" and len(name.text) > 2 and after.text in (")", ","):
            yield name.text[1:-1], name.start
        elif template := _TEMPLATE.match(source, name.start):
            yield template[1], name.start


class _Rewriting:
    def __init__(self, source: str, module: ModuleText, found: Sequence[Token]) -> None:
        self._source = source
        self._module = module
        self._tokens = found
        self._text = list(source)
        self._heads: list[str] = []
        self._count = 0

    def run(self) -> None:
        at = 0
        while at < len(self._tokens):
            token = self._tokens[at]
            before = self._tokens[at - 1] if at else None
            is_property = before is not None and before.text in (".", "?.")
            following = self._peek(at + 1)
            if token.kind == "word" and not is_property and token.text == "import":
                if following == "(":
                    self._replace(token.start, "$later")
                elif following == ".":
                    raise ModuleSyntax("import.meta is not available here", token.start)
                elif token.depth == 0 and following != ":":
                    at = self._import(at)
                    continue
            elif token.kind == "word" and not is_property and token.text == "export" and token.depth == 0:
                at = self._export(at)
                continue
            at += 1
        if self._heads:
            marked = "Object.defineProperty(exports, '__esModule', {value: true});"
            self._module.head = " ".join([marked, *self._heads])
        self._module.body = "".join(self._text)

    def _peek(self, at: int) -> str:
        return self._tokens[at].text if at < len(self._tokens) else ""

    def _token(self, at: int, wanted: str) -> Token:
        if at >= len(self._tokens):
            raise ModuleSyntax(f"{wanted} is missing", len(self._source))
        return self._tokens[at]

    def _replace(self, start: int, text: str) -> None:
        self._text[start : start + len(text)] = text

    def _blank(self, start: int, end: int) -> None:
        for at in range(start, end):
            if self._text[at] not in "\n\r\u2028\u2029":
                self._text[at] = " "

    def _import(self, at: int) -> int:
        """Read an import from its word on, and return what follows it."""
        first = self._tokens[at]
        at += 1
        bindings: list[tuple[str, str]] = []
        whole: list[str] = []
        if self._token(at, "a module").kind != "text":
            while True:
                token = self._token(at, "what is imported")
                if token.text == "{":
                    names, at = self._names(at)
                    bindings += names
                elif token.text == "*":
                    whole.append(self._name(at + 2).text)
                    at += 3
                else:
                    bindings.append(("default", self._name(at).text))
                    at += 1
                if self._peek(at) != ",":
                    break
                at += 1
            if self._peek(at) != "from":
                raise ModuleSyntax("`from` and a module are missing", self._token(at, "`from`").start)
            at += 1
        specifier, at = self._specifier(at)
        self._count += 1
        taken = f"$from{self._count}"
        self._heads.append(f"const {taken} = $take({specifier});")
        self._heads += [f"const {name} = {taken};" for name in whole]
        if bindings:
            inner = ", ".join(f"{_key(name)}: {local}" for name, local in bindings)
            self._heads.append(f"const {{{inner}}} = {taken};")
        return self._end(first, at)

    def _export(self, at: int) -> int:
        first = self._tokens[at]
        at += 1
        token = self._token(at, "what is exported")
        if token.text == "default":
            return self._export_default(first, at + 1)
        if token.text == "*":
            return self._export_all(first, at + 1)
        if token.text == "{":
            names, at = self._names(at)
            if self._peek(at) == "from":
                specifier, at = self._specifier(at + 1)
                self._count += 1
                taken = f"$from{self._count}"
                self._heads.append(f"const {taken} = $take({specifier});")
                names = [(f"{taken}[{json.dumps(name)}]", shown) for name, shown in names]
            for local, shown in names:
                self._give(shown, local)
            return self._end(first, at)
        self._blank(first.start, first.end)
        for name in self._declared(at):
            self._give(name, name)
        return at

    def _export_default(self, first: Token, at: int) -> int:
        name_at = at
        if self._peek(name_at) == "async":
            name_at += 1
        if self._peek(name_at) in ("function", "class"):
            name_at += 2 if self._peek(name_at + 1) == "*" else 1
            if self._peek(name_at) not in ("(", "{", "extends"):
                self._blank(first.start, self._tokens[at - 1].end)
                self._give("default", self._name(name_at).text)
                return at
        # As long as the words that it takes the place of.
        self._heads.append("let $default; ")
        self._give("default", "$default")
        self._blank(first.start, self._tokens[at - 1].end)
        self._replace(first.start, "$default =")
        return at

    def _export_all(self, first: Token, at: int) -> int:
        shown = None
        if self._peek(at) == "as":
            shown = self._token(at + 1, "a name").text
            at += 2
        specifier, at = self._specifier(at + 1)
        if shown is not None:
            self._count += 1
            self._heads.append(f"const $from{self._count} = $take({specifier});")
            self._give(shown, f"$from{self._count}")
        else:
            self._heads.append(
                f"{{ const $all = $take({specifier}); for (const $name in $all)"
                " if ($name !== 'default' && !($name in exports)) exports[$name] = $all[$name]; }"
            )
        return self._end(first, at)

    def _names(self, at: int) -> tuple[list[tuple[str, str]], int]:
        """Read `{a, b as c}`; gives (name before `as`, name after), and what follows."""
        found: list[tuple[str, str]] = []
        at += 1
        while self._peek(at) != "}":
            name = shown = self._token(at, "a name").text.strip("'\"")
            at += 1
            if self._peek(at) == "as":
                shown = self._token(at + 1, "a name").text.strip("'\"")
                at += 2
            found.append((name, shown))
            if self._peek(at) == ",":
                at += 1
            elif self._peek(at) != "}":
                raise ModuleSyntax("`}` is missing", self._token(at, "`}`").start)
        return found, at + 1

    def _declared(self, at: int) -> list[str]:
        """Return the names that a declaration makes."""
        if self._peek(at) == "async":
            at += 1
        if self._peek(at) in ("function", "class"):
            return [self._name(at + (2 if self._peek(at + 1) == "*" else 1)).text]
        if self._peek(at) not in ("const", "let", "var"):
            raise ModuleSyntax(
                "write `export` before a declaration, or `export default`",
                self._token(at, "a declaration").start,
            )
        return self._declared_variables(at + 1)

    def _declared_variables(self, at: int) -> list[str]:
        names: list[str] = []
        depth = self._token(at, "a name").depth
        while True:
            if self._peek(at) in ("{", "["):
                pattern_end = next(
                    (i for i in range(at + 1, len(self._tokens)) if self._tokens[i].depth == depth), at
                )
                names += self._pattern_names(at + 1, pattern_end)
                at = pattern_end + 1
            else:
                names.append(self._name(at).text)
                at += 1
            at = self._after_value(at, depth)
            if self._peek(at) != ",":
                return names
            at += 1

    def _pattern_names(self, at: int, end: int) -> list[str]:
        inner = self._tokens[at:end]
        return [
            token.text
            for i, token in enumerate(inner)
            if token.kind == "word"
            and (i + 1 == len(inner) or inner[i + 1].text in (",", "}", "]", "="))
            and (i == 0 or inner[i - 1].text in (",", "{", "[", ":", "..."))
        ]

    def _after_value(self, at: int, depth: int) -> int:
        """Skip a value up to the comma, the semicolon or the line's end after it."""
        while at < len(self._tokens):
            token = self._tokens[at]
            if token.depth < depth or (token.depth == depth and token.text in (",", ";")):
                return at
            before = self._tokens[at - 1]
            on_new_line = "\n" in self._source[before.end : token.start]
            may_end = before.kind != "mark" or before.text in (")", "]", "}", "`")
            if (
                token.depth == depth
                and on_new_line
                and may_end
                and token.kind == "word"
                and token.text not in ("in", "instanceof")
            ):
                return at
            at += 1
        return at

    def _name(self, at: int) -> Token:
        token = self._token(at, "a name")
        if token.kind != "word":
            raise ModuleSyntax(f"a name is expected, not `{token.text}`", token.start)
        return token

    def _specifier(self, at: int) -> tuple[str, int]:
        token = self._token(at, "a module")
        if token.kind != "text":
            raise ModuleSyntax("the module's name is missing", token.start)
        name = token.text[1:-1]
        self._module.wanted.setdefault(name, token.start)
        at += 1
        if self._peek(at) in ("with", "assert") and self._peek(at + 1) == "{":
            _, at = self._names_of_attributes(at + 1)
        return json.dumps(name), at

    def _names_of_attributes(self, at: int) -> tuple[None, int]:
        while self._peek(at) not in ("}", ""):
            at += 1
        return None, at + 1

    def _give(self, shown: str, local: str) -> None:
        self._heads.append(
            f"Object.defineProperty(exports, {json.dumps(shown)},"
            f" {{enumerable: true, configurable: true, get: () => {local}}});"
        )

    def _end(self, first: Token, at: int) -> int:
        """Blank the statement from `first` to the token before `at`, and return what follows."""
        if self._peek(at) == ";":
            at += 1
        last = self._tokens[at - 1]
        self._blank(first.start, last.end)
        return at


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z_$][\w$]*", name) else json.dumps(name)


def program(modules: Sequence[ModuleText]) -> tuple[str, list[int]]:
    """Return the text of a table of modules, the entry first, and the line before each one's first."""
    parts: list[str] = []
    lines_before: list[int] = []
    line = LIBRARY_LINES + 1
    for number, module in enumerate(modules):
        text = f"{number}: {module.as_function(is_entry=number == 0)}"
        lines_before.append(line)
        parts.append(text)
        line += text.count("\n")
        parts.append(",")
    return "\n" * LIBRARY_LINES + "({" + "".join(parts) + "})", lines_before
