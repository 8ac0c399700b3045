"""Organizations, teams, model access groups and credits for the LiteLLM proxy."""

from __future__ import annotations

from importlib.metadata import version

from saas_access._core import Conflict, CoreError, Invalid, NotFound, PreconditionFailed, StoreUnavailable

__version__ = version("saas-access")

__all__ = [
    "Conflict",
    "CoreError",
    "Invalid",
    "NotFound",
    "PreconditionFailed",
    "StoreUnavailable",
    "__version__",
]
