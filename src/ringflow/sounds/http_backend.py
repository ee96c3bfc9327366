"""A service as the backend of speech: it answers a POST with the sound of a text."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ringflow.config import SpeechBackendConfig, SpeechHttpConfig
from ringflow.sounds.speech_backend import BackendDown, SpeechFailed
from ringflow.sounds.utterance import Utterance

if TYPE_CHECKING:
    import aiohttp

_PLACEHOLDER = re.compile(r"\{(text|language|voice|secret)\}")
_BLOCK_BYTES = 64 * 1024
_SERVER_ERROR = 500


class HttpBackend:
    """Speaks by a service. Only the configured address is asked: redirections are not followed."""

    at_once = 8

    def __init__(self, http: SpeechHttpConfig, config: SpeechBackendConfig, secret_file: Path | None) -> None:
        self.takes_ssml = config.ssml
        self.identity = config.model_dump_json()
        self._http = http
        self._secret_file = secret_file
        self._timeout_s = config.timeout_s
        self._max_bytes = round(config.max_mb * 1_000_000)

    def lacks(self, language: str, voice: str | None) -> tuple[str, str] | None:
        """The secret, where one is named."""
        try:
            self._secret()
        except SpeechFailed as error:
            return str(error), "the service's operator gives it to you"
        return None

    async def speak(self, utterance: Utterance, voice: str | None, folder: Path) -> Path:
        """Ask the service once."""
        # Loads what nothing else of a server needs before its first text.
        import aiohttp

        values = {"text": utterance.text, "language": utterance.language, "voice": voice or ""}
        body = _filled(self._http.body, values)
        secret = self._secret()
        headers = {name: _filled(value, {"secret": secret}) for name, value in self._http.headers.items()}
        timeout = aiohttp.ClientTimeout(total=self._timeout_s)
        content: dict[str, Any] = {"data": body.encode()} if isinstance(body, str) else {"json": body}
        try:
            # Settings of the environment, such as proxies and .netrc, are not looked at.
            async with (
                aiohttp.ClientSession(timeout=timeout, trust_env=False, auto_decompress=False) as session,
                session.post(self._http.url, headers=headers, allow_redirects=False, **content) as response,
            ):
                return await self._take(response, folder)
        except TimeoutError:
            raise BackendDown(f"{self._host} did not answer within {self._timeout_s:g} s") from None
        except (aiohttp.ClientError, ValueError, OSError) as error:
            raise BackendDown(f"{self._host} cannot be asked: {type(error).__name__}: {error}") from error

    @property
    def _host(self) -> str:
        return self._http.url.partition("://")[2].partition("/")[0]

    async def _take(self, response: aiohttp.ClientResponse, folder: Path) -> Path:
        if response.status != 200:
            kind = BackendDown if response.status >= _SERVER_ERROR or response.status == 429 else SpeechFailed
            raise kind(f"{self._host} answered {response.status} {response.reason or ''}".rstrip())
        sound, size = folder / "spoken.wav", 0
        with sound.open("wb") as file:
            async for block in response.content.iter_chunked(_BLOCK_BYTES):
                size += len(block)
                if size > self._max_bytes:
                    raise SpeechFailed(f"the sound is larger than {self._max_bytes / 1e6:g} MB")
                file.write(block)
        if not size:
            raise SpeechFailed(f"{self._host} answered without a sound")
        return sound

    def _secret(self) -> str:
        """The secret, read for each text, so that a new one is taken over. Raises `SpeechFailed`."""
        named = [one for one in (self._http.secret_env, self._secret_file) if one]
        if not named:
            return ""
        found = os.environ.get(self._http.secret_env, "").strip() if self._http.secret_env else ""
        if not found and self._secret_file is not None:
            try:
                found = self._secret_file.read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError):
                found = ""
        if not found or not found.isprintable():
            raise SpeechFailed(f"there is no secret for {self._host} in {' or '.join(map(str, named))}")
        return found


def _filled(value: Any, values: dict[str, str]) -> Any:
    """A value of JSON with its placeholders filled in, all at once: what is put in is not looked at again."""
    if isinstance(value, str):
        return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), value)
    if isinstance(value, list):
        return [_filled(one, values) for one in value]
    if isinstance(value, dict):
        return {key: _filled(one, values) for key, one in value.items()}
    return value
