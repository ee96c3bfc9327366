"""Prompts: the library that calls are played from, and what makes it.

Only the library is imported here, so playing prompts needs nothing of what converts them.
"""

from ringflow.sounds.library import PromptLibrary, is_prompt_name

__all__ = ["PromptLibrary", "is_prompt_name"]
