"""Scripts as files: `require`, `import`, and the places in errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringflow.errors import DocumentError
from ringflow.scripts.folder import ScriptFolder
from ringflow.scripts.run import FailureKind, ScriptFailed

from .conftest import Bench

SHAPES = [
    "async function main(data) { return data.n; }",
    "export async function main(data) { return data.n; }",
    "export default async function (data) { return data.n; }",
    "export default async (data) => data.n",
    "export default { main: (data) => data.n }",
    "module.exports = async (data) => data.n;",
    "module.exports = { main: async (data) => data.n };",
    "module.exports.main = (data) => data.n;",
    "exports.main = function (data) { return data.n; }",
    "const main = async (data) => data.n;\nexport { main };",
    "const go = (data) => data.n;\nexport { go as main };",
    "const ready = await Promise.resolve(1);\nexport const main = (data) => data.n * ready",
    "#!/usr/bin/env node\nfunction main(data) { return data.n; } // ends in a comment",
    "var main = function (data) { return data.n }",
    "export const other = /[/]export/.test('x') ? 1 : 2, main = (data) => data.n",
    "const text = `export ${'`export`'} import`;\nexport function main(data) { return data.n; }",
]


async def test_main_is_found_however_it_is_written(bench: Bench) -> None:
    for text in SHAPES:
        assert (await bench.run(text, {"n": 7})).value == 7, text


async def test_modules_of_the_folder_are_loaded_in_every_way(bench: Bench) -> None:
    bench.write(
        rules="exports.add = (a, b) => a + b; module.exports.name = 'rules';",
        modern="import { add } from './rules';\n"
        "export const twice = (n) => add(n, n);\nexport default class Box {}\nexport * from './rules.js';",
    )
    (bench.folder / "table.json").write_text('{"GB": 44}')
    (bench.folder / "deep").mkdir()
    (bench.folder / "deep" / "inner.js").write_text("module.exports = require('../rules').name;")
    result = await bench.run(
        """
        import Box, { twice, add as plus } from './modern';
        import * as rules from "rules";
        import table from './table.json' with { type: 'json' };
        const inner = require('./deep/inner');
        export async function main(data) {
          const later = await import('./modern');
          return [twice(2), plus(1, 2), rules.name, table.GB, inner, typeof Box, later.twice(4)];
        }
        """
    )
    assert result.value == [4, 3, "rules", 44, "rules", "function", 8]


async def test_modules_that_only_comments_and_texts_name_are_not_looked_for(bench: Bench) -> None:
    result = await bench.run(
        """
        // const moment = require('moment');
        /* import('fs') */
        const said = "require('lodash')" + `require('dayjs')`;
        const one = { require: (name) => name };
        function main() { return [said, one.require('other'), require(`crypto`).createHash !== undefined]; }
        """
    )
    assert result.value == ["require('lodash')require('dayjs')", "other", True]


async def test_an_error_has_the_line_and_column_of_its_file(bench: Bench) -> None:
    bench.write(lib="\n\nexport function fail() {\n  throw new Error('402 Top Up');\n}")
    with pytest.raises(ScriptFailed) as caught:
        await bench.run("import { fail } from './lib';\n\nasync function main(data) {\n  fail();\n}")
    assert str(caught.value) == "lib.js:3:13: 402 Top Up"
    assert caught.value.thrown == "402 Top Up"
    with pytest.raises(ScriptFailed) as caught:
        await bench.run("const a = 1;\nlet b = = 2;")
    assert (caught.value.kind, str(caught.value)) == (
        FailureKind.SYNTAX,
        "one.js:2:9: SyntaxError: unexpected token in expression: '='",
    )


MISSING = [
    ("new Intl.NumberFormat('de')", "ReferenceError: Intl is not defined (dates and numbers"),
    ("window.open()", "ReferenceError: window is not defined (there is no browser"),
    (
        "new Date().toLocaleString('de', {timeZone: 'Asia/Tokyo'})",
        "toLocaleString: there is no Intl here, so the",
    ),
    ("new Date().toLocaleDateString('en', {weekday: 'long'})", "toLocaleDateString: there is no Intl here"),
    ("(5).toLocaleString('de-DE')", "toLocaleString: there is no Intl here, and so no de-DE; use toFixed"),
    ("(5).toLocaleString('en', {style: 'currency'})", "toLocaleString: there is no Intl here, so the option"),
    ("const name = 'x'; require('./' + name)", 'there is no module "./x": write its name as text'),
]


async def test_what_is_missing_is_named(bench: Bench) -> None:
    for text, said in MISSING:
        with pytest.raises(ScriptFailed) as caught:
            await bench.run(f"async function main() {{ {text}; }}")
        assert caught.value.what.startswith(said)


@pytest.mark.parametrize(
    "wanted", ["../secret", "/etc/passwd", "./link", "./linked/secret", "deep/../../secret", "..", "."]
)
def test_no_module_is_read_from_outside_of_the_folder(tmp_path: Path, wanted: str) -> None:
    folder = tmp_path / "scripts"
    folder.mkdir()
    (folder / "deep").mkdir()
    (tmp_path / "secret.js").write_text("module.exports = 'secret'")
    (folder / "link.js").symlink_to(tmp_path / "secret.js")
    (folder / "linked").symlink_to(tmp_path)
    (folder / "one.js").write_text(f"const a = 1;\n  require('{wanted}');")
    with pytest.raises(DocumentError) as caught:
        ScriptFolder(folder).read("one")
    (problem,) = caught.value.problems
    assert (problem.path, problem.line, problem.what) == ("one.js", 2, f"there is no module `{wanted}`")


def test_a_script_that_is_a_link_out_of_the_folder_is_none(tmp_path: Path) -> None:
    folder = tmp_path / "scripts"
    folder.mkdir()
    (tmp_path / "one.js").write_text("async function main() {}")
    (folder / "one.js").symlink_to(tmp_path / "one.js")
    for name in ("one", "../one", "one.js", ""):
        with pytest.raises(DocumentError):
            ScriptFolder(folder).read(name)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"\xff\xfe", "it is not UTF-8"),
        (b"let a;\n\0", "there is a NUL character in it"),
        (b"import { a from './x'", "`}` is missing"),
        (b"export 5;", "write `export` before a declaration"),
        (b"let x = import.meta.url", "import.meta is not available here"),
        (b"import x from y", "the module's name is missing"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, raw: bytes, said: str) -> None:
    (tmp_path / "one.js").write_bytes(raw)
    with pytest.raises(DocumentError) as caught:
        ScriptFolder(tmp_path).read("one")
    assert caught.value.problems[0].what.startswith(said)
