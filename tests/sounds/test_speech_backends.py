"""Backends of speech besides espeak-ng: programs, Piper, HTTP services; what they get, and how they fail."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from aiohttp import web

from ringflow.config import Config
from ringflow.sounds import PromptLibrary
from ringflow.sounds.codecs import decode
from ringflow.sounds.forms import FORMS
from ringflow.sounds.generated import GeneratedPrompts
from ringflow.sounds.levels import TARGET_DBFS, speech_dbfs
from ringflow.sounds.speech_backend import SpeechFailed
from ringflow.sounds.utterance import Utterance
from ringflow.sounds.voices import Voices, speech_problems
from ringflow.speaking import voice_of

SPEAKS = """
    import io, math, struct, sys, wave
    def sound(seconds=0.5):
        file = io.BytesIO()
        with wave.open(file, "wb") as writer:
            writer.setparams((1, 2, 22050, 0, "NONE", ""))
            writer.writeframes(b"".join(
                struct.pack("<h", int(9000 * math.sin(n / 9))) for n in range(int(22050 * seconds))
            ))
        return file.getvalue()
"""


class Programs:
    """Small programs that speak, and what they note of how they were run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.notes = folder / "notes"

    def write(self, body: str, name: str = "speaks") -> str:
        path = self.folder / name
        text = f"#!{sys.executable}\n{dedent(SPEAKS)}\nnotes = {str(self.notes)!r}\n{dedent(body)}"
        path.write_text(text)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)

    @property
    def runs(self) -> list[str]:
        return self.notes.read_text().splitlines() if self.notes.exists() else []


NOTES_RUN = """
    import os
    text = sys.stdin.read()
    with open(notes, "a") as file:
        file.write(repr((sys.argv[1:], text, sorted(os.environ))) + chr(10))
"""


@pytest.fixture
def programs(tmp_path: Path) -> Programs:
    folder = tmp_path / "programs"
    folder.mkdir()
    return Programs(folder)


def prompts(library: PromptLibrary, speech: dict[str, Any]) -> GeneratedPrompts:
    config = Config.model_validate({"speech": speech})
    assert list(speech_problems(config)) == []
    return GeneratedPrompts(library, Voices.configured(config, voice_of))


def by_command(*command: str, **settings: Any) -> dict[str, Any]:
    return {"backend": "mine", "backends": {"mine": {"command": command, **settings}}}


async def why_not(made: GeneratedPrompts, utterance: Utterance | None = None) -> str:
    with pytest.raises(SpeechFailed) as caught:
        await made.prompt_of(utterance or Utterance("Hello.", "en"))
    return str(caught.value)


async def test_a_program_gets_the_text_and_no_secrets_and_its_sound_becomes_a_prompt_like_any_other(
    library: PromptLibrary, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RINGFLOW_AMI_SECRET", "hidden")
    program = programs.write(NOTES_RUN + "    sys.stdout.buffer.write(sound())")
    made = prompts(library, by_command(program, "--as={voice}", "{language}", "$(id); {text}"))

    name = await made.prompt_of(Utterance("Hello; `id`", "de", voice="anna"))

    assert library.forms(name) == FORMS
    for form in FORMS:
        samples = decode(library.path(name, form).read_bytes(), form)
        assert speech_dbfs(samples, form.sample_rate_hz) == pytest.approx(TARGET_DBFS, abs=1)
    assert library.duration_s(name) == pytest.approx(0.6, abs=0.1)
    (run,) = programs.runs
    arguments, text, environment = eval(run)
    assert arguments == ["--as=anna", "de", "$(id); {text}"]
    assert text == "Hello; `id`"
    assert "RINGFLOW_AMI_SECRET" not in environment
    assert "PATH" in environment


@pytest.mark.parametrize(
    ("body", "settings", "why"),
    [
        ("sys.stderr.write('first\\nno such voice\\n'); sys.exit(3)", {}, "ended with code 3: no such voice"),
        ("pass", {}, "wrote no sound"),
        ("sys.stdout.write('not a sound' * 99)", {}, "is not a sound file that can be read"),
        ("sys.stdout.buffer.write(sound()[:44] + bytes(22050))", {}, "is silent"),
        ("sys.stdout.buffer.write(bytes(3_000_000))", {"max_mb": 1}, "the sound is larger than 1 MB"),
        ("import signal; signal.pause()", {"timeout_s": 0.2}, "did not finish within 0.2 s"),
    ],
)
async def test_a_program_that_fails_leaves_no_prompt_and_says_why(
    library: PromptLibrary, programs: Programs, body: str, settings: dict[str, Any], why: str
) -> None:
    made = prompts(library, by_command(programs.write(body), **settings))
    assert why in await why_not(made)
    assert library.names() == ()


async def test_a_program_that_is_not_there_is_told_by_check_and_by_a_call(library: PromptLibrary) -> None:
    config = Config.model_validate({"speech": by_command("/nowhere/speaks")})
    voices = Voices.configured(config, voice_of)
    assert voices.lacks(Utterance("", "en")) == (
        "the program `/nowhere/speaks` is not there, or cannot be run",
        "install it, or name its path",
    )
    assert "`/nowhere/speaks` cannot be run" in await why_not(GeneratedPrompts(library, voices))


async def test_a_call_waits_no_longer_than_the_limit_and_the_text_is_there_for_the_next_one(
    library: PromptLibrary, programs: Programs
) -> None:
    go_on = programs.folder / "go-on"
    os.mkfifo(go_on)
    program = programs.write(f"open({str(go_on)!r}).read(); sys.stdout.buffer.write(sound())")
    made = prompts(library, by_command(program) | {"limit_s": 0.05})
    assert await why_not(made) == "the text was not spoken within 0.05 s"
    (task,) = made._under_way.values()
    await asyncio.to_thread(go_on.write_text, "go on")
    await task
    assert library.exists(await made.prompt_of(Utterance("Hello.", "en")))


async def test_servers_that_share_a_folder_speak_a_text_once(
    library: PromptLibrary, programs: Programs
) -> None:
    program = programs.write(NOTES_RUN + "    sys.stdout.buffer.write(sound())")
    servers = [prompts(library, by_command(program)) for _ in range(4)]
    wanted = Utterance("For all of us.", "en")
    names = await asyncio.gather(*(one.prompt_of(wanted) for one in servers for _ in range(3)))
    assert len(set(names)) == 1
    assert len(programs.runs) == 1


async def test_the_spoken_texts_are_bounded_by_their_size_too(
    library: PromptLibrary, programs: Programs
) -> None:
    program = programs.write("sys.stdout.buffer.write(sound(5))")
    made = prompts(library, by_command(program) | {"kept_mb": 1})
    # Five seconds in four forms are 0.29 MB.
    names = [await made.prompt_of(Utterance(f"Number {n}.", "en")) for n in range(4)]
    assert set(library.names()) == set(names[1:])


async def test_another_voice_backend_or_setting_makes_another_prompt(programs: Programs) -> None:
    def name(speech: dict[str, Any], utterance: Utterance) -> str:
        return Voices.configured(Config.model_validate({"speech": speech}), voice_of).prompt_name(utterance)

    hello = Utterance("Hello.", "en")
    names = {
        name({}, hello),
        name({"words_per_minute": 120}, hello),
        name({"languages": {"en": {"voice": "en-us"}}}, hello),
        name({}, Utterance("Hello.", "en", voice="en-scotland")),
        name({}, Utterance("Hello.", "en", is_ssml=True)),
        name({}, Utterance("Hello.", "de")),
        name(by_command("speaks"), hello),
        name(by_command("speaks", "loudly"), hello),
    }
    assert len(names) == 8
    # A language's voice is of its own backend.
    both = by_command("speaks") | {"languages": {"en": {"voice": "anna"}}}
    assert name(both, Utterance("Hello.", "en", backend="espeak-ng")) == name({}, hello)


async def test_piper_gets_its_model_and_one_line_of_text(library: PromptLibrary, programs: Programs) -> None:
    model = programs.folder / "en.onnx"
    piper = programs.write(NOTES_RUN + "    sys.stdout.buffer.write(sound())", "piper")
    speech = {
        "languages": {"en": {"backend": "neural"}},
        "backends": {
            "neural": {"piper": {"program": piper, "models": {"en": str(model), "amy": "amy.onnx"}}}
        },
    }
    config = Config.model_validate({"speech": speech})
    voices = Voices.configured(config, voice_of)
    lacking = voices.lacks(Utterance("", "en"))
    assert lacking == (f"Piper's model {model} is not there", "download it, or name its path")
    model.touch()
    assert voices.lacks(Utterance("", "en")) is None
    assert voices.lacks(Utterance("", "de", backend="neural")) == (
        "Piper has no model for `de`",
        "name its file under `models`",
    )
    made = GeneratedPrompts(library, voices)
    await made.prompt_of(Utterance("Two\nlines,\tplease.", "en"))
    arguments, text, _ = eval(programs.runs[0])
    assert arguments == ["-m", str(model), "-f", "-"]
    assert text == "Two lines, please."
    assert "amy.onnx is not there" in await why_not(made, Utterance("Hello.", "en", voice="amy"))


@asynccontextmanager
async def service(answer: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def by_http(url: str, settings: dict[str, Any] | None = None, **http: Any) -> dict[str, Any]:
    backend = {"http": {"url": f"{url}/speech", **http}, **(settings or {})}
    return {"backend": "cloud", "backends": {"cloud": backend}}


def a_sound() -> bytes:
    found: dict[str, Any] = {}
    exec(dedent(SPEAKS), found)
    spoken: bytes = found["sound"]()
    return spoken


async def test_a_service_gets_the_text_and_the_secret_and_its_sound_becomes_a_prompt(
    library: PromptLibrary, tmp_path: Path
) -> None:
    asked: list[tuple[str, str | None, Any]] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append((request.path, request.headers.get("Authorization"), await request.json()))
        return web.Response(body=a_sound(), content_type="audio/wav")

    secret = tmp_path / "key"
    secret.write_text("s3cret\n")
    async with service(answer) as url:
        made = prompts(
            library,
            by_http(
                url,
                headers={"Authorization": "Bearer {secret}"},
                body={"input": "{text}", "voice": "{voice}", "options": [{"lang": "{language}"}, 1]},
                secret_file=str(secret),
            ),
        )
        name = await made.prompt_of(Utterance('Say "{voice}" & {secret}', "fr", voice="marie"))
    body = {"input": 'Say "{voice}" & {secret}', "voice": "marie", "options": [{"lang": "fr"}, 1]}
    assert asked == [("/speech", "Bearer s3cret", body)]
    assert library.forms(name) == FORMS
    secret.unlink()
    assert f"there is no secret for {url[7:]} in {secret}" in await why_not(made)


async def test_a_service_may_take_the_text_alone(library: PromptLibrary) -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(await request.text())
        return web.Response(body=a_sound())

    async with service(answer) as url:
        made = prompts(library, by_http(url, {"ssml": True}, body="{text}"))
        await made.prompt_of(Utterance("<speak>Здравствуйте</speak>", "ru", is_ssml=True))
    assert asked == ["<speak>Здравствуйте</speak>"]


@pytest.mark.parametrize(
    ("kind", "settings", "why"),
    [
        ("down", {}, "cannot be asked"),
        ("refuses", {}, "answered 400 Bad Request"),
        ("leads away", {}, "answered 302 Found"),
        ("empty", {}, "answered without a sound"),
        ("large", {"max_mb": 0.5}, "the sound is larger than 0.5 MB"),
        ("no sound", {}, "is not a sound file that can be read"),
        ("silent", {"timeout_s": 0.2}, "did not answer within 0.2 s"),
    ],
)
async def test_a_service_that_fails_leaves_no_prompt_and_says_why(
    library: PromptLibrary, kind: str, settings: dict[str, Any], why: str
) -> None:
    asked: list[str] = []
    over = asyncio.Event()

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        match kind:
            case "refuses":
                return web.Response(status=400)
            case "leads away":
                return web.Response(status=302, headers={"Location": "/elsewhere"})
            case "empty":
                return web.Response()
            case "large":
                return web.Response(body=bytes(600_000))
            case "silent":
                await over.wait()
        return web.Response(text="hello")

    async with service(answer) as url:
        made = prompts(library, by_http("http://127.0.0.1:1" if kind == "down" else url, settings))
        assert why in await why_not(made)
        over.set()
    assert library.names() == ()
    assert asked == ([] if kind == "down" else ["/speech"])


async def test_a_backend_that_is_down_is_not_asked_again_for_a_moment(library: PromptLibrary) -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=503)

    async with service(answer) as url:
        made = prompts(library, by_http(url))
        assert "answered 503 Service Unavailable" in await why_not(made)
        for text in ("Other.", "Third."):
            assert "is not asked for a moment" in await why_not(made, Utterance(text, "en"))
    assert asked == ["/speech"]


async def test_ssml_is_refused_where_a_backend_has_none_and_pauses_where_it_has(
    library: PromptLibrary, programs: Programs
) -> None:
    program = programs.write("sys.stdout.buffer.write(sound())")
    made = prompts(library, by_command(program))
    ssml = Utterance("<speak>Hello.</speak>", "en", is_ssml=True)
    assert await why_not(made, ssml) == (
        "the backend `mine` has no SSML: write plain text, or name another backend"
    )
    espeak = prompts(library, {})
    short = await espeak.prompt_of(Utterance("<speak>One. Two.</speak>", "en", is_ssml=True))
    long = await espeak.prompt_of(Utterance("<speak>One.<break time='2s'/> Two.</speak>", "en", is_ssml=True))
    assert library.duration_s(long) > library.duration_s(short) + 1.5


async def test_a_language_without_words_of_its_own_is_spoken_by_the_voice_of_its_name(
    library: PromptLibrary,
) -> None:
    name = await prompts(library, {}).prompt_of(Utterance("Buongiorno.", "it"))
    assert name.startswith("GENERATED/it/")
    assert "no voice `zz`" in await why_not(prompts(library, {}), Utterance("Hello.", "zz"))


@pytest.mark.parametrize(
    ("speech", "told"),
    [
        ({"backend": "nobody"}, "there is no backend of speech `nobody` (there are espeak-ng)"),
        (
            {"languages": {"de": {"backend": "mien"}}, "backends": {"mine": {"command": ["x"]}}},
            "there is no backend of speech `mien` (did you mean `mine`?)",
        ),
        (
            {"backends": {"espeak-ng": {"command": ["x"]}}},
            "`espeak-ng` is there without being configured (give the backend another name)",
        ),
    ],
)
def test_a_backend_that_the_configuration_does_not_have_is_told(speech: dict[str, Any], told: str) -> None:
    (problem,) = speech_problems(Config.model_validate({"speech": speech}))
    assert told in str(problem)
