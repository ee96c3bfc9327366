"""Free ports are given to one who asks for them, in whichever process."""

import socket
import subprocess
import sys
from collections import deque
from pathlib import Path

import pytest

from ringflow.lab import ports

# Where the kernel begins to give ports to whoever does not ask for one.
FIRST_OF_THE_KERNEL = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text("ascii").split()[0])


def test_no_port_is_given_twice_before_it_is_bound() -> None:
    given = [ports.free_udp_port() for _ in range(50)] + [ports.free_tcp_port() for _ in range(50)]
    assert len(set(given)) == 100
    assert max(given) < FIRST_OF_THE_KERNEL


def test_another_process_is_not_given_it_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "_SINGLES", [ports.free_udp_port()])
    only = f"from ringflow.lab import ports; ports._SINGLES = {ports._SINGLES}; print(ports.free_udp_port())"
    done = subprocess.run([sys.executable, "-c", only], capture_output=True, text=True, timeout=30)
    assert done.stderr.splitlines()[-1] == "OSError: no free port on 127.0.0.1"


def test_a_bound_port_is_not_given_after_its_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "_CLAIM_S", 0.0)
    monkeypatch.setattr(ports, "_claims", deque())
    monkeypatch.setattr(ports, "_SINGLES", [port := ports.free_udp_port()])
    assert ports.free_udp_port() == port, "bound by nobody, it may be given again"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as owner:
        owner.bind(("127.0.0.1", port))
        with pytest.raises(OSError, match="no free port"):
            ports.free_udp_port()


def test_rows_do_not_overlap() -> None:
    first, second = ports.free_udp_range(600), ports.free_udp_range(600)
    assert abs(first - second) >= 600
    assert first % 2 == second % 2 == 0


def test_a_long_row_takes_all_the_short_ones_that_it_touches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "_ROW_LENGTH", 1_000)
    monkeypatch.setattr(ports, "_ROWS", range(61_000, 64_000, 1_000))
    assert ports.free_udp_range(2_001) == 61_000
    with pytest.raises(OSError, match="no 10 free UDP ports"):
        ports.free_udp_range(10)
    with pytest.raises(OSError, match="no 3001 free UDP ports"):
        ports.free_udp_range(3_001)


def test_short_rows_leave_room_for_a_long_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "_ROW_LENGTH", 400)
    monkeypatch.setattr(ports, "_ROWS", range(61_100, 65_100, 400))
    assert [ports.free_udp_range(400) for _ in range(4)] == [61_100, 61_500, 61_900, 62_300]
    assert ports.free_udp_range(1_200) == 63_900
    assert ports.free_udp_range(1_200) == 62_700


def test_rows_that_were_claimed_in_vain_are_free_for_others_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "_ROW_LENGTH", 1_000)
    monkeypatch.setattr(ports, "_ROWS", range(50_000, 53_000, 1_000))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as owner:
        owner.bind(("127.0.0.1", 52_500))
        with pytest.raises(OSError, match="no 3000 free UDP ports"):
            ports.free_udp_range(3_000)
    assert {ports.free_udp_range(10) for _ in range(3)} == {50_000, 51_000, 52_000}
