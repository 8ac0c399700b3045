"""The least authentication and pre-call hook that a LiteLLM proxy can have: what saas_access is compared to."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from litellm.integrations.custom_logger import CustomLogger
from litellm.proxy._types import LitellmUserRoles, UserAPIKeyAuth

_ANYBODY = UserAPIKeyAuth(api_key="constant", team_id="team", user_role=LitellmUserRoles.INTERNAL_USER)


async def user_api_key_auth(_request: Request, _api_key: str) -> UserAPIKeyAuth:
    return _ANYBODY


class NoHook(CustomLogger):
    """Does nothing before a call."""

    async def async_pre_call_hook(
        self,
        user_api_key_dict: UserAPIKeyAuth,  # noqa: ARG002 LiteLLM passes them by name
        cache: Any,  # noqa: ARG002
        data: dict[str, Any],
        call_type: str,  # noqa: ARG002
    ) -> dict[str, Any]:
        return data


no_hook = NoHook()
