"""Random scenarios for random flows: who calls whom, with what money, and what caller and callees do."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import strategies as st

from ringflow.simulator.line import QUESTION
from ringflow.simulator.random_flows import RandomFlows, Vocabulary, Written, one_in, random_flows

CLI, OTHER_CLI, STRANGER = "441910000001", "441910000002", "441910000099"
CARD_ID, PIN, OTHER_PIN = "100000000008", "1234", "905718"
VOUCHER = "1000000000000008"
KEYS = (
    "441234567890#", "4412#", "#", "*", "1", "2", "12", "0", "49301234567890", "49301234567890#", "99",
    "1234567890123456789", f"{CARD_ID}#", CARD_ID, f"{PIN}#", f"{CARD_ID} {PIN}#", f"{OTHER_PIN}#",
    VOUCHER, f"{VOUCHER}#", "1000000000000016#", "112#", "*1#", "A",
)  # fmt: skip
"""What random callers key: numbers, cards, PINs, vouchers, and what is none of them."""
FITTING = {
    "CARD/number": (f"{CARD_ID}#", CARD_ID),
    "CARD/pin": (f"{PIN}#", f"{PIN}#", f"{OTHER_PIN}#"),
    "CARD/voucher": (VOUCHER, f"{VOUCHER}#"),
}
"""What is asked for by the prompts that slots have by themselves."""
MAX_REPLIES = 6
REFUSALS = (400, 403, 404, 410, 433, 451, 480, 486, 487, 488, 499, 500, 502, 503, 504, 555, 600, 603, 699)


_Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def durations(*milliseconds: int) -> st.SearchStrategy[str]:
    """Lengths of time as scenarios write them."""
    return st.sampled_from([f"{one}ms" for one in milliseconds])


_PACE = {"after": durations(0, 300, 1500), "every": durations(200, 400)}


@st.composite
def random_documents(draw: st.DrawFn, words: Vocabulary) -> str:
    """The text of a scenario file: flows of its own, and one scenario that expects nothing in particular."""
    flows = draw(random_flows(words))
    written = {app: {"app": app, "slots": [one for _, one in slots]} for app, slots in flows.apps.items()}
    document: Written = {"flow": written.pop("main")}
    if written:
        document["flows"] = written
    document["scenarios"] = [{"name": "random", **draw(_scenario(flows)), "expect": {}}]
    return str(yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=110))


@st.composite
def _scenario(draw: st.DrawFn, flows: RandomFlows) -> Written:
    given = draw(_given())
    # One who waits to hear what never comes never leaves: only for flows that end by themselves.
    ends = not flows.loops and all(slot.ends_by_itself for app in flows.apps.values() for slot, _ in app)
    listens = ends and not draw(one_in(5))
    caller = _replies(_asked(flows)) if listens else _steps()
    scenario: Written = {"given": given, "caller": draw(caller), "callee": draw(_callees(flows.loops))}
    scenario |= draw(st.fixed_dictionaries({}, optional={"call": _call()}))
    if "rates" in given and draw(st.booleans()):
        scenario["top_up"] = {"after": draw(durations(500, 2000, 5000)), "amount": "1.00"}
    return scenario


def _asked(flows: RandomFlows) -> list[str]:
    """The prompts that slots may ask for something by, and that it is known what it is."""
    prompts = {prompt for slots in flows.apps.values() for slot, _ in slots for _, prompt in slot.prompts()}
    return [prompt for prompt in FITTING if prompt in prompts]


@st.composite
def _replies(draw: st.DrawFn, asked: list[str]) -> list[Written]:
    """A caller who listens, and keys what may have been asked for."""
    fitting = [keys for prompt in asked for keys in FITTING[prompt]] or ["441234567890#", "1"]
    keys = st.sampled_from(fitting) | st.sampled_from(fitting) | st.sampled_from(KEYS)
    steps: list[Written] = []
    for _ in range(draw(st.integers(1, MAX_REPLIES))):
        hears: Written = {"hears": QUESTION}
        if draw(st.booleans()):
            hears["for"] = draw(durations(100, 500, 900))
        steps += [hears, {"keys": draw(keys)} | draw(st.fixed_dictionaries({}, optional=_PACE))]
    if draw(st.booleans()):
        heard = draw(st.sampled_from(["ringing", "callee"]))
        hangs_up = {"hangs_up": True, "after": draw(durations(300, 1000, 4000))}
        steps += [{"hears": heard, "for": draw(durations(200, 1500))}, hangs_up]
    return steps


@st.composite
def _given(draw: st.DrawFn) -> Written:
    given: Written = {}
    customer: Written = {"id": 42, "clis": [CLI]}
    if draw(st.booleans()):
        given["rates"] = draw(_rates())
        amounts = st.sampled_from(["0", "0.05", "0.20", "1.00", "25.00"])
        limits = {"credit": amounts, "debit_limit": amounts, "daily_limit": amounts}
        customer |= draw(st.fixed_dictionaries({}, optional=limits))
    optional: dict[str, st.SearchStrategy[Any]] = {
        "channels": st.just(1),
        "caller_id": st.just("442071234567"),
        "status": st.sampled_from(["active", "inactive", "penalty", "pending"]),
    }
    if draw(one_in(6)):
        customer |= draw(st.fixed_dictionaries({}, optional=optional))
    given["customers"] = [customer, {"id": 43, "clis": [OTHER_CLI]}]
    given["uri_hosts"] = ["pbx.example"]
    if draw(st.booleans()):
        given["trunks"] = draw(_trunks("rates" in given))
    if draw(one_in(5)):
        given["did"] = draw(_did())
    if draw(st.booleans()):
        given["cards"] = draw(_cards())
        given["vouchers"] = [{"code": VOUCHER, "value": "2.00", "status": draw(_STATUS)}]
    if draw(one_in(4)):
        given["manager"] = False
    return given


_STATUS = st.sampled_from(["available", "available", "disabled"])


@st.composite
def _rates(draw: st.DrawFn) -> list[Written]:
    optional: dict[str, st.SearchStrategy[Any]] = {
        "connection": st.sampled_from(["0", "0.05"]),
        "minimum": st.sampled_from([1, 6, 60]),
        "increment": st.sampled_from([1, 6, 60]),
        "grace": st.sampled_from([0, 1]),
    }
    price = st.sampled_from(["0", "0.20", "1.00", "9.00"])
    one = st.fixed_dictionaries({"prefix": st.just("44"), "price": price}, optional=optional)
    return [draw(one), {"prefix": "49", "price": "0.30"}]


@st.composite
def _trunks(draw: st.DrawFn, rated: bool) -> list[Written]:
    optional: dict[str, st.SearchStrategy[Any]] = {
        "number_form": st.sampled_from(["e164", "+e164", "00", "national"]),
        "number_prefix": st.just("99"),
        "caller_id": st.just("442079999999"),
        "headers": st.just({"X-Route": "a"}),
    }
    trunks = []
    for number in range(draw(st.integers(1, 3))):
        name = f"trunk{number + 1}"
        trunk: Written = {"name": name, "dial": f"PJSIP/{{number}}@{name}"}
        if draw(st.booleans()):
            trunk |= draw(st.fixed_dictionaries({}, optional=optional))
        trunks.append(trunk | ({"rated": "local"} if rated else {}))
    return trunks


def _did() -> st.SearchStrategy[Written]:
    optional: dict[str, st.SearchStrategy[Any]] = {
        "identify": st.sampled_from(["cli", "none"]),
        "customer": st.just(43),
        "reject_code": st.sampled_from([403, 480, 603]),
        "withheld": st.sampled_from(["reject", "identify"]),
        "channels": st.just(1),
    }
    return st.fixed_dictionaries({}, optional=optional)


@st.composite
def _cards(draw: st.DrawFn) -> list[Written]:
    optional: dict[str, st.SearchStrategy[Any]] = {"status": _STATUS, "expired": st.booleans()}
    card: Written = {"id": CARD_ID, "pin": PIN, "credit": draw(st.sampled_from(["0", "3.00"]))}
    return [card | draw(st.fixed_dictionaries({}, optional=optional))]


@st.composite
def _call(draw: st.DrawFn) -> Written:
    call: Written = {"did": "18005550100"}
    caller = draw(
        st.sampled_from(
            [CLI, CLI, CLI, CLI, CLI, CLI, OTHER_CLI, OTHER_CLI, STRANGER, f"+{CLI}", "anonymous", None]
        )
    )
    if caller is not None:
        call["from"] = caller
        if caller != "anonymous" and draw(one_in(5)):
            call["presentation"] = "restricted"
    return call


@st.composite
def _steps(draw: st.DrawFn) -> list[Written]:
    """A caller who keys without listening, and leaves at last."""
    keys = st.fixed_dictionaries({"keys": st.sampled_from(KEYS)}, optional=_PACE)
    held = st.sampled_from(["#", "*", "1"]).map(lambda key: {"keys": key, "tone": "1500ms"})
    waits = durations(500, 2000, 4000).map(lambda text: {"waits": text})
    steps = draw(st.lists(keys | waits | held, max_size=6))
    return [*steps, {"hangs_up": True, "after": draw(durations(500, 8000, 20_000, 60_000, 300_000))}]


def _callees(loops: bool) -> st.SearchStrategy[list[Written]]:
    """Who is met. A caller's time begins with a sound: in a loop without any nobody would ever leave."""
    # Ringing lasts for whole seconds: what comes at the same moment may come before or after it.
    heard: dict[str, st.SearchStrategy[Any]] = {"early_media": st.booleans()}
    answers = st.fixed_dictionaries(
        {"answers_after": durations(0, 300, 1400, 2600), "hangs_up_after": durations(500, 2000, 5000)},
        optional=heard | {"keys": st.sampled_from(["1", "*#"]), "keys_after": durations(200, 1000)},
    )
    mute = [] if loops else ["trying", "silent"]
    waits = st.sampled_from(["no_answer", "unavailable", *mute]).map(lambda does: {"does": does})
    ways: dict[str, st.SearchStrategy[Any]] = {"after": durations(0, 200, 1200), "rings": st.booleans()}
    refusals = st.fixed_dictionaries({"does": st.sampled_from(["busy", "congestion"])}, optional=ways | heard)
    codes = st.fixed_dictionaries(
        {"does": st.just("refuse"), "code": st.sampled_from(REFUSALS)}, optional=ways | heard
    )
    return st.lists(answers | answers | waits | refusals | codes, min_size=1, max_size=3)
