"""Commands as the bytes that Asterisk reads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringflow.agi.wire import MAX_LINE_BYTES, MAX_VALUES, MAX_WORDS, command_line
from ringflow.errors import ProtocolViolation


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("ANSWER",), b"ANSWER\n"),
        (("GET DATA", "IVR/ivr-please", "0", "14"), b'GET DATA "IVR/ivr-please" "0" "14"\n'),
        (("STREAM FILE", "MISC/error", ""), b'STREAM FILE "MISC/error" ""\n'),
        (("GET FULL VARIABLE", "${A}:${B}"), b'GET FULL VARIABLE "${A}:${B}"\n'),
        (("EXEC Dial", "PJSIP/1@c,30,b(h^s^1)"), b'EXEC Dial "PJSIP/1@c,30,b(h^s^1)"\n'),
        (("SET VARIABLE", "A", 'a "b" \\ c'), b'SET VARIABLE "A" "a \\"b\\" \\\\ c"\n'),
        (("NOOP", "a ", "b"), b'NOOP "a " "b"\n'),
        (("NOOP", "Ł"), b'NOOP "\xc5\x81"\n'),
    ],
)
def test_a_command_as_bytes(words: tuple[str, ...], line: bytes) -> None:
    assert command_line(*words) == line


def asterisk_splits(line: bytes) -> list[str]:
    """What parse_args of res/res_agi.c makes of a line, character by character."""
    words: list[list[int]] = []
    quoted = escaped = False
    blank = True
    for character in line:
        if character == ord('"') and not escaped:
            quoted = not quoted
            if quoted and blank:
                words.append([])
                blank = False
        elif character in b" \t" and not quoted and not escaped:
            blank = True
        elif character == ord("\\") and not escaped:
            escaped = True
            continue
        else:
            if blank:
                words.append([])
                blank = False
            words[-1].append(character)
        escaped = False
    return [bytes(word).decode() for word in words]


WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"), max_size=20)


@given(st.lists(WORDS | st.text(' \t"\\a', max_size=6), min_size=1, max_size=12))
def test_asterisk_reads_the_words_that_were_meant(words: list[str]) -> None:
    line = command_line("SET VARIABLE", *words)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert asterisk_splits(line[:-1]) == ["SET", "VARIABLE", *words]


@pytest.mark.parametrize(
    "words",
    [
        ("",),
        ("A\nB",),
        ("A", "b\nEXEC System rm"),
        ("A", "b\r"),
        ("A", "b\0"),
        ("A", "\ud800"),
        ("A", *("B",) * (MAX_VALUES + 1)),
        ("A", "x" * (MAX_LINE_BYTES - 5)),
        ("A", "é" * (MAX_LINE_BYTES // 2)),
    ],
)
def test_what_no_line_can_carry_is_our_violation(words: tuple[str, ...]) -> None:
    with pytest.raises(ProtocolViolation, match=r"^Ringflow: a command"):
        command_line(*words)


def test_the_longest_command_passes_and_its_refusal_does_not_tell_its_values() -> None:
    assert len(command_line("A", "x" * (MAX_LINE_BYTES - 6))) == MAX_LINE_BYTES - 1
    assert len(asterisk_splits(command_line("A B C", *("D",) * MAX_VALUES)[:-1])) == MAX_WORDS
    with pytest.raises(ProtocolViolation) as caught:
        command_line("SET VARIABLE", "KEY", "secret\n")
    assert "secret" not in str(caught.value)
