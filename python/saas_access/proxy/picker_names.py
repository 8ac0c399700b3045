"""The forms that LiteLLM's listing for Claude Code gives a model's name (`claude-router-<hex>`, `X[1m]`) and the
client sends back.
"""

from __future__ import annotations

from dataclasses import dataclass

from litellm.proxy.common_utils.model_listing_utils import claude_code_group_name


@dataclass(frozen=True, slots=True)
class _AnyBut:
    """Stands for the names that may be meant: any but the form itself, since that they exist is decided elsewhere."""

    form: str

    def __contains__(self, name: object) -> bool:
        return name != self.form


def decoded(name: str) -> str:
    """The alias behind a picker's form; the name itself where it is none. Only LiteLLM's canonical encoding is one."""
    while (plain := claude_code_group_name(name, _AnyBut(name))) is not None:
        name = plain
    return name
