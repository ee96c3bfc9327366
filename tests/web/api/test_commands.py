"""Whatever a command does a program can do too, or there is a reason why not.

A new command needs a row here: the operations that do the same, or the reason why there is none. `LATER`
marks what has no operation yet.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from ringflow.cli import build
from ringflow.web.api.routes import RESOURCES

LATER = "later"
MACHINE = "it works on files and processes of the machine that it is called on"
KEYS = "it changes secrets that servers read from files or the environment, which no answer may hold"
TERMINAL = "it is for a person at a terminal"

BY_OPERATION: dict[str, tuple[str, ...]] = {
    "did add": ("add_did",),
    "calendar import": ("import_calendar",),
    "did import": ("import_dids",),
    "customer import": ("import_customers",),
    "cli import": ("import_clis",),
    "speed-dial import": ("import_speed_dials",),
    "value-list entry export": ("list_value_list_entries",),
    "value-list entry import": ("import_value_list_entries",),
    "rate import": ("import_rate_sheet",),
    "rate export": ("export_rate_card",),
    "rate compare": ("compare_rate_card",),
    "rate diff": ("diff_rate_cards",),
    "ledger check": ("check_the_books",),
    "did list": ("list_dids",),
    "script list": ("list_scripts", "show_script"),
    "script check": ("check_script_text",),
    "script run": ("run_script",),
    "script history": ("list_script_revisions", "show_script_text"),
    "script diff": ("compare_script_texts",),
    "script publish": ("publish_script", "publish_script_text"),
    "script rollback": ("roll_back_script",),
    "did show": ("show_did",),
    "did set": ("alter_did",),
    "did delete": ("delete_did",),
    "customer add": ("add_customer",),
    "customer list": ("list_customers",),
    "customer show": ("show_customer",),
    "customer set": ("alter_customer",),
    "customer password": ("make_service_password", "remove_service_password"),
    "customer delete": ("delete_customer",),
    "customer login add": ("add_customer_login",),
    "customer login list": ("list_customer_logins",),
    "customer login password": ("put_customer_password",),
    "customer login delete": ("delete_customer_login",),
    "customer token add": ("add_customer_token",),
    "customer token list": ("list_customer_tokens",),
    "customer token revoke": ("revoke_customer_token",),
    "cli add": ("add_cli", "add_cli_code"),
    "cli list": ("list_clis",),
    "cli show": ("show_cli",),
    "cli set": ("alter_cli",),
    "cli delete": ("delete_cli",),
    "cli bulk": ("change_clis",),
    "cli code list": ("list_cli_codes",),
    "cli code show": ("show_cli_code",),
    "cli code rotate": ("rotate_cli_code",),
    "cli code delete": ("delete_cli_code",),
    "speed-dial add": ("add_speed_dial",),
    "speed-dial list": ("list_speed_dials",),
    "speed-dial show": ("show_speed_dial",),
    "speed-dial set": ("alter_speed_dial",),
    "speed-dial delete": ("delete_speed_dial",),
    "trunk add": ("add_trunk",),
    "trunk list": ("list_trunks",),
    "trunk show": ("show_trunk", "show_trunk_headers"),
    "trunk set": ("alter_trunk", "reorder_trunks"),
    "trunk delete": ("delete_trunk",),
    "calendar add": ("add_calendar",),
    "calendar list": ("list_calendars",),
    "calendar show": ("show_calendar",),
    "calendar entries": ("list_calendar_entries",),
    "calendar set": ("alter_calendar",),
    "calendar add-days": ("add_calendar_days",),
    "calendar delete-entry": ("delete_calendar_entry",),
    "calendar refresh": ("refresh_one_calendar",),
    "calendar delete": ("delete_calendar",),
    "override set": ("put_one_override",),
    "override list": ("list_overrides",),
    "override clear": ("delete_override",),
    "card list": ("list_cards",),
    "card export": ("list_cards",),
    "card show": ("show_one_card", "list_card_history"),
    "card generate": ("generate_cards", "fetch_job_file"),
    "card set": ("change_card", "change_batch", "change_cards"),
    "card disable": ("disable_card", "disable_batch", "change_cards"),
    "card enable": ("enable_card", "enable_batch", "change_cards"),
    "card delete": ("delete_card", "delete_batch", "change_cards"),
    "card redeem": ("redeem_card",),
    "card discard": ("discard_unfinished_batch",),
    "voucher generate": ("generate_vouchers", "fetch_job_file"),
    "customer bulk": ("change_customers",),
    "did bulk": ("change_dids",),
    "voucher bulk": ("change_vouchers",),
    "voucher disable": ("disable_voucher",),
    "voucher enable": ("enable_voucher",),
    "voucher delete": ("remove_voucher",),
    "voucher redeem": ("redeem_voucher",),
    "card batches": ("list_batches", "show_one_batch"),
    "voucher list": ("list_vouchers",),
    "voucher show": ("show_one_voucher",),
    "ledger show": ("show_account", "list_accounts", "list_movements"),
    "ledger statement": ("show_statement",),
    "ledger pay-in": ("pay",),
    "ledger pay-out": ("pay",),
    "ledger adjust": ("pay",),
    "ledger transfer": ("transfer",),
    "ledger refund": ("refund",),
    "ledger limit": ("alter_limits", "show_limits"),
    "ledger movements": ("list_movements",),
    "ledger holds": ("list_holds",),
    "rate set-rate": ("set_rate_of_prefix", "show_rates_of_prefix"),
    "rate delete-rate": ("delete_rate_of_prefix",),
    "rate delete": ("delete_rate_card",),
    "rate add": ("add_rate_card",),
    "rate set": ("alter_rate_card",),
    "rate list": ("list_rate_cards", "show_rate_card"),
    "rate show": ("list_rates",),
    "rate assign": (
        "assign_rate_card_to_customer",
        "assign_rate_card_to_trunk",
        "alter_rate_card",
        "list_assignments",
    ),
    "rate unassign": ("unassign_rate_card_of_customer", "unassign_rate_card_of_trunk"),
    "rate quote": ("quote_for_customer", "quote_for_trunk"),
    "rate map list": ("list_rate_maps", "show_rate_map", "put_rate_map"),
    "rate map delete": ("delete_rate_map",),
    "value-list add": ("add_value_list",),
    "value-list list": ("list_value_lists",),
    "value-list show": ("show_value_list",),
    "value-list set": ("alter_value_list",),
    "value-list delete": ("delete_value_list",),
    "value-list entry add": ("add_value_list_entry",),
    "value-list entry list": ("list_value_list_entries",),
    "value-list entry show": ("show_value_list_entry",),
    "value-list entry remove": ("remove_value_list_entry",),
    "record list": ("list_calls",),
    "record show": ("show_call",),
    "recording list": ("list_recordings",),
    "recording show": ("show_one_recording",),
    "recording export": ("take_out_recording",),
    "recording delete": ("delete_recording", "delete_recordings_of_call"),
    "live list": ("list_live_calls",),
    "live hangup": ("hang_up",),
    "live originate": ("originate", "show_origination"),
    "live redirect": ("redirect",),
    "live play": ("play",),
    "live say": ("say",),
    "live watch": ("watch_all_calls", "watch_call"),
    "report calls": (
        "report_calls_by_customer",
        "report_calls_by_trunk",
        "report_calls_by_day",
        "report_calls_by_destination",
    ),
    "operator list": ("list_operators",),
    "operator show": ("show_operator",),
    "operator password": ("change_operators_own_password",),
    "operator invite": ("invite_operator",),
    "operator reset": ("make_password_link", "reset_second_factor"),
    "operator sign-out": ("end_operator_sessions",),
    "operator add": ("add_operator",),
    "operator change": ("alter_operator",),
    "operator disable": ("disable_operator",),
    "operator enable": ("enable_operator",),
    "role add": ("add_role",),
    "role list": ("list_roles",),
    "role change": ("alter_role",),
    "role delete": ("delete_role",),
    "token add": ("add_token", "add_operators_own_token"),
    "token revoke": ("revoke_token", "revoke_operators_own_token"),
    "role show": ("show_role",),
    "token list": ("list_tokens",),
    "audit list": ("list_changes",),
    "call": ("simulate",),
    "test": ("list_scenarios", "run_scenarios", "start_scenarios"),
    "check": ("check_flow_text", "list_flows"),
    "schema": ("show_flow_schema", "show_scenario_schema"),
    "flow new": ("list_flow_templates", "add_new_flow"),
    "flow list": ("list_flows",),
    "flow show": ("show_flow", "show_flow_text"),
    "flow history": ("list_flow_revisions",),
    "flow diff": ("compare_flow_texts",),
    "flow publish": ("publish_flow_text", "publish_flow", "publish_flows"),
    "flow rollback": ("roll_back_flow",),
    "flow draft list": ("list_drafts",),
    "flow draft show": ("show_draft",),
    "flow draft save": ("save_draft",),
    "flow draft check": ("check_flow_text",),
    "flow draft discard": ("delete_draft",),
    "record export": ("list_calls",),
    "sounds import": ("upload_prompt",),
    "sounds say": ("speak_prompt",),
    "sounds list": ("list_prompts",),
    "sounds check": ("list_prompts",),
    "asterisk check": ("show_status",),
}

WITHOUT: dict[str, str] = {
    **dict.fromkeys(("init", "serve", "backup", "restore"), MACHINE),
    **dict.fromkeys(("service install", "service uninstall", "asterisk config"), MACHINE),
    **dict.fromkeys(("lab up", "lab down", "lab status", "lab logs", "lab call"), MACHINE),
    **dict.fromkeys(("key generate", "key new", "key list", "key use", "key drop"), KEYS),
    **dict.fromkeys(("key make", "key verify", "card pepper new", "card pepper list"), KEYS),
    **dict.fromkeys(("dial", "completion", "flow draft edit"), TERMINAL),
    **dict.fromkeys(("sounds words",), LATER),
    "sounds build": MACHINE,
}


def commands(command: Any, *words: str) -> Iterator[str]:
    below = getattr(command, "commands", {})
    if not below:
        yield " ".join(words)
    for word, one in below.items():
        yield from commands(one, *words, word)


def test_every_command_has_an_operation_or_a_reason_why_not() -> None:
    every = {one for one in commands(typer.main.get_command(build())) if not one.startswith("bench ")}
    assert BY_OPERATION.keys() & WITHOUT.keys() == set()
    assert BY_OPERATION.keys() | WITHOUT.keys() == every


def test_every_operation_that_is_named_is_there() -> None:
    known = {operation.name for resource in RESOURCES for operation in resource.operations}
    named = {name for names in BY_OPERATION.values() for name in names}
    assert named - known == set()
