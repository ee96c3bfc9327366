"""Recordings to import, and a meter for what comes out."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from ringflow.sounds import PromptLibrary

Samples = NDArray[np.float64]
Meter = Callable[[Samples, int, float], float]
Record = Callable[..., Path]


@pytest.fixture
def library(tmp_path: Path) -> PromptLibrary:
    return PromptLibrary(tmp_path / "sounds")


@pytest.fixture
def record(tmp_path: Path) -> Record:
    """Write a recording: 0.5 s of silence, `seconds` of a tone, 0.5 s of silence, in any layout."""

    def write(
        file_name: str = "tone.wav",
        *,
        rate_hz: int = 48_000,
        channels: int = 1,
        tones_hz: tuple[float, ...] = (1_000.0,),
        amplitude: float = 0.1,
        seconds: float = 2.0,
        **layout: str,
    ) -> Path:
        time_s = np.arange(round(seconds * rate_hz)) / rate_hz
        tone = amplitude * sum(np.sin(2 * np.pi * hz * time_s) for hz in tones_hz)
        quiet = np.zeros(rate_hz // 2)
        path = tmp_path / file_name
        samples = np.repeat(np.concatenate([quiet, tone, quiet])[:, None], channels, axis=1)
        soundfile.write(str(path), samples, rate_hz, **layout)
        return path

    return write


@pytest.fixture
def meter() -> Meter:
    """The level of one frequency in dB, through a window whose own leakage is below -90 dB."""

    def read(samples: Samples, rate_hz: int, hz: float) -> float:
        ramp = 2 * np.pi * np.arange(samples.size) / samples.size
        window = 0.35875 - 0.48829 * np.cos(ramp) + 0.14128 * np.cos(2 * ramp) - 0.01168 * np.cos(3 * ramp)
        turning = np.exp(-2j * np.pi * hz * np.arange(samples.size) / rate_hz)
        return float(20 * np.log10(2 * abs((samples * window) @ turning) / window.sum() + 1e-30))

    return read


@pytest.fixture
def espeak() -> str:
    program = shutil.which("espeak-ng")
    if program is None:
        pytest.skip("espeak-ng is not installed: apt install espeak-ng")
    return program


@pytest.fixture
def contents() -> Callable[[Path], dict[str, bytes]]:
    """Every file below a folder with what it holds."""

    def read(folder: Path) -> dict[str, bytes]:
        return {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }

    return read
