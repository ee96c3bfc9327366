"""What to tell of apps that calls cannot reach: no flow has them, or their files have problems."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ringflow.config import Config
from ringflow.errors import DocumentError
from ringflow.wording import did_you_mean, known_words


def app_trouble(config: Config, names: Iterable[str]) -> Iterator[str]:
    """Yield a line for each app that no flow of the folder has, or whose file has problems.

    None where the folder cannot be read: the flows are elsewhere then.
    """
    # Loading what slots need takes as long as all the rest of a command.
    from ringflow.flows.check import check_flows
    from ringflow.flows.folder import FlowFolder, shown_path
    from ringflow.flows.registry import slot_types
    from ringflow.flows.surroundings import configured_surroundings
    from ringflow.sounds.library import PromptLibrary

    folder = config.path(config.flows)
    try:
        found, _ = FlowFolder(folder, slot_types()).drafts()
    except DocumentError:
        return
    drafts = list(found.values())
    files = {draft.app: draft.path for draft in drafts if draft.app is not None}
    surroundings = configured_surroundings(config, PromptLibrary(config.path(config.sounds.folder)))
    faulty = {problem.path for problem in check_flows(drafts, surroundings)}
    for name in sorted(set(names)):
        if name not in files:
            mend = did_you_mean(name, files, f"apps: {known_words(files)}" if files else "there are no flows")
            yield f"{shown_path(folder)} has no app {name} ({mend}): calls are rejected until it has"
        elif files[name] in faulty:
            yield (
                f"{files[name]} has problems, which `ringflow check` names: until they are mended, calls to "
                f"{name} get the file's last version without problems, or are rejected where there is none"
            )
