"""Slots `say` and `tts` whose fields are wrong, and exactly what is said about each."""

from __future__ import annotations

import pytest

from ringflow.flows.check import check_flows
from ringflow.flows.load import draft_from_bytes
from ringflow.flows.registry import slot_types
from ringflow.flows.surroundings import Surroundings

from .mistakes import Library, Mistakes

MISTAKES = Mistakes()


def mistake(name: str, slot: str, *problems: str) -> None:
    """A flow of one slot, whose fields begin in line 4."""
    kind, *fields = slot.split("\n")
    lines = "".join(f"    {line}\n" for line in fields)
    MISTAKES.add(name, f"app: x\nslots:\n  - slot: {kind}\n{lines}", *problems)


mistake(
    "an amount without its currency",
    "say\nvalue: 12.50\nas: money",
    "f.yaml:5:9: an amount needs its currency (write `currency: USD`, or `${customer.currency}`)",
)
mistake(
    "a currency that is none",
    "say\nvalue: 12.50\nas: money\ncurrency: EURO",
    "f.yaml:6:15: `currency`: `EURO` is no currency (did you mean `EUR`?)",
)
mistake(
    "a currency of a date",
    "say\nvalue: now\nas: date\ncurrency: EUR",
    "f.yaml:6:15: `currency` means nothing with `as: date` (it goes with `as: money`)",
)
mistake(
    "a clock of thirteen hours",
    "say\nvalue: now\nas: time\nclock: 13",
    "f.yaml:6:12: `clock` must be 12 or 24, not `13` (write one of them)",
)
mistake(
    "a clock for a date",
    "say\nvalue: now\nas: date\nclock: 12",
    "f.yaml:6:12: `clock` means nothing with `as: date` (it goes with `as: time`)",
)
mistake(
    "a time zone by its abbreviation",
    "say\nvalue: now\nas: time\ntimezone: Europe/Berln",
    "f.yaml:6:15: `timezone`: `Europe/Berln` is not a time zone (did you mean `Europe/Berlin`?)",
)
mistake(
    "a day that there is not",
    "say\nvalue: 2026-02-30\nas: date",
    "f.yaml:4:12: `2026-02-30` is not a date (write it as 2026-12-31, as seconds since 1970, or `now`)",
)
mistake(
    "a word for a number",
    "say\nvalue: twelve\nas: number",
    "f.yaml:4:12: `twelve` is not a number (write digits, such as 21 or -3.5)",
)
mistake(
    "a gender of digits",
    "say\nvalue: 12\nas: digits\ngender: feminine",
    "f.yaml:6:13: `gender` means nothing with `as: digits` (it goes with `as: number` or `as: ordinal`)",
)
mistake(
    "a text to be said",
    "say\nvalue: Hello\nas: text",
    "f.yaml:5:9: `as`: a text is spoken by another slot (write `slot: tts`)",
)
mistake(
    "a letter that a language has not",
    "say\nvalue: 日本\nas: letters\nlanguage: en",
    "f.yaml:4:12: `日本` cannot be said as letters: character 1, '日', cannot be spelt in `en` (write "
    "letters and digits)",
)
mistake(
    "a field of the prompt in its place",
    "say\nsay: 12\nas: number",
    "f.yaml:3:5: `value` is missing (add `value:`)",
    "f.yaml:4:5: unknown key `say` (known here: as, clock, currency, gender, id, language, on, "
    "slot, timezone, value, weekday, year)",
)
mistake(
    "a variable that is misspelt",
    "say\nvalue: '${dis}'\nas: digits",
    "f.yaml:4:12: unknown variable `dis` (did you mean `did`? known: app, call.id, card.id, cli, "
    "customer.currency, customer.id, customer.name, did, error.slot, error.what, language)",
)
mistake("nothing to speak", "tts\ntext: ' '", "f.yaml:4:11: there is nothing to speak (write words)")
mistake(
    "a text beyond what is spoken",
    f"tts\ntext: {'a' * 2001}",
    "f.yaml:4:11: `text` has 2001 characters, at most 2000 (make two slots of it)",
)
mistake(
    "tags without saying that it is SSML",
    "tts\ntext: <speak>Hello.</speak>",
    "f.yaml:4:11: tags would be spoken: this is SSML (write `ssml: true`)",
)
mistake(
    "a tag that is not closed",
    "tts\nssml: true\ntext: <speak>Hello, <emphasis>you.</speak>",
    "f.yaml:5:11: `text`: is not well-formed SSML: mismatched tag (close each tag, write &amp; and "
    "&lt; for & and <, and variables in text or in quotes only)",
)
mistake(
    "a variable for a tag",
    "tts\nssml: true\ntext: Hello <${did}/>.",
    "f.yaml:5:11: `text`: is not well-formed SSML: not well-formed (invalid token) (close each tag, "
    "write &amp; and &lt; for & and <, and variables in text or in quotes only)",
)
mistake(
    "a sound in SSML",
    "tts\nssml: true\ntext: <speak><audio src='/etc/passwd'/></speak>",
    "f.yaml:5:11: `text`: `<audio>` is not spoken (play a recording by the slot `audio`)",
)
mistake(
    "a sound in SSML by a tag in capitals",
    "tts\nssml: true\ntext: <speak><AUDIO src='/etc/passwd'/></speak>",
    "f.yaml:5:11: `text`: `<AUDIO>` is not spoken (play a recording by the slot `audio`)",
)
mistake(
    "a tag that espeak-ng takes for another one",
    "tts\nssml: true\ntext: <speak><\N{LATIN SMALL LETTER S WITH CARON}udio src='/etc/passwd'/></speak>",
    "f.yaml:5:11: `text`: `<\N{LATIN SMALL LETTER S WITH CARON}udio>` is no tag of SSML (its tags are in "
    "small letters from a to z)",
)
for hidden in ("<!-- > {} -->", "<?a > {} ?>", "<![CDATA[> {} ]]>"):
    sound = hidden.format("<audio src='/etc/passwd'/>")
    mistake(
        f"a sound in SSML within {hidden[:3]}",
        f'tts\nssml: true\ntext: "<speak>{sound}</speak>"',
        "f.yaml:5:11: `text`: comments, instructions and CDATA are not spoken (remove them; write &lt; and "
        "&amp; for < and &)",
    )
mistake(
    "entities in SSML",
    "tts\nssml: true\ntext: '<!DOCTYPE s [<!ENTITY a \"b\">]><speak>&a;</speak>'",
    "f.yaml:5:11: `text`: is not well-formed SSML: not well-formed (invalid token) (close each tag, "
    "write &amp; and &lt; for & and <, and variables in text or in quotes only)",
)
mistake(
    "a backend that is not there",
    "tts\ntext: Hello.\nbackend: neurl",
    "f.yaml:5:14: there is no backend of speech `neurl` (there are espeak-ng)",
)
mistake(
    "a voice with a blank",
    "tts\ntext: Hello.\nvoice: my voice",
    "f.yaml:5:12: `voice` cannot be `my voice` (use letters, digits and _ . + : / -, as the backend "
    "names its voices)",
)
mistake(
    "a language by its name",
    "tts\ntext: Hello.\nlanguage: english",
    "f.yaml:5:15: `language` cannot be `english` (write its code, such as en)",
)
mistake(
    "an exit of the other slot",
    "tts\ntext: Hello.\n'on': {invalid: next}",
    "f.yaml:5:12: tts has no exit `invalid` (exits of tts: done, failed)",
)


class Everything(Library):
    """A library that has every prompt."""

    def exists(self, name: str) -> bool:
        return True


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_about_speech_is_told_at_its_place_with_what_to_do(name: str) -> None:
    text, expected = MISTAKES[name]
    draft = draft_from_bytes(text.encode(), slot_types(), "f.yaml")
    found = [str(problem) for problem in check_flows([draft], Surroundings(prompts=Everything()))]
    assert found == expected
