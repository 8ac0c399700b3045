"""What the admin API asks of the server it runs in: the LiteLLM proxy, or one that serves nothing else."""

from __future__ import annotations

import hashlib
from typing import Protocol


class Host(Protocol):
    """Called from several threads at once."""

    @property
    def serves_calls(self) -> bool:
        """Do model calls, and so the completion of jobs, happen in this server?"""

    @property
    def litellm_version(self) -> str | None:
        """None where LiteLLM doesn't run."""

    def is_operator_key(self, key: str) -> bool:
        """Does this key, besides the setting `admin_key`, make its bearer the operator? Compares in constant time."""

    def operator_key_digest(self) -> bytes:
        """SHA-256 of that key; of nothing where there is none. It stays in this process."""

    def can_route(self, litellm_model: str) -> bool | None:
        """Would LiteLLM find a deployment for this model? None where that can't be told."""

    def litellm_models(self) -> list[str]:
        """The names, sorted, under which LiteLLM has deployments, patterns like 'openai/*' among them."""

    def hook_loaded(self) -> bool | None:
        """Is the hook that decides about calls in place? None where there are no calls."""

    def trouble(self) -> str | None:
        """A sentence on calls that had to be refused for a fault of the proxy's own, if there were any lately."""

    def ledger_transactions(self) -> int | None:
        """How many transactions this process's ledger has committed. None where there is no ledger's writer."""


class StandaloneHost:
    """A server of the admin API alone."""

    serves_calls = False
    litellm_version: str | None = None

    def is_operator_key(self, key: str) -> bool:  # noqa: ARG002 there is no other key here
        return False

    def operator_key_digest(self) -> bytes:
        return hashlib.sha256().digest()

    def can_route(self, litellm_model: str) -> bool | None:  # noqa: ARG002 nothing is routed here
        return None

    def litellm_models(self) -> list[str]:
        return []

    def hook_loaded(self) -> bool | None:
        return None

    def trouble(self) -> str | None:
        return None

    def ledger_transactions(self) -> int | None:
        return None
