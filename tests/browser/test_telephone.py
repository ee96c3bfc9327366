"""Calls that are made in the browser, by the keyboard and by hand."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from tests.browser.conftest import Console

NUMBER = "441234567890"


def opened(console: Console) -> Page:
    page = console.open("/")
    page.get_by_role("button", name="Telephone", exact=True).click()
    expect(page.get_by_label("Number to call")).to_be_focused()
    expect(page.get_by_label("Number to call")).to_have_value("18005550100")
    expect(page.get_by_label("Calling from")).to_have_value("441910000001")
    return page


def test_a_call_is_made_by_the_keyboard_and_its_callee_answers(console: Console) -> None:
    heard: list[str] = []
    console.page.on("request", lambda one: heard.append(one.url) if "/sound?" in one.url else None)
    page = opened(console)
    telephone = page.get_by_role("region", name="Telephone")
    console.screenshots("telephone-idle")
    page.keyboard.press("Enter")
    expect(telephone.get_by_text("Hears IVR/ivr-please", exact=True)).to_be_visible()
    expect(telephone.get_by_text("in ivr[1] of calling_card")).to_be_visible()
    page.keyboard.type(f"{NUMBER}#")
    expect(telephone.get_by_text("Ringing", exact=True)).to_be_visible()
    console.screenshots("telephone-ringing")
    expect(telephone.get_by_text(f"PJSIP/{NUMBER}@carrier")).to_be_visible()
    page.keyboard.press("a")
    expect(telephone.get_by_text("Talking", exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    expect(telephone.get_by_text("The call is over")).to_be_visible()
    expect(telephone.get_by_text("Ended: completed")).to_be_visible()
    assert any("/prompts/IVR%2Fivr-please/sound?format=wav" in one for one in heard)
    telephone.get_by_text("Save as scenario").click()
    telephone.get_by_role("button", name="Save", exact=True).click()
    expect(telephone.get_by_text("Saved with the scenarios of calling_card. It passes.")).to_be_visible()
    console.screenshots("telephone-over")
    answer = page.request.post(
        f"{console.server.url}/api/v1/flows/calling_card/scenarios:run",
        data={"names": [f"18005550100 {NUMBER} answered"]},
        headers={"Origin": console.server.url},
    )
    assert (answer.status, answer.json()["passed"]) == (200, True)


def test_a_flow_is_called_where_it_is_edited_and_its_scenarios_are_played_there(console: Console) -> None:
    page = console.open("/apps/calling_card")
    page.get_by_role("button", name="Call this flow").click()
    telephone = page.get_by_role("region", name="Telephone")
    expect(telephone.get_by_label("Answered by")).to_have_value("edited")
    expect(telephone.get_by_label("Number to call")).to_have_value("18005550100")
    telephone.get_by_role("button", name="Call", exact=True).click()
    expect(telephone.get_by_text("in ivr[1] of calling_card")).to_be_visible()
    lit = page.locator(".svelte-flow__node-slot", has=page.get_by_text("in call", exact=True))
    expect(lit).to_have_count(1)
    expect(lit).to_contain_text("ivr_destination")
    canvas = page.locator(".canvas").bounding_box()
    assert canvas is not None
    assert canvas["width"] > 600
    assert canvas["height"] > 300
    page.keyboard.type(f"{NUMBER}#")
    expect(lit).to_contain_text("Destination")
    expect(lit).to_have_count(1)
    expect(lit).to_be_in_viewport(ratio=1)
    console.screenshots("telephone-builder", [("desktop", "light"), ("desktop", "dark")])
    page.get_by_role("button", name="List", exact=True).click()
    row = page.get_by_role("button", name="Destination in call")
    expect(row).to_be_in_viewport(ratio=1)
    # Where the list has no room for two slots it is scrolled.
    page.set_viewport_size({"width": 1280, "height": 340})
    expect(row).to_be_in_viewport(ratio=1)
    console.look("telephone", "light")
    telephone.get_by_role("button", name="The whole telephone").click()
    expect(row).to_be_in_viewport(ratio=1)
    console.screenshots("telephone-builder-list", [("desktop", "light"), ("telephone", "dark")])
    console.look("telephone", "light")
    page.get_by_role("button", name="Picture", exact=True).click()
    expect(lit).to_be_in_viewport(ratio=1)
    console.screenshots("telephone-builder", [("telephone", "light")])
    telephone.get_by_role("button", name="Hang up", exact=True).click()
    expect(telephone.get_by_text("The call is over")).to_be_visible()
    expect(lit).to_have_count(0)
    page.get_by_role("button", name="Close the telephone").click()
    page.get_by_role("button", name="More").click()
    page.get_by_role("button", name="Scenarios").click()
    scenarios = page.get_by_role("dialog", name="Scenarios")
    scenarios.get_by_role("button", name="Play silence to the end").click()
    expect(scenarios.get_by_text("Passed", exact=True)).to_have_count(1)
    expect(scenarios.get_by_text("Exits that were not taken")).to_be_visible()
    # Those of the whole file are a job; what the scenarios of one call took is counted anew by it.
    scenarios.get_by_role("button", name="Play all").click()
    expect(scenarios.get_by_text("All passed", exact=True)).to_be_visible()
    console.screenshots("scenarios")
    scenarios.get_by_role("button", name="Play silence to the end").click()
    expect(scenarios.get_by_text("Playing …")).to_have_count(0)
    scenarios.get_by_role("button", name="Close").click()
    legend = page.get_by_role("group", name="Exits that scenarios took")
    expect(legend).to_contain_text("taken (")
    ivr = page.locator(".svelte-flow__node-slot", has_text="ivr_destination").first
    expect(ivr.locator(".exit", has_text="no_input")).to_contain_text("✓taken")
    expect(ivr.locator(".exit", has_text="invalid")).to_contain_text("○not taken")
    expect(page.locator(".svelte-flow__node-slot", has_text="not entered")).to_have_count(3)
    expect(page.locator(".svelte-flow__edge.not-taken")).not_to_have_count(0)
    console.screenshots("builder-coverage")
    page.get_by_role("button", name="List", exact=True).click()
    row = page.locator(".outline li", has_text="ivr_destination").first
    expect(row).to_contain_text("○not taken invalid")
    console.screenshots("builder-coverage-list", [("desktop", "light"), ("telephone", "dark")])
    page.get_by_role("button", name="Picture", exact=True).click()
    legend.get_by_role("checkbox").uncheck()
    expect(ivr.locator(".exit", has_text="invalid")).not_to_contain_text("not taken")
    expect(page.locator(".svelte-flow__edge.not-taken")).to_have_count(0)
    legend.get_by_role("checkbox").check()
    expect(ivr.locator(".exit", has_text="invalid")).to_contain_text("○not taken")
    # Slots may be others after a change, so nothing is said of them until the scenarios are played again.
    ivr.click()
    page.get_by_label("Min", exact=True).fill("7")
    expect(legend).to_contain_text("The text has changed since.")
    expect(page.locator(".svelte-flow__edge.not-taken")).to_have_count(0)
    page.get_by_role("button", name="Undo: ").click()
    expect(ivr.locator(".exit", has_text="invalid")).to_contain_text("○not taken")


def test_the_first_page_calls_the_first_flow_by_one_button(console: Console) -> None:
    page = console.open("/welcome")
    page.get_by_role("button", name="Call 18005550100").click()
    telephone = page.get_by_role("region", name="Telephone")
    expect(telephone.get_by_text("in ivr[1] of calling_card")).to_be_visible()
    page.keyboard.type(f"{NUMBER}#")
    expect(telephone.get_by_text("Ringing", exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    expect(telephone.get_by_text("The call is over")).to_be_visible()
