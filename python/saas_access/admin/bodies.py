"""What the API is sent: no unknown field, and no value of another type. What the names mean is the core's to check."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from saas_access import credits, metadata, times
from saas_access._core import BudgetMode, JobStatus, ModelAliasPatch, Refill, RefillMode, RefillPeriod, TeamPatch

_INT64_MAX = 2**63 - 1

MicroCredits = Annotated[
    int, BeforeValidator(credits.parse), WithJsonSchema({"type": "number", "minimum": 0, "examples": [1000]})
]
UnixMs = Annotated[
    int,
    BeforeValidator(times.parse),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2030-01-31T12:00:00Z"]}),
]
MetadataText = Annotated[
    str,
    BeforeValidator(metadata.to_text),
    WithJsonSchema({"type": "object", "additionalProperties": True, "examples": [{"plan": "pro"}]}),
]
Count = Annotated[int, Field(ge=1, le=_INT64_MAX)]
Limit = Annotated[int | None, Field(ge=1, le=_INT64_MAX, examples=[60])]
Description = Annotated[str, Field(examples=["OpenAI GPT models"])]
Aliases = Annotated[list[str], Field(examples=[["gpt-4", "gpt-3.5-turbo"]])]
Groups = Annotated[list[str], Field(examples=[["gpt-models", "claude-models"]])]
TeamId = Annotated[str, Field(examples=["acme-prod"])]
BudgetModeName = Literal["job_based", "consumption_usd", "consumption_tokens"]
RefillPeriodName = Literal["daily", "weekly", "monthly"]
RefillModeName = Literal["add", "top_up"]
Thresholds = Annotated[list[MicroCredits], Field(examples=[[100, 10, 0]])]
EndStatus = Literal["completed", "failed"]

# Defaults stand here as a caller would write them, so that the API's document shows them so.
_NO_METADATA: Any = Field(default={}, validate_default=True)

BUDGET_MODES: dict[str, BudgetMode] = {
    "job_based": BudgetMode.JOB_BASED,
    "consumption_usd": BudgetMode.CONSUMPTION_USD,
    "consumption_tokens": BudgetMode.CONSUMPTION_TOKENS,
}
REFILL_PERIODS: dict[str, RefillPeriod] = {
    "daily": RefillPeriod.DAILY,
    "weekly": RefillPeriod.WEEKLY,
    "monthly": RefillPeriod.MONTHLY,
}
REFILL_MODES: dict[str, RefillMode] = {"add": RefillMode.ADD, "top_up": RefillMode.TOP_UP}
END_STATUSES: dict[str, JobStatus] = {"completed": JobStatus.COMPLETED, "failed": JobStatus.FAILED}


def _absent() -> Any:
    """A field that may be left out, but not be null: it reads as None only if it was left out."""
    return Field(default_factory=lambda: None)


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def _clears(patch: Body, field: str) -> bool:
    return field in patch.model_fields_set and getattr(patch, field) is None


class NewOrganizationBody(Body):
    organization_id: str = Field(examples=["org_acme"])
    name: str = Field(examples=["ACME Corp"])
    metadata: MetadataText = _NO_METADATA


class OrganizationPatchBody(Body):
    name: str = _absent()
    metadata: MetadataText = _absent()


class NewModelAliasBody(Body):
    alias: str = Field(examples=["gpt-4"])
    litellm_model: str = Field(examples=["openai/gpt-4"])
    description: str = Field(default="", examples=["GPT-4"])
    active: bool = True
    credits_per_call: MicroCredits = Field(default=1, validate_default=True)
    metadata: MetadataText = _NO_METADATA
    retires_at: UnixMs | None = Field(default=None, description="When it is to end. Announced only: it goes on working")
    successor: str | None = Field(default=None, description="The alias to use then", examples=["gpt-4.1"])


class ModelAliasPatchBody(Body):
    litellm_model: str = _absent()
    description: str = _absent()
    active: bool = _absent()
    credits_per_call: MicroCredits = _absent()
    metadata: MetadataText = _absent()
    retires_at: UnixMs | None = Field(default=None, description="null takes it away")
    successor: str | None = Field(default=None, description="null takes it away", examples=["gpt-4.1"])

    def patch(self) -> ModelAliasPatch:
        patch = ModelAliasPatch(
            litellm_model=self.litellm_model,
            description=self.description,
            active=self.active,
            credits_per_call=self.credits_per_call,
            metadata=self.metadata,
            retires_at_ms=self.retires_at,
            successor=self.successor,
        )
        if _clears(self, "retires_at"):
            patch.clear_retires_at()
        if _clears(self, "successor"):
            patch.clear_successor()
        return patch


class NewAccessGroupBody(Body):
    group_name: str = Field(examples=["gpt-models"])
    description: Description = ""
    model_aliases: Aliases = []


class AccessGroupPatchBody(Body):
    description: Description = _absent()
    model_aliases: Aliases = _absent()


class ModelAliasesBody(Body):
    model_aliases: Aliases


class RefillBody(Body):
    credits: MicroCredits
    period: RefillPeriodName = Field(examples=["monthly"])
    mode: RefillModeName = "add"

    def refill(self) -> Refill:
        return Refill(credits=self.credits, period=REFILL_PERIODS[self.period], mode=REFILL_MODES[self.mode])


class NewTeamBody(Body):
    organization_id: str = Field(examples=["org_acme"])
    team_id: TeamId
    team_alias: str = Field(default="", examples=["Production"])
    access_groups: Groups = []
    credits_allocated: MicroCredits = 0
    budget_mode: BudgetModeName = "job_based"
    credits_per_dollar: MicroCredits = Field(default=10, validate_default=True)
    tokens_per_credit: Count = 10_000
    rpm_limit: Limit = None
    tpm_limit: Limit = None
    refill: RefillBody | None = None
    low_balance_thresholds: Thresholds = []
    metadata: MetadataText = _NO_METADATA


class TeamPatchBody(Body):
    team_alias: str = _absent()
    access_groups: Groups = _absent()
    credits_allocated: MicroCredits = _absent()
    budget_mode: BudgetModeName = _absent()
    credits_per_dollar: MicroCredits = _absent()
    tokens_per_credit: Count = _absent()
    rpm_limit: Limit = Field(default=None, description="null takes the limit away")
    tpm_limit: Limit = Field(default=None, description="null takes the limit away")
    refill: RefillBody | None = Field(default=None, description="null takes it away")
    low_balance_thresholds: Thresholds = _absent()
    metadata: MetadataText = _absent()

    def patch(self) -> TeamPatch:
        patch = TeamPatch(
            team_alias=self.team_alias,
            access_groups=self.access_groups,
            credits_allocated=self.credits_allocated,
            budget_mode=None if self.budget_mode is None else BUDGET_MODES[self.budget_mode],
            credits_per_dollar=self.credits_per_dollar,
            tokens_per_credit=self.tokens_per_credit,
            rpm_limit=self.rpm_limit,
            tpm_limit=self.tpm_limit,
            refill=None if self.refill is None else self.refill.refill(),
            low_balance_thresholds=self.low_balance_thresholds,
            metadata=self.metadata,
        )
        if _clears(self, "rpm_limit"):
            patch.clear_rpm_limit()
        if _clears(self, "tpm_limit"):
            patch.clear_tpm_limit()
        if _clears(self, "refill"):
            patch.clear_refill()
        return patch


class NewGrantBody(Body):
    access_group: str = Field(examples=["experimental-models"])
    starts_at: UnixMs | None = Field(default=None, description="Now, if left out")
    expires_at: UnixMs
    reason: str = Field(default="", examples=["Trial of the new models"])


class NewKeyBody(Body):
    name: str = Field(default="", examples=["ci"])
    expires_at: UnixMs | None = None
    model_aliases: list[str] | None = Field(default=None, description="Narrows the key to these", examples=[["gpt-4"]])


class RotateKeyBody(Body):
    grace_seconds: int = Field(default=0, ge=0, le=365 * 24 * 3600, description="The old secret works this much longer")


class AddCreditsBody(Body):
    team_id: TeamId
    amount: int = Field(ge=1, le=credits.MAX_CREDITS, examples=[5000])
    description: str = Field(default="", examples=["Top-up, invoice 1234"])


class NewJobBody(Body):
    team_id: TeamId
    job_type: str = Field(min_length=1, max_length=256, examples=["document_analysis"])
    user_id: str | None = Field(default=None, max_length=256, examples=["user-42"])
    metadata: MetadataText = _NO_METADATA


class JobCompletionBody(Body):
    status: EndStatus
    metadata: MetadataText = _absent()
    error_message: str | None = None


class ExplainBody(Body):
    team_id: str | None = Field(default=None, examples=["acme-prod"])
    virtual_key_id: str | None = None
    model: str = Field(examples=["gpt-4"])

    @model_validator(mode="after")
    def _exactly_one(self) -> ExplainBody:
        if (self.team_id is None) == (self.virtual_key_id is None):
            raise ValueError("give either team_id or virtual_key_id")
        return self
