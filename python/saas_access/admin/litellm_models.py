"""What the proxy routes to, for choosing what a model alias shall lead to, and where its calls go."""

from __future__ import annotations

from fastapi import Response
from pydantic import Field

from saas_access.admin import routes
from saas_access.admin.answers import Answer
from saas_access.admin.routes import ServiceOf
from saas_access.admin.writes import shown

router = routes.router("Model aliases")


class LitellmModelList(Answer):
    litellm_models: list[str] = Field(examples=[["openai/gpt-4"]], description="Names that can be aliased as they are")
    patterns: list[str] = Field(examples=[["openai/*"]], description="Names that stand for all that match")
    serves_calls: bool = Field(description="Does this server take model calls itself?")
    proxy_url: str | None = Field(description="Where else they go, if this server knows", examples=[None])


@router.get("/litellm-models", response_model=LitellmModelList)
def list_litellm_models(service: ServiceOf) -> Response:
    """Sorted; none on a standalone server."""
    names = service.host.litellm_models()
    return shown(
        LitellmModelList(
            litellm_models=[name for name in names if "*" not in name],
            patterns=[name for name in names if "*" in name],
            serves_calls=service.host.serves_calls,
            proxy_url=service.runtime.settings.proxy_url,
        )
    )
