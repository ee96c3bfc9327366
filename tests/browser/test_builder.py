"""The builder of flows, in a browser: as a newcomer uses it, with and without a mouse."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from tests.browser.conftest import PASSWORD, Console


def text_of(page: Page) -> str:
    """The YAML as it is shown."""
    return "\n".join(page.locator(".text .cm-line").all_text_contents())


def draft_text(console: Console, app: str) -> str:
    answer = console.page.request.get(f"{console.server.url}/api/v1/flows/{app}/draft")
    return answer.text() if answer.ok else ""


def new_app(console: Console, name: str) -> Page:
    page = console.open("/apps")
    page.get_by_role("button", name="New app").click()
    page.get_by_role("textbox", name="App").fill(name)
    page.get_by_role("button", name="Make it").click()
    page.get_by_role("heading", name=name).wait_for()
    expect(page.get_by_role("button", name="No slot yet")).to_be_visible()
    return page


def test_the_apps_are_a_list_and_all_flows_can_be_searched(console: Console) -> None:
    page = console.open("/apps")
    expect(page.get_by_text("Prepaid calling card", exact=True)).to_be_visible()
    expect(
        page.get_by_role("row").filter(has_text="prepaid_card").get_by_text("0", exact=True)
    ).to_be_visible()
    console.screenshots("apps")
    page.get_by_role("button", name="Search in all flows").click()
    page.get_by_role("searchbox", name="Search in all flows").fill("MISC/goodbye")
    page.keyboard.press("Enter")
    hit = page.get_by_role("dialog").get_by_role("link", name="prepaid_card")
    expect(hit).to_be_visible()
    console.accessible()
    hit.click()
    expect(page.get_by_role("heading", name="Hang up", level=2)).to_be_visible()


def test_a_shipped_flow_is_shown_as_a_picture_a_list_a_form_and_its_text(console: Console) -> None:
    page = console.open("/apps/prepaid_card")
    expect(page.get_by_role("button", name="No problems")).to_be_visible()
    page.locator(".svelte-flow__node", has_text="Authenticate").first.click()
    expect(page.get_by_role("heading", name="Authenticate", level=2)).to_be_visible()
    expect(page.locator(".text .cm-chosen").first).to_contain_text("slot: authenticate")
    console.screenshots("builder-picture")
    page.get_by_role("button", name="List", exact=True).click()
    page.get_by_role("button", name="Number number").click()
    console.screenshots("builder-list", [("desktop", "dark"), ("telephone", "light")])
    console.look("telephone", "light")
    page.get_by_role("button", name="Slot", exact=True).click()
    console.screenshots("builder-slot", [("telephone", "light")])
    console.look("telephone", "light")
    page.get_by_role("button", name="YAML").click()
    console.screenshots("builder-text", [("telephone", "dark")])


def test_a_newcomer_drags_the_pinless_calling_card_together_calls_it_and_publishes_it(
    console: Console,
) -> None:
    page = console.open("/apps")
    page.get_by_role("button", name="New app").click()
    page.get_by_role("textbox", name="App").fill("My card")
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_text("such as My_card.")).to_be_visible()
    page.get_by_role("textbox", name="App").fill("survey")
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_text("There is an app survey already.")).to_be_visible()
    page.get_by_role("textbox", name="App").fill("my_card")
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_role("button", name="No slot yet")).to_be_visible()
    canvas = page.locator(".canvas .picture")
    page.get_by_role("button", name="IVR", exact=True).drag_to(canvas)
    expect(page.locator(".svelte-flow__node-slot")).to_have_count(1)
    page.get_by_role("button", name="Destination", exact=True).drag_to(canvas)
    expect(page.locator(".svelte-flow__node-slot")).to_have_count(2)
    expect(page.get_by_label("External")).to_have_value("${ivr_destination}")
    expect(page.get_by_role("button", name="No problems")).to_be_visible()
    expect(page.get_by_text("Draft saved by ann")).to_be_visible()
    console.screenshots("builder-newcomer", [("desktop", "light"), ("telephone", "dark")])
    text = draft_text(console, "my_card")
    assert text == (
        "# yaml-language-server: $schema=./flow.schema.json\n"
        "app: my_card\n"
        "slots:\n"
        "  - slot: ivr\n"
        "    file: IVR/ivr-please\n"
        "    invalid_file: MISC/error\n"
        "    min: 11\n"
        "    max: 14\n"
        '    terminators: "#"\n'
        "    result: ivr_destination\n"
        "  - slot: destination\n"
        "    external: ${ivr_destination}\n"
    )
    page.get_by_role("button", name="Call this flow").click()
    telephone = page.get_by_role("region", name="Telephone")
    telephone.get_by_role("button", name="Call", exact=True).click()
    expect(telephone.get_by_text("in ivr[1] of my_card")).to_be_visible()
    page.keyboard.type("441234567890#")
    expect(telephone.get_by_text("Ringing", exact=True)).to_be_visible()
    expect(telephone.get_by_text("PJSIP/441234567890@carrier")).to_be_visible()
    telephone.get_by_role("button", name="Busy").click()
    expect(telephone.get_by_text("The call is over")).to_be_visible()
    page.get_by_role("button", name="Close the telephone").click()
    page.get_by_role("button", name="Publish").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("This app is new")).to_be_visible()
    console.accessible()
    dialog.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("As it runs")).to_be_visible()
    page.get_by_role("button", name="Lead a DID here").click()
    dialog.get_by_label("Number that callers dial").fill("18005550100")
    dialog.get_by_role("button", name="Lead it here").click()
    expect(dialog.get_by_text("18005550100 leads to calling_card now.")).to_be_visible()
    console.screenshots("builder-lead-did", [("desktop", "light"), ("telephone", "dark")])
    dialog.get_by_label("Number that callers dial").fill("18005550177")
    dialog.get_by_role("button", name="Lead it here", exact=True).click()
    expect(page.locator(".svelte-flow__node-entry")).to_contain_text("18005550177")
    expect(page.get_by_role("button", name="Lead a DID here")).to_have_count(0)


def test_the_same_without_a_mouse(console: Console) -> None:
    page = new_app(console, "by_keys")
    page.get_by_role("searchbox", name="Find a slot").focus()
    page.keyboard.type("ivr")
    page.keyboard.press("Enter")
    expect(page.get_by_text("IVR is inserted as slot 1")).to_be_attached()
    page.keyboard.press("Control+a")
    page.keyboard.type("dest")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Destination is inserted as slot 2")).to_be_attached()
    page.keyboard.press("Control+a")
    page.keyboard.type("hang")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Hang up is inserted as slot 3")).to_be_attached()
    page.get_by_role("button", name="List", exact=True).focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="2 Destination").focus()
    page.keyboard.press("Enter")
    busy = page.get_by_role("combobox", name="busy")
    busy.focus()
    page.keyboard.type("3. ")
    expect(page.get_by_role("button", name="3 Hang up end")).to_be_visible()
    page.get_by_role("button", name="2 Destination").focus()
    page.keyboard.press("Alt+ArrowUp")
    expect(page.get_by_role("button", name="1 Destination")).to_be_focused()
    page.keyboard.press("Control+z")
    expect(page.get_by_role("button", name="2 Destination")).to_be_visible()
    expect(page.get_by_text("Draft saved by ann")).to_be_visible()
    assert draft_text(console, "by_keys").endswith(
        "    external: ${ivr_destination}\n    on: {busy: end}\n"
        "  - slot: hangup\n    id: end\n    file: MISC/goodbye\n"
    )


def test_form_text_and_picture_agree_at_every_key_and_undo_is_one_for_all(console: Console) -> None:
    page = console.open("/apps/calling_card")
    page.locator(".svelte-flow__node-slot", has_text="IVR").first.click()
    page.get_by_label("Min", exact=True).fill("7")
    expect(page.locator(".text .cm-line", has_text="min: 7")).to_be_visible()
    page.locator(".text .cm-line", has_text="min: 7").click()
    page.keyboard.press("End")
    page.keyboard.press("Backspace")
    page.keyboard.type("9 # nine")
    expect(page.get_by_label("Min", exact=True)).to_have_value("9")
    page.keyboard.press("Enter")
    page.keyboard.type("regex: [")
    expect(page.get_by_role("button", name="Not readable as YAML")).to_be_visible()
    expect(page.locator(".svelte-flow__node-slot")).to_have_count(4)
    for _ in range(12):
        page.keyboard.press("Control+z")
    expect(page.get_by_label("Min", exact=True)).to_have_value("11")
    expect(page.get_by_role("button", name="No problems")).to_be_visible()
    page.locator(".svelte-flow__node-slot", has_text="unavailable").last.click()
    page.keyboard.press("Delete")
    expect(page.locator(".svelte-flow__node-slot")).to_have_count(3)
    page.keyboard.press("Control+z")
    expect(page.locator(".svelte-flow__node-slot")).to_have_count(4)


def test_two_people_on_one_draft_see_each_other_and_overwrite_nothing(console: Console) -> None:
    page = console.open("/apps/survey")
    page.locator(".svelte-flow__node-slot", has_text="Audio").first.click()
    url = f"{console.server.url}/api/v1/flows/survey/draft"
    theirs = (console.server.config.path(console.server.config.flows) / "survey.yaml").read_text()
    headers = {"Content-Type": "application/yaml", "If-None-Match": "*", "Origin": console.server.url}
    answer = page.request.put(url, data=theirs + "# theirs\n", headers=headers)
    assert answer.ok, answer.text()
    page.get_by_role("combobox", name="File", exact=True).fill("IVR/welcome")
    page.get_by_role("button", name="Somebody else saved this draft").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("# theirs")
    console.accessible()
    dialog.get_by_role("button", name="Take theirs").click()
    expect(page.get_by_text("Draft saved by ann")).to_be_visible()
    expect(page.get_by_role("combobox", name="File", exact=True)).to_have_value("SURVEY/welcome")
    page.keyboard.press("Escape")
    assert draft_text(console, "survey").endswith("# theirs\n")


def test_problems_stand_at_the_slot_the_field_and_the_line_and_the_certain_ones_are_mended_by_a_button(
    console: Console,
) -> None:
    page = console.open("/apps/business_line")
    page.locator(".text .cm-line", has_text="on: {no_input: desk").click()
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    # None of these letters is a key of the page, though `g` and the next one lead to other pages elsewhere.
    page.keyboard.type("repeet: 5 # gh ga ? t p")
    expect(page.locator(".text .cm-line", has_text="gh ga ? t p")).to_be_visible()
    expect(page.get_by_role("button", name="1 problem", exact=True)).to_be_visible()
    expect(page.locator(".svelte-flow__node-slot .count", has_text="1")).to_have_count(1)
    console.screenshots("builder-problem", [("desktop", "light"), ("desktop", "dark")])
    page.get_by_role("list", name="Problems of this slot").get_by_role("button", name="Remove repeet").click()
    expect(page.get_by_role("button", name="No problems")).to_be_visible()


def test_what_others_wrote_is_text_everywhere_and_stays_as_it_is(console: Console) -> None:
    page = new_app(console, "hostile")
    hostile = "<img src=x onerror=alert(1)>\u202e \u0007"
    line = f'title: "{hostile[:-1]}\\u0007"'
    page.locator(".text .cm-line", has_text="slots:").click()
    page.keyboard.press("Home")
    page.keyboard.insert_text(f"{line}\n")
    page.locator(".text .cm-line", has_text="slots:").click()
    page.keyboard.press("End")
    page.keyboard.insert_text(
        f'\n  - slot: "{hostile[:-2]}"\n    id: "</script>"\n    on: {{"{hostile[:-2]}": "javascript:x"}}'
    )
    expect(page.locator(".bar h1 + p")).to_have_text(hostile)
    expect(page.locator(".svelte-flow__node-slot")).to_contain_text("<img src=x")
    expect(page.get_by_text("Draft saved by ann")).to_be_visible()
    assert line in draft_text(console, "hostile")
    assert page.locator("img").count() == 0
    console.accessible()


def test_a_text_that_was_changed_on_disk_is_published_over_only_by_who_has_seen_it(console: Console) -> None:
    page = console.open("/apps/pinless_card")
    page.locator(".svelte-flow__node-slot", has_text="Audio").first.click()
    page.get_by_role("combobox", name="File", exact=True).fill("MISC/one-moment")
    expect(page.get_by_text("Draft saved by ann")).to_be_visible()
    file = console.server.config.path(console.server.config.flows) / "pinless_card.yaml"
    file.write_text(file.read_text() + "# by hand\n")
    page.get_by_role("button", name="Publish").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("1 slot changed")).to_be_visible()
    dialog.get_by_role("button", name="Publish", exact=True).click()
    expect(dialog.get_by_text("-# by hand")).to_be_visible()
    console.screenshots("builder-publish", [("desktop", "light"), ("telephone", "dark")])
    dialog.get_by_role("button", name="Publish over it").click()
    expect(page.get_by_text("As it runs")).to_be_visible()
    assert "MISC/one-moment" in file.read_text()
    page.get_by_role("button", name="More").click()
    page.get_by_role("button", name="Revisions").click()
    expect(dialog.get_by_text("runs now")).to_be_visible()
    dialog.get_by_role("button", name="Compare with what runs").last.click()
    expect(dialog.get_by_text("+    file: MISC/one-moment")).to_be_visible()
    console.screenshots("builder-revisions", [("desktop", "light"), ("telephone", "dark")])
    dialog.get_by_role("button", name="Roll back to it").last.click()
    expect(page.get_by_role("combobox", name="File", exact=True)).to_have_value("IVR/welcome")


def test_who_may_only_read_sees_no_buttons_that_change(console: Console) -> None:
    console.server.add_operator("vera", "viewer")
    console.page.context.clear_cookies()
    page = console.page
    login = page.request.post(
        f"{console.server.url}/api/v1/session", data={"name": "vera", "password": PASSWORD}
    )
    assert login.ok
    console.open("/apps/appointment_reminder")
    expect(page.get_by_role("button", name="No problems")).to_be_visible()
    expect(page.get_by_role("searchbox", name="Find a slot")).to_have_count(0)
    expect(page.get_by_role("button", name="Publish")).to_have_count(0)
    page.locator(".svelte-flow__node-slot", has_text="IVR").first.click()
    expect(page.get_by_role("heading", name="IVR", level=2)).to_be_visible()
    expect(page.get_by_role("button", name="Remove")).to_have_count(0)
    page.keyboard.press("Delete")
    expect(page.get_by_text("As it runs")).to_be_visible()
    console.accessible()
