"""
The C++ core. Ids are `str`, credits are millionths of a credit, costs are picodollars, times are milliseconds since 1970, all `int`; metadata is the text of one JSON object. Arguments are keyword-only. Errors derive from CoreError.
"""

from __future__ import annotations
import collections.abc
import enum
import typing

__all__: list[str] = [
    "AccessChange",
    "AccessGroup",
    "AccessGroupPatch",
    "AccessGroupSummary",
    "AliasReach",
    "AuditEntry",
    "Authentication",
    "AvailableModel",
    "Balance",
    "Bootstrapped",
    "BudgetMode",
    "Call",
    "CallStatus",
    "CalledModel",
    "Conflict",
    "CoreError",
    "Counts",
    "CreditDay",
    "CreditsAdded",
    "Decision",
    "EndingGrant",
    "Engine",
    "EntryType",
    "Explanation",
    "Found",
    "FoundAccessGroup",
    "FoundKey",
    "FoundModelAlias",
    "FoundOrganization",
    "FoundTeam",
    "Grant",
    "GroupReach",
    "Health",
    "Invalid",
    "Job",
    "JobCompletion",
    "JobCosts",
    "JobStatus",
    "KeySecret",
    "KeyStatus",
    "LedgerEntry",
    "LedgerFault",
    "LedgerReport",
    "LedgerWriter",
    "LowBalance",
    "MAX_MICRO_CREDITS",
    "MICRO_PER_CREDIT",
    "ModelAlias",
    "ModelAliasPatch",
    "NewAccessGroup",
    "NewGrant",
    "NewJob",
    "NewModelAlias",
    "NewOrganization",
    "NewTeam",
    "NewVirtualKey",
    "NotFound",
    "Organization",
    "OrganizationPatch",
    "OrganizationSums",
    "Outcome",
    "Pace",
    "PreconditionFailed",
    "Pricing",
    "Reach",
    "Reason",
    "Receipt",
    "RecentDenial",
    "Recovered",
    "Refill",
    "RefillMode",
    "RefillPeriod",
    "Reservation",
    "ReserveOutcome",
    "ReserveRequest",
    "SCHEMA_VERSION",
    "Session",
    "Settlement",
    "StoreUnavailable",
    "Substitute",
    "Synchronous",
    "Team",
    "TeamDenials",
    "TeamPatch",
    "UNKNOWN_MODEL",
    "Usage",
    "UsageBy",
    "UsageFigure",
    "UsageReport",
    "UsageRow",
    "VirtualKey",
    "WebhookAttempt",
    "WebhookEvent",
    "WriteOptions",
    "credits_for_cost",
    "credits_for_tokens",
    "price_of_call",
    "slug",
    "verify_ledger",
]

class CoreError(Exception):
    """
    Base of everything the core raises.
    """

class NotFound(CoreError):
    """
    The thing an operation is about does not exist.
    """

class Conflict(CoreError):
    """
    It exists already, is in use, or its state forbids the operation.
    """

class PreconditionFailed(CoreError):
    """
    The record was changed since the caller read it.
    """

class Invalid(CoreError):
    """
    A document is malformed; `problems` lists (field, problem).
    """

    problems: list[tuple[str, str]]

class StoreUnavailable(CoreError):
    """
    The database cannot be opened, read or written.
    """

class Outcome(enum.Enum):
    DENIED = 0
    ALLOWED = 1

class Reason(enum.Enum):
    GRANTED = 0
    STORE_UNAVAILABLE = 1
    HOOK_MISSING = 2
    ROUTE_NOT_ALLOWED = 3
    KEY_UNKNOWN = 4
    KEY_REVOKED = 5
    KEY_EXPIRED = 6
    MODEL_NOT_GRANTED = 7
    TEAM_SUSPENDED = 8
    ORGANIZATION_SUSPENDED = 9
    CREDITS_EXHAUSTED = 10

class KeyStatus(enum.Enum):
    ACTIVE = 0
    REVOKED = 1
    EXPIRED = 2

class BudgetMode(enum.Enum):
    JOB_BASED = 0
    CONSUMPTION_USD = 1
    CONSUMPTION_TOKENS = 2

class Synchronous(enum.Enum):
    FULL = 0
    NORMAL = 1

class RefillPeriod(enum.Enum):
    DAILY = 0
    WEEKLY = 1
    MONTHLY = 2

class RefillMode(enum.Enum):
    ADD = 0
    TOP_UP = 1

class EntryType(enum.Enum):
    ALLOCATION = 0
    ADJUSTMENT = 1
    CHARGE = 2
    REFUND = 3
    INTERRUPTED = 4
    SHORTFALL = 5

class JobStatus(enum.Enum):
    PENDING = 0
    IN_PROGRESS = 1
    COMPLETED = 2
    FAILED = 3

class CallStatus(enum.Enum):
    RUNNING = 0
    SUCCEEDED = 1
    FAILED = 2

class ReserveOutcome(enum.Enum):
    RESERVED = 0
    CREDITS_EXHAUSTED = 1
    JOB_UNKNOWN = 2
    JOB_ENDED = 3

class Pricing:
    def __init__(
        self,
        *,
        mode: BudgetMode = ...,
        credits_per_call: int = 1000000,
        credits_per_dollar: int = 10000000,
        tokens_per_credit: int = 10000,
    ) -> None: ...
    @property
    def credits_per_call(self) -> int: ...
    @property
    def credits_per_dollar(self) -> int: ...
    @property
    def mode(self) -> BudgetMode: ...
    @property
    def tokens_per_credit(self) -> int: ...

class Usage:
    def __init__(self, *, total_tokens: int = 0, price_known: bool = False, cost: int = 0) -> None: ...
    @property
    def cost(self) -> int: ...
    @property
    def price_known(self) -> bool: ...
    @property
    def total_tokens(self) -> int: ...

class Organization:
    @property
    def created_at_ms(self) -> int: ...
    @property
    def metadata(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def organization_id(self) -> str: ...
    @property
    def revision(self) -> int: ...
    @property
    def suspended(self) -> bool: ...

class OrganizationSums:
    @property
    def active_teams(self) -> int: ...
    @property
    def allocated(self) -> int: ...
    @property
    def calls(self) -> int: ...
    @property
    def denials(self) -> int: ...
    @property
    def held(self) -> int: ...
    @property
    def last_call_at_ms(self) -> int | None: ...
    @property
    def organization_id(self) -> str: ...
    @property
    def teams(self) -> int: ...
    @property
    def used(self) -> int: ...

class ModelAlias:
    @property
    def access_groups(self) -> list[str]: ...
    @property
    def active(self) -> bool: ...
    @property
    def alias(self) -> str: ...
    @property
    def created_at_ms(self) -> int: ...
    @property
    def credits_per_call(self) -> int: ...
    @property
    def description(self) -> str: ...
    @property
    def litellm_model(self) -> str: ...
    @property
    def metadata(self) -> str: ...
    @property
    def retires_at_ms(self) -> int | None: ...
    @property
    def revision(self) -> int: ...
    @property
    def successor(self) -> str | None: ...

class AccessGroup:
    @property
    def created_at_ms(self) -> int: ...
    @property
    def description(self) -> str: ...
    @property
    def group_name(self) -> str: ...
    @property
    def model_aliases(self) -> list[str]: ...
    @property
    def revision(self) -> int: ...
    @property
    def teams_with_access(self) -> list[str]: ...

class AccessGroupSummary:
    @property
    def description(self) -> str: ...
    @property
    def group_name(self) -> str: ...
    @property
    def model_count(self) -> int: ...
    @property
    def team_count(self) -> int: ...

class Bootstrapped:
    @property
    def access_groups(self) -> list[str]: ...
    @property
    def model_aliases(self) -> list[str]: ...

class Grant:
    @property
    def access_group(self) -> str: ...
    @property
    def created_at_ms(self) -> int: ...
    @property
    def expires_at_ms(self) -> int: ...
    @property
    def grant_id(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def starts_at_ms(self) -> int: ...

class Refill:
    def __init__(self, *, credits: int, period: RefillPeriod, mode: RefillMode = ...) -> None: ...
    @property
    def credits(self) -> int: ...
    @property
    def mode(self) -> RefillMode: ...
    @property
    def period(self) -> RefillPeriod: ...

class Team:
    @property
    def access_groups(self) -> list[str]: ...
    @property
    def budget_mode(self) -> BudgetMode: ...
    @property
    def created_at_ms(self) -> int: ...
    @property
    def credits_per_dollar(self) -> int: ...
    @property
    def low_balance_thresholds(self) -> list[int]: ...
    @property
    def metadata(self) -> str: ...
    @property
    def next_refill_at_ms(self) -> int | None: ...
    @property
    def organization_id(self) -> str: ...
    @property
    def refill(self) -> Refill | None: ...
    @property
    def revision(self) -> int: ...
    @property
    def rpm_limit(self) -> int | None: ...
    @property
    def suspended(self) -> bool: ...
    @property
    def team_alias(self) -> str: ...
    @property
    def team_id(self) -> str: ...
    @property
    def tokens_per_credit(self) -> int: ...
    @property
    def tpm_limit(self) -> int | None: ...

class VirtualKey:
    @property
    def created_at_ms(self) -> int: ...
    @property
    def expires_at_ms(self) -> int | None: ...
    @property
    def key_id(self) -> str: ...
    @property
    def last_four(self) -> str: ...
    @property
    def last_used_at_ms(self) -> int | None: ...
    @property
    def model_aliases(self) -> list[str] | None: ...
    @property
    def name(self) -> str: ...
    @property
    def revision(self) -> int: ...
    @property
    def status(self) -> KeyStatus: ...
    @property
    def team_id(self) -> str: ...

class FoundTeam:
    @property
    def organization_id(self) -> str: ...
    @property
    def team_alias(self) -> str: ...
    @property
    def team_id(self) -> str: ...

class FoundAccessGroup:
    @property
    def description(self) -> str: ...
    @property
    def group_name(self) -> str: ...

class FoundModelAlias:
    @property
    def active(self) -> bool: ...
    @property
    def alias(self) -> str: ...
    @property
    def litellm_model(self) -> str: ...

class FoundOrganization:
    @property
    def name(self) -> str: ...
    @property
    def organization_id(self) -> str: ...

class FoundKey:
    @property
    def key_id(self) -> str: ...
    @property
    def last_four(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def status(self) -> KeyStatus: ...
    @property
    def team_id(self) -> str: ...

class Found:
    @property
    def access_groups(self) -> list[FoundAccessGroup]: ...
    @property
    def keys(self) -> list[FoundKey]: ...
    @property
    def model_aliases(self) -> list[FoundModelAlias]: ...
    @property
    def organizations(self) -> list[FoundOrganization]: ...
    @property
    def teams(self) -> list[FoundTeam]: ...

class Counts:
    @property
    def access_groups(self) -> int: ...
    @property
    def active_keys(self) -> int: ...
    @property
    def active_model_aliases(self) -> int: ...
    @property
    def active_teams(self) -> int: ...
    @property
    def keys(self) -> int: ...
    @property
    def model_aliases(self) -> int: ...
    @property
    def organizations(self) -> int: ...
    @property
    def teams(self) -> int: ...

class AccessChange:
    @property
    def gains(self) -> list[str]: ...
    @property
    def loses(self) -> list[str]: ...
    @property
    def team_id(self) -> str: ...

class Receipt:
    @property
    def changes(self) -> list[AccessChange]: ...
    @property
    def revision(self) -> int: ...

class AuditEntry:
    @property
    def action(self) -> str: ...
    @property
    def actor(self) -> str: ...
    @property
    def after(self) -> str: ...
    @property
    def at_ms(self) -> int: ...
    @property
    def before(self) -> str: ...
    @property
    def id(self) -> int: ...
    @property
    def revision(self) -> int: ...
    @property
    def target_id(self) -> str: ...
    @property
    def target_type(self) -> str: ...

class Health:
    @property
    def database(self) -> str: ...
    @property
    def ok(self) -> bool: ...
    @property
    def problem(self) -> str: ...
    @property
    def revision(self) -> int: ...
    @property
    def schema_version(self) -> int: ...
    @property
    def snapshot_revision(self) -> int: ...
    @property
    def sqlite_version(self) -> str: ...

class Authentication:
    @property
    def key_id(self) -> str: ...
    @property
    def reason(self) -> Reason: ...
    @property
    def rpm_limit(self) -> int | None: ...
    @property
    def team_id(self) -> str: ...
    @property
    def tpm_limit(self) -> int | None: ...

class Decision:
    def __repr__(self) -> str: ...
    @property
    def alias(self) -> str: ...
    @property
    def allowed(self) -> bool: ...
    @property
    def groups(self) -> list[str]: ...
    @property
    def key_id(self) -> str: ...
    @property
    def litellm_model(self) -> str: ...
    @property
    def outcome(self) -> Outcome: ...
    @property
    def policy_revision(self) -> int: ...
    @property
    def pricing(self) -> Pricing: ...
    @property
    def reason(self) -> Reason: ...
    @property
    def team_id(self) -> str: ...

class AliasReach:
    @property
    def alias(self) -> str: ...
    @property
    def teams(self) -> int: ...

class GroupReach:
    @property
    def group_name(self) -> str: ...
    @property
    def only_here(self) -> list[AliasReach]:
        """
        Its aliases; of the teams those that have it nowhere else.
        """
    @property
    def teams(self) -> int: ...

class Reach:
    @property
    def access_groups(self) -> list[GroupReach]: ...
    @property
    def model_aliases(self) -> list[AliasReach]: ...
    @property
    def revision(self) -> int: ...

class AvailableModel:
    @property
    def alias(self) -> str: ...
    @property
    def litellm_model(self) -> str: ...
    @property
    def via(self) -> list[str]: ...

class Explanation:
    @property
    def alias_active(self) -> bool: ...
    @property
    def alias_exists(self) -> bool: ...
    @property
    def decision(self) -> Decision: ...
    @property
    def groups_with_alias(self) -> list[str]: ...
    @property
    def key_narrowed_away(self) -> bool: ...

class Balance:
    @property
    def allocated(self) -> int: ...
    @property
    def remaining(self) -> int: ...
    @property
    def reserved(self) -> int: ...
    @property
    def used(self) -> int: ...

class LedgerEntry:
    @property
    def alias(self) -> str | None: ...
    @property
    def amount(self) -> int: ...
    @property
    def balance_after(self) -> int: ...
    @property
    def created_at_ms(self) -> int: ...
    @property
    def description(self) -> str: ...
    @property
    def job_id(self) -> str | None: ...
    @property
    def transaction_id(self) -> str: ...
    @property
    def type(self) -> EntryType: ...

class CreditsAdded:
    @property
    def balance(self) -> Balance: ...
    @property
    def credits_added(self) -> int: ...
    @property
    def team_id(self) -> str: ...
    @property
    def transaction_id(self) -> str: ...

class CreditDay:
    @property
    def added(self) -> int: ...
    @property
    def balance_at_end(self) -> int: ...
    @property
    def charged(self) -> int: ...
    @property
    def day_ms(self) -> int: ...

class Pace:
    @property
    def balance(self) -> Balance: ...
    @property
    def charged(self) -> int: ...
    @property
    def counted_from_ms(self) -> int: ...
    @property
    def lasts_ms(self) -> int | None: ...
    @property
    def organization_id(self) -> str: ...
    @property
    def per_day(self) -> int | None: ...
    @property
    def team_id(self) -> str: ...

class Reservation:
    def __repr__(self) -> str: ...
    @property
    def call_id(self) -> str: ...
    @property
    def needed(self) -> int: ...
    @property
    def outcome(self) -> ReserveOutcome: ...
    @property
    def remaining(self) -> int: ...

class Settlement:
    @property
    def charged(self) -> int: ...
    @property
    def shortfall(self) -> int: ...

class Recovered:
    @property
    def charged(self) -> int: ...
    @property
    def released(self) -> int: ...

class Call:
    @property
    def alias(self) -> str: ...
    @property
    def call_id(self) -> str: ...
    @property
    def created_at_ms(self) -> int: ...
    @property
    def latency_ms(self) -> int: ...
    @property
    def purpose(self) -> str: ...
    @property
    def status(self) -> CallStatus: ...
    @property
    def usage(self) -> Usage: ...

class JobCosts:
    @property
    def credits_charged(self) -> int: ...
    @property
    def credits_remaining(self) -> int: ...
    @property
    def failed_calls(self) -> int: ...
    @property
    def successful_calls(self) -> int: ...
    @property
    def total_calls(self) -> int: ...
    @property
    def total_cost(self) -> int: ...
    @property
    def total_tokens(self) -> int: ...

class Job:
    @property
    def calls(self) -> list[Call]: ...
    @property
    def completed_at_ms(self) -> int | None: ...
    @property
    def costs(self) -> JobCosts: ...
    @property
    def created_at_ms(self) -> int: ...
    @property
    def error_message(self) -> str | None: ...
    @property
    def job_id(self) -> str: ...
    @property
    def job_type(self) -> str: ...
    @property
    def metadata(self) -> str: ...
    @property
    def status(self) -> JobStatus: ...
    @property
    def team_id(self) -> str: ...
    @property
    def user_id(self) -> str | None: ...

class WebhookEvent:
    @property
    def attempts(self) -> int: ...
    @property
    def created_at_ms(self) -> int: ...
    @property
    def delivered_at_ms(self) -> int | None: ...
    @property
    def event_id(self) -> str: ...
    @property
    def last_error(self) -> str | None: ...
    @property
    def next_attempt_at_ms(self) -> int | None: ...
    @property
    def payload(self) -> str: ...
    @property
    def team_id(self) -> str | None: ...
    @property
    def type(self) -> str: ...

class WriteOptions:
    def __init__(self, *, actor: str = "operator", dry_run: bool = False, if_revision: int | None = None) -> None: ...

class NewOrganization:
    def __init__(self, *, organization_id: str, name: str, metadata: str = "{}") -> None: ...

class OrganizationPatch:
    def __init__(self, *, name: str | None = None, metadata: str | None = None) -> None: ...

class NewModelAlias:
    def __init__(
        self,
        *,
        alias: str,
        litellm_model: str,
        description: str,
        active: bool = True,
        credits_per_call: int = 1000000,
        metadata: str = "{}",
        retires_at_ms: int | None = None,
        successor: str | None = None,
    ) -> None: ...

class ModelAliasPatch:
    def __init__(
        self,
        *,
        litellm_model: str | None = None,
        description: str | None = None,
        active: bool | None = None,
        credits_per_call: int | None = None,
        metadata: str | None = None,
        retires_at_ms: int | None = None,
        successor: str | None = None,
    ) -> None: ...
    def clear_retires_at(self) -> None: ...
    def clear_successor(self) -> None: ...

class NewAccessGroup:
    def __init__(self, *, group_name: str, description: str, model_aliases: list[str]) -> None: ...

class AccessGroupPatch:
    def __init__(self, *, description: str | None = None, model_aliases: list[str] | None = None) -> None: ...

class KeySecret:
    def __init__(self, *, digest: bytes, last_four: str) -> None: ...

class NewVirtualKey:
    def __init__(
        self,
        *,
        name: str,
        expires_at_ms: int | None = None,
        model_aliases: list[str] | None = None,
        secret: KeySecret | None = None,
    ) -> None: ...

class NewTeam:
    def __init__(
        self,
        *,
        organization_id: str,
        team_id: str,
        team_alias: str,
        access_groups: list[str],
        credits_allocated: int = 0,
        budget_mode: BudgetMode = ...,
        credits_per_dollar: int = 10000000,
        tokens_per_credit: int = 10000,
        rpm_limit: int | None = None,
        tpm_limit: int | None = None,
        refill: Refill | None = None,
        low_balance_thresholds: list[int] = [],
        metadata: str = "{}",
        first_key: KeySecret | None = None,
    ) -> None: ...

class TeamPatch:
    def __init__(
        self,
        *,
        team_alias: str | None = None,
        access_groups: list[str] | None = None,
        credits_allocated: int | None = None,
        budget_mode: BudgetMode | None = None,
        credits_per_dollar: int | None = None,
        tokens_per_credit: int | None = None,
        rpm_limit: int | None = None,
        tpm_limit: int | None = None,
        refill: Refill | None = None,
        low_balance_thresholds: list[int] | None = None,
        metadata: str | None = None,
    ) -> None: ...
    def clear_refill(self) -> None: ...
    def clear_rpm_limit(self) -> None: ...
    def clear_tpm_limit(self) -> None: ...

class NewGrant:
    def __init__(
        self, *, access_group: str, expires_at_ms: int, reason: str, starts_at_ms: int | None = None
    ) -> None: ...

class Substitute:
    def __init__(self, *, alias: str, pricing: Pricing, estimate: Usage) -> None: ...

class ReserveRequest:
    def __init__(
        self,
        *,
        team_id: str,
        key_id: str | None = None,
        alias: str,
        job_id: str | None = None,
        purpose: str,
        pricing: Pricing,
        estimate: Usage,
        substitutes: list[Substitute] = [],
        access_group: str | None = None,
    ) -> None: ...

class NewJob:
    def __init__(self, *, team_id: str, job_type: str, user_id: str | None = None, metadata: str = "{}") -> None: ...

class JobCompletion:
    def __init__(
        self,
        *,
        status: JobStatus = ...,
        metadata: str | None = None,
        error_message: str | None = None,
        failed_jobs_are_free: bool = False,
    ) -> None: ...

class WebhookAttempt:
    def __init__(
        self, *, event_id: str, attempt: int, error: str | None = None, next_attempt_at_ms: int | None = None
    ) -> None: ...

class UsageBy(enum.Enum):
    TEAM_ID = 0
    KEY_ID = 1
    ALIAS = 2
    ACCESS_GROUP = 3
    HOUR = 4
    DAY = 5
    REASON = 6

class UsageFigure(enum.Enum):
    CALLS = 0
    DENIALS = 1
    TOKENS = 2
    CREDITS = 3

class UsageRow:
    def latency_percentile(self, *, part: float) -> int | None:
        """
        Milliseconds; None without calls.
        """
    @property
    def access_group(self) -> str | None: ...
    @property
    def alias(self) -> str | None: ...
    @property
    def calls(self) -> int: ...
    @property
    def charged(self) -> int: ...
    @property
    def cost(self) -> int: ...
    @property
    def denials(self) -> int: ...
    @property
    def failed_calls(self) -> int: ...
    @property
    def key_id(self) -> str | None: ...
    @property
    def last_call_at_ms(self) -> int | None: ...
    @property
    def last_denial_at_ms(self) -> int | None: ...
    @property
    def latencies(self) -> list[tuple[int, int]]:
        """
        (bucket, calls in it), the fastest first; bucket i holds up to 2 ** (i / 4) milliseconds.
        """
    @property
    def latency_ms(self) -> int:
        """
        Of all answered calls together.
        """
    @property
    def period_ms(self) -> int | None: ...
    @property
    def reason(self) -> Reason | None: ...
    @property
    def team_id(self) -> str | None: ...
    @property
    def tokens(self) -> int: ...

class UsageReport:
    @property
    def from_ms(self) -> int:
        """
        What was counted: the query's times, rounded outward.
        """
    @property
    def next(self) -> int | None: ...
    @property
    def rows(self) -> list[UsageRow]: ...
    @property
    def to_ms(self) -> int: ...

class RecentDenial:
    """
    One refusal of a team.
    """
    @property
    def alias(self) -> str | None: ...
    @property
    def at_ms(self) -> int: ...
    @property
    def key_id(self) -> str | None: ...
    @property
    def key_model_aliases(self) -> list[str] | None:
        """
        Since the key was made, but that deleted aliases are gone from it; None if it isn't narrowed.
        """
    @property
    def key_name(self) -> str | None: ...
    @property
    def reason(self) -> Reason: ...

class Session:
    """
    Somebody who is signed in to the dashboard.
    """
    @property
    def actor(self) -> str: ...
    @property
    def created_at_ms(self) -> int: ...
    @property
    def expires_at_ms(self) -> int: ...
    @property
    def viewer(self) -> bool: ...

class EndingGrant:
    @property
    def grant(self) -> Grant: ...
    @property
    def team_id(self) -> str: ...

class LowBalance:
    @property
    def remaining(self) -> int: ...
    @property
    def team_id(self) -> str: ...
    @property
    def threshold(self) -> int: ...

class TeamDenials:
    @property
    def alias(self) -> str | None: ...
    @property
    def denials(self) -> int: ...
    @property
    def last_denied_at_ms(self) -> int: ...
    @property
    def reason(self) -> Reason: ...
    @property
    def team_id(self) -> str: ...

class CalledModel:
    @property
    def alias(self) -> str: ...
    @property
    def team_id(self) -> str: ...

class Engine:
    """
    Owns the database and the current policy. Open one for each database in each process, after a fork. Thread-safe. Everything but a decision runs without the GIL.
    """
    def __init__(self, *, database: str, check_interval_ms: int = 1000, synchronous: Synchronous = ...) -> None:
        """
        Opens or creates the SQLite file. Raises StoreUnavailable.
        """
    def add_credits(
        self, *, team_id: str, credits: int, description: str, idempotency_key: str | None, options: WriteOptions = ...
    ) -> tuple[CreditsAdded, Receipt]: ...
    def add_models(
        self, *, group_name: str, model_aliases: list[str], options: WriteOptions = ...
    ) -> tuple[AccessGroup, Receipt]: ...
    def add_test_webhook_event(self, *, options: WriteOptions = ...) -> tuple[WebhookEvent, Receipt]: ...
    def apply_due_refills(self, *, now_ms: int, limit: int) -> int:
        """
        Applies one due period of at most `limit` teams, in one transaction; returns how many. Until it returns 0, there is more.
        """
    def authenticate(self, *, digest: bytes) -> Authentication: ...
    @typing.overload
    def authorize(self, *, digest: bytes, alias: str) -> Decision: ...
    @typing.overload
    def authorize(self, *, key_id: str, alias: str) -> Decision: ...
    @typing.overload
    def authorize(self, *, team_id: str, alias: str) -> Decision: ...
    @typing.overload
    def available_models(self, *, digest: bytes) -> list[AvailableModel]: ...
    @typing.overload
    def available_models(self, *, key_id: str) -> list[AvailableModel]: ...
    @typing.overload
    def available_models(self, *, team_id: str) -> list[AvailableModel]: ...
    def begin_session(self, *, digest: bytes, keys: bytes, actor: str, viewer: bool, expires_at_ms: int) -> None:
        """
        Signs somebody in to the dashboard: `digest` is the SHA-256 of the session's token, `keys` one of the operator's keys. Forgets sessions that have expired.
        """
    def bootstrap(
        self, *, model_aliases: list[NewModelAlias], access_groups: list[NewAccessGroup], options: WriteOptions = ...
    ) -> tuple[Bootstrapped, Receipt]: ...
    def claim_webhook_event(self, *, now_ms: int, lease_ms: int) -> WebhookEvent | None:
        """
        The event that is due longest, which nobody else gets until `lease_ms` later.
        """
    def close(self) -> None:
        """
        Calls that run finish; later ones raise StoreUnavailable. Idempotent.
        """
    def complete_job(self, *, job_id: str, completion: JobCompletion) -> Job: ...
    def complete_overdue_jobs(self, *, after_hours: int, failed_jobs_are_free: bool, limit: int = 100) -> int:
        """
        Completes jobs left open for so long, at most `limit` in one transaction; returns how many.
        """
    def count_records(self) -> Counts: ...
    def create_access_group(
        self, *, access_group: NewAccessGroup, options: WriteOptions = ...
    ) -> tuple[AccessGroup, Receipt]: ...
    def create_grant(self, *, team_id: str, grant: NewGrant, options: WriteOptions = ...) -> tuple[Grant, Receipt]: ...
    def create_job(self, *, job: NewJob) -> Job: ...
    def create_key(
        self, *, team_id: str, key: NewVirtualKey, options: WriteOptions = ...
    ) -> tuple[VirtualKey, Receipt]: ...
    def create_model_alias(
        self, *, model_alias: NewModelAlias, options: WriteOptions = ...
    ) -> tuple[ModelAlias, Receipt]: ...
    def create_organization(
        self, *, organization: NewOrganization, options: WriteOptions = ...
    ) -> tuple[Organization, Receipt]: ...
    def create_team(self, *, team: NewTeam, options: WriteOptions = ...) -> tuple[Team, Receipt]: ...
    def delete_access_group(
        self, *, group_name: str, only_unused: bool = False, options: WriteOptions = ...
    ) -> tuple[list[str], Receipt]: ...
    def delete_grant(self, *, team_id: str, grant_id: str, options: WriteOptions = ...) -> Receipt: ...
    def delete_model_alias(self, *, alias: str, force: bool, options: WriteOptions = ...) -> Receipt: ...
    def delete_organization(self, *, organization_id: str, options: WriteOptions = ...) -> Receipt: ...
    def delete_team(self, *, team_id: str, options: WriteOptions = ...) -> Receipt: ...
    def end_session(self, *, digest: bytes) -> bool:
        """
        Tells whether there was one.
        """
    @typing.overload
    def explain(self, *, key_id: str, alias: str) -> Explanation: ...
    @typing.overload
    def explain(self, *, team_id: str, alias: str) -> Explanation: ...
    def find_access_group(self, *, group_name: str) -> AccessGroup: ...
    def find_balance(self, *, team_id: str) -> Balance: ...
    def find_job(self, *, job_id: str) -> Job: ...
    def find_key(self, *, team_id: str, key_id: str) -> VirtualKey: ...
    def find_low_balance_thresholds(self, *, team_id: str) -> list[int]:
        """
        Falling; none for a deleted team.
        """
    def find_model_alias(self, *, alias: str) -> ModelAlias: ...
    def find_organization(self, *, organization_id: str) -> Organization: ...
    def find_pace(self, *, team_id: str) -> Pace:
        """
        How fast a team's credits went in the last seven days.
        """
    def find_session(self, *, digest: bytes, keys: bytes) -> Session | None:
        """
        None if there is none, if it has expired, or if it was made under other keys.
        """
    def find_team(self, *, team_id: str) -> Team: ...
    def find_webhook_trouble(self) -> str | None:
        """
        A sentence about events whose last attempt failed, if there are any.
        """
    def finish_webhook_attempt(self, *, attempt: WebhookAttempt, now_ms: int) -> None: ...
    def health(self) -> Health:
        """
        Never raises.
        """
    def list_access_groups(
        self, *, search: str | None = None, after: int | None = None, limit: int | None = None
    ) -> tuple[list[AccessGroupSummary], int | None]: ...
    def list_audit(
        self,
        *,
        target: str | None = None,
        actor: str | None = None,
        from_ms: int | None = None,
        to_ms: int | None = None,
        action: str | None = None,
        target_type: str | None = None,
        after: int | None = None,
        limit: int | None = None,
    ) -> tuple[list[AuditEntry], int | None]: ...
    def list_called_models(self, *, since_ms: int) -> list[CalledModel]:
        """
        Each model that each team got an answer of since that day, in no order.
        """
    def list_credit_days(self, *, team_id: str, days: int) -> list[CreditDay]:
        """
        The last days of UTC, oldest first.
        """
    def list_denials(self, *, team_id: str, limit: int | None = None) -> list[RecentDenial]:
        """
        The latest of a team that is there, newest first.
        """
    def list_ending_grants(self, *, until_ms: int) -> list[EndingGrant]:
        """
        Grants that run now and end before, the first to end first.
        """
    def list_entries(
        self,
        *,
        team_id: str,
        type: EntryType | None = None,
        from_ms: int | None = None,
        to_ms: int | None = None,
        after: int | None = None,
        limit: int | None = None,
    ) -> tuple[list[LedgerEntry], int | None]:
        """
        Newest first.
        """
    def list_grants(self, *, team_id: str) -> list[Grant]: ...
    def list_jobs(
        self,
        *,
        team_id: str,
        status: JobStatus | None = None,
        from_ms: int | None = None,
        to_ms: int | None = None,
        after: int | None = None,
        limit: int | None = None,
    ) -> tuple[list[Job], int | None]:
        """
        Newest first; of those created in a time, at or after `from_ms` and before `to_ms`.
        """
    def list_keys(self, *, team_id: str) -> list[VirtualKey]: ...
    def list_low_balances(self, *, limit: int) -> list[LowBalance]:
        """
        The teams at or below one of their thresholds, those with the least remaining first.
        """
    def list_model_aliases(
        self, *, search: str | None = None, after: int | None = None, limit: int | None = None
    ) -> tuple[list[ModelAlias], int | None]: ...
    def list_organizations(
        self, *, search: str | None = None, after: int | None = None, limit: int | None = None
    ) -> tuple[list[Organization], int | None]: ...
    def list_team_denials(self, *, since_ms: int, limit: int) -> list[TeamDenials]:
        """
        What teams were refused since that day, the most frequent first.
        """
    def list_teams(
        self,
        *,
        organization_id: str | None = None,
        access_group: str | None = None,
        suspended: bool | None = None,
        alias: str | None = None,
        low_balance: bool | None = None,
        search: str | None = None,
        after: int | None = None,
        limit: int | None = None,
    ) -> tuple[list[Team], int | None]: ...
    def list_webhook_events(
        self, *, after: int | None = None, limit: int | None = None
    ) -> tuple[list[WebhookEvent], int | None]:
        """
        Newest first.
        """
    def lowest_paces(self, *, limit: int) -> list[Pace]:
        """
        Of active teams, what will run out first before all others.
        """
    def note_denial(
        self,
        *,
        reason: Reason,
        team_id: str,
        key_id: str | None = None,
        alias: str | None = None,
        access_group: str | None = None,
    ) -> None:
        """
        Counts a refusal in memory; written out in the background.
        """
    def now_ms(self) -> int: ...
    def prune_usage(self, *, days_kept: int) -> None:
        """
        Drops the hours of usage before so many whole days, one hour a transaction. Days stay.
        """
    def reach(self) -> Reach:
        """
        How many teams have each active alias now, and for how many through one group alone.
        """
    def recover(self) -> Recovered:
        """
        Closes the calls of processes that have ended: streams that were being answered are charged by what is known, all others are released.
        """
    def release(self, *, call_id: str, failed: bool, latency_ms: int) -> None:
        """
        The call was not answered: nothing is charged. `failed` counts it as a failed call of its job.
        """
    def remove_models(
        self, *, group_name: str, model_aliases: list[str], options: WriteOptions = ...
    ) -> tuple[AccessGroup, Receipt]: ...
    def report_usage(
        self,
        *,
        from_ms: int,
        to_ms: int,
        team_id: str | None = None,
        key_id: str | None = None,
        alias: str | None = None,
        access_group: str | None = None,
        group_by: list[UsageBy] = [],
        hides_refused_models: bool = False,
        team_ids: list[str] = [],
        most: UsageFigure | None = None,
        after: int | None = None,
        limit: int | None = None,
    ) -> UsageReport: ...
    def reserve(self, *, request: ReserveRequest) -> Reservation:
        """
        Holds what a call may cost and opens its record, durably.
        """
    def revision(self) -> int:
        """
        The policy's revision as a decision made now would use it.
        """
    def revoke_key(self, *, team_id: str, key_id: str, options: WriteOptions = ...) -> tuple[VirtualKey, Receipt]: ...
    def rotate_key(
        self, *, team_id: str, key_id: str, grace_seconds: int, secret: KeySecret | None, options: WriteOptions = ...
    ) -> tuple[VirtualKey, Receipt]: ...
    def search(self, *, text: str, limit: int) -> Found:
        """
        At most `limit` of each kind that have the text in a name, the best first.
        """
    def settle(
        self, *, call_id: str, usage: Usage, latency_ms: int, answered_by: Substitute | None = None
    ) -> Settlement:
        """
        The call was answered: charges its real price, as `answered_by` if another model did it, and frees the rest.
        """
    def sum_organizations(self, *, organization_ids: list[str], from_ms: int) -> list[OrganizationSums]:
        """
        Of each its teams, their credits, and their use from that UTC day on.
        """
    def suspend_organization(
        self, *, organization_id: str, suspended: bool, options: WriteOptions = ...
    ) -> tuple[Organization, Receipt]: ...
    def suspend_team(self, *, team_id: str, suspended: bool, options: WriteOptions = ...) -> tuple[Team, Receipt]: ...
    def touch_key(self, *, key_id: str) -> None:
        """
        Notes in memory that a key was used; written out in the background.
        """
    def update_access_group(
        self, *, group_name: str, patch: AccessGroupPatch, options: WriteOptions = ...
    ) -> tuple[AccessGroup, Receipt]: ...
    def update_model_alias(
        self, *, alias: str, patch: ModelAliasPatch, options: WriteOptions = ...
    ) -> tuple[ModelAlias, Receipt]: ...
    def update_organization(
        self, *, organization_id: str, patch: OrganizationPatch, options: WriteOptions = ...
    ) -> tuple[Organization, Receipt]: ...
    def update_team(self, *, team_id: str, patch: TeamPatch, options: WriteOptions = ...) -> tuple[Team, Receipt]: ...
    @property
    def database(self) -> str: ...
    @property
    def owner(self) -> str: ...

class LedgerWriter:
    """
    The ledger's writes of one process, each transaction shared by all that wait. Its thread never takes the GIL.
    """
    def __init__(self, *, engine: Engine) -> None: ...
    def ended(self) -> list[int]:
        """
        The numbers of the writes that are durable, or failed, since the last call.
        """
    def fileno(self) -> int:
        """
        Readable while writes have ended that `ended` has not told of.
        """
    def mark_answering(self, *, call_id: str, known: Usage, answered_by: Substitute | None = None) -> int:
        """
        Queues a mark: from now on the call is charged by what is known, even if this process dies.
        """
    def owed(self) -> int:
        """
        How many writes the store refused and are still tried.
        """
    def release(self, *, call_id: str, failed: bool, latency_ms: int) -> int:
        """
        Queues Engine.release; returns its number. One that the store refuses is tried again.
        """
    def reserve(self, *, request: ReserveRequest) -> int:
        """
        Queues Engine.reserve; returns its number. Raises StoreUnavailable if too many wait.
        """
    def settle(
        self, *, call_id: str, usage: Usage, latency_ms: int, answered_by: Substitute | None = None, delivered: bool
    ) -> int:
        """
        Queues Engine.settle; returns its number. One that the store refuses is tried again if `delivered`.
        """
    def take(self, *, number: int) -> None | Reservation | Settlement:
        """
        The result of an ended write, once: a Reservation, a Settlement, or None. Raises what made it fail.
        """
    def transactions(self) -> int:
        """
        How many transactions were committed so far.
        """

class LedgerFault:
    """
    The first thing that is wrong in one team's books.
    """
    @property
    def expected(self) -> str: ...
    @property
    def found(self) -> str: ...
    @property
    def problem(self) -> str: ...
    @property
    def seq(self) -> int | None:
        """
        Of the wrong entry; None if the account itself is wrong.
        """
    @property
    def team_id(self) -> str: ...
    @property
    def transaction_id(self) -> str: ...

class LedgerReport:
    @property
    def entries(self) -> int: ...
    @property
    def faults(self) -> list[LedgerFault]: ...
    @property
    def teams(self) -> int: ...

def credits_for_cost(*, cost: int, credits_per_dollar: int) -> int:
    """
    ceil(cost x rate), to the millionth of a credit. Raises Invalid on a negative or too large amount.
    """

def credits_for_tokens(*, tokens: int, tokens_per_credit: int) -> int:
    """
    ceil(tokens / tokens_per_credit), to the millionth of a credit. Raises Invalid likewise.
    """

def price_of_call(*, pricing: Pricing, usage: Usage, in_job: bool) -> int:
    """
    What a call with this usage costs on its own, in millionths of a credit.
    """

@typing.overload
def slug(value: Outcome) -> str: ...
@typing.overload
def slug(value: Reason) -> str: ...
@typing.overload
def slug(value: KeyStatus) -> str: ...
@typing.overload
def slug(value: BudgetMode) -> str: ...
@typing.overload
def slug(value: RefillPeriod) -> str: ...
@typing.overload
def slug(value: RefillMode) -> str: ...
@typing.overload
def slug(value: EntryType) -> str: ...
@typing.overload
def slug(value: JobStatus) -> str: ...
@typing.overload
def slug(value: CallStatus) -> str: ...
@typing.overload
def slug(value: UsageBy) -> str: ...
@typing.overload
def slug(value: UsageFigure) -> str: ...
def verify_ledger(
    *, database: str, team_id: str | None = None, progress: collections.abc.Callable[[int, int], None] | None = None
) -> LedgerReport:
    """
    Checks the books of one team or of all, beside whatever else uses the file, and changes nothing. `progress` is called with the entries read and those there were at the start. Raises NotFound, StoreUnavailable.
    """

MAX_MICRO_CREDITS: int = 1000000000000000000
MICRO_PER_CREDIT: int = 1000000
SCHEMA_VERSION: int = 6
UNKNOWN_MODEL: str = "(unknown model)"
