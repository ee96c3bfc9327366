"""A flow file without its slots: the app's name, and what holds for all of its slots."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from ringflow.accounts.dids import APP_PATTERN, MAX_APP_LENGTH
from ringflow.flows.slot import FieldProblem
from ringflow.flows.spoken import Language
from ringflow.wording import quoted

MAX_TITLE_LENGTH = 200
MAX_SLOTS = 1000
MAX_LANGUAGES = 50


class AppSettings(BaseModel):
    """What a flow file says of the app as a whole."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    language: Language | None = None
    """The language of callers who have chosen none; without one the first of `languages`, else that of
    `config.yaml`."""
    languages: Annotated[tuple[Language, ...], Field(min_length=1, max_length=MAX_LANGUAGES)] | None = None
    """The languages that this app is for: `ringflow check` looks for its prompts and words in each."""

    @property
    def own_language(self) -> str | None:
        """The language of callers who have chosen none; None: the configured one."""
        return self.language or (self.languages[0] if self.languages else None)

    def problems(self) -> Iterator[FieldProblem]:
        """What is wrong between fields that are each right by themselves."""
        listed = self.languages or ()
        if self.language is not None and listed and self.language not in listed:
            what = f"the app's language {quoted(self.language)} is not among its `languages`"
            yield FieldProblem("language", what, "add it there, or name one of them")
        twice = next((one for one in listed if listed.count(one) > 1), None)
        if twice is not None:
            yield FieldProblem("languages", f"{quoted(twice)} is listed twice", "list it once")


class FlowHeader(AppSettings):
    """A flow file without what its slots say."""

    app: Annotated[str, Field(pattern=APP_PATTERN, max_length=MAX_APP_LENGTH)]
    """The name by which DIDs and other apps lead here."""
    title: Annotated[str, Field(max_length=MAX_TITLE_LENGTH)] = ""
    """A line for people."""
    slots: Annotated[list[Any], Field(min_length=1, max_length=MAX_SLOTS)]
    """The steps, in order."""

    def settings(self) -> AppSettings:
        """What is said of the app as a whole."""
        return AppSettings.model_construct(
            self.model_fields_set & AppSettings.model_fields.keys(),
            **{name: getattr(self, name) for name in AppSettings.model_fields},
        )
