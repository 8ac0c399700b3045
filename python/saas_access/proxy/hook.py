"""LiteLLM's callback: the decision before each call, the second gate before each upstream attempt, the usage after it.

LiteLLM looks several of these methods up in the class of the listed object itself and silently passes over inherited
ones, and it calls them by parameter name: define them all here, under LiteLLM's names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import litellm
from fastapi import HTTPException
from litellm.integrations.custom_logger import CustomLogger
from litellm.proxy._types import UserAPIKeyAuth

from saas_access import credits
from saas_access._core import (
    BudgetMode,
    Decision,
    Reason,
    Reservation,
    ReserveOutcome,
    ReserveRequest,
    Usage,
)
from saas_access.proxy.auth import note_caller
from saas_access.proxy.calls import Candidate, Ticket, substitute
from saas_access.proxy.delivered import Delivered
from saas_access.proxy.fail_closed import failing_closed
from saas_access.proxy.fallbacks import Fallbacks, granted_fallbacks, has_fallbacks
from saas_access.proxy.metering import Demand, demand_of, from_cache, usage_of_event
from saas_access.proxy.prices import Price, price_of
from saas_access.proxy.request_state import RequestState, current_request, request_state
from saas_access.proxy.router_view import deployments_of, llm_router, names_of_deployments
from saas_access.proxy.routes import Kind, TeamRoute, Used
from saas_access.refusal import (
    Refusal,
    key_refused,
    model_not_granted,
    route_not_allowed,
    suspended,
    unavailable,
    unreadable_body,
)

if TYPE_CHECKING:
    from saas_access.proxy.plugin import Plugin

_TICKET = "saas_access_ticket"
_METADATA = ("metadata", "litellm_metadata")
_HEALTH_CHECK_TEAM = "litellm-internal-health-check"
_STREAM_USAGE_CALL_TYPES = frozenset({"acompletion", "atext_completion"})


class AccessHook(CustomLogger):
    """One for each process; listed as `saas_access.proxy.access_hook` under `litellm_settings.callbacks`."""

    def __init_subclass__(cls, **options: Any) -> None:
        raise TypeError(f"{cls.__name__} can't extend the access hook: LiteLLM would pass over what it inherits")

    def __init__(self, plugin: Plugin) -> None:
        super().__init__()
        self._plugin = plugin

    # -- before the call

    async def async_pre_call_hook(
        self, user_api_key_dict: UserAPIKeyAuth, cache: Any, data: dict[str, Any], call_type: str
    ) -> dict[str, Any]:
        """Decide, reserve, rewrite. Raises HTTPException after noting the refusal that the middleware answers with."""
        with failing_closed(request_state(), self._plugin.troubles):
            state = note_caller(user_api_key_dict)
            if state.principal is None:
                return data
            return await self._admit(state, data, str(getattr(call_type, "value", call_type)))

    async def _admit(self, state: RequestState, data: dict[str, Any], call_type: str) -> dict[str, Any]:
        route = state.route
        if route is None or route.kind is not Kind.CALL or call_type not in route.call_types:
            state.refuse(route_not_allowed(str(state.scope.get("method", "WEBSOCKET")), state.path))
        decision = self._plugin.decide(state.team, data.get("model"), picker_forms=route.picker_names)
        refuse_unless_allowed(self._plugin, state, decision)
        if not state.sanitised:
            state.refuse(unreadable_body())
        decisions, fallbacks = self._decisions(state, decision)
        demand = self._demand(state, decisions, data, route)
        candidates = [_candidate(each, demand) for each in decisions]
        reservation, candidates = await self._reserve(state, candidates)
        try:
            state.ticket = self._plugin.calls.issue(
                candidates=candidates,
                call_id=reservation.call_id,
                job=state.job,
                delivered=Delivered(demand.prompt) if demand is not None and demand.used is Used.TEXT else None,
            )
        except BaseException:
            self._plugin.calls.release_unused(reservation.call_id)
            raise
        if route.used is Used.CHECK:
            state.ticket.report(None)
        data.update(fallbacks.lists if len(candidates) > 1 else Fallbacks().lists)
        self._rewrite(state, data, state.ticket)
        _ask_for_stream_usage(data, call_type)
        return data

    def _decisions(self, state: RequestState, decision: Decision) -> tuple[list[Decision], Fallbacks]:
        """What was asked for, and what may answer in its place, each under the first alias that the team has for it."""
        router = llm_router()
        if not has_fallbacks(router):
            return [decision], Fallbacks()
        aliases: dict[str, str] = {}
        for model in self._plugin.available_models(state.team):
            aliases.setdefault(model.litellm_model, model.alias)
        fallbacks = granted_fallbacks(router, decision.litellm_model, aliases)
        others = [self._plugin.decide(state.team, aliases[model], picker_forms=False) for model in fallbacks.models]
        return [decision, *(other for other in others if other.reason is Reason.GRANTED)], fallbacks

    def _demand(
        self, state: RequestState, decisions: list[Decision], data: dict[str, Any], route: TeamRoute
    ) -> Demand | None:
        """What the call may use. None where nothing depends on it: measuring a long prompt takes time."""
        if state.job is None and all(each.pricing.mode is BudgetMode.JOB_BASED for each in decisions):
            return None
        length = next((value for name, value in state.scope["headers"] if name == b"content-length"), b"0")
        size = int(length) if length.isdigit() else 0
        return demand_of(data, route.fields, route.used, self._plugin.settings.default_max_tokens, size)

    async def _reserve(self, state: RequestState, candidates: list[Candidate]) -> tuple[Reservation, list[Candidate]]:
        """Holds what the dearest candidate may cost; where credits don't reach that far, what was asked for alone."""
        asked, principal, job = candidates[0], state.team, state.job
        reservation = await self._plugin.calls.reserve(
            ReserveRequest(
                team_id=principal.team_id,
                key_id=principal.key_id,
                alias=asked.alias,
                job_id=job.job_id if job else None,
                purpose=job.purpose if job else "",
                pricing=asked.pricing,
                estimate=asked.estimate,
                substitutes=[substitute(candidate) for candidate in candidates[1:]],
                access_group=asked.access_group,
            )
        )
        if reservation.outcome is ReserveOutcome.CREDITS_EXHAUSTED:
            if len(candidates) > 1:
                return await self._reserve(state, candidates[:1])
            state.refuse(credits_exhausted(reservation))
        if reservation.outcome is not ReserveOutcome.RESERVED:  # checked before; ended in between
            raise HTTPException(409, "The job has ended")
        return reservation, candidates

    def _rewrite(self, state: RequestState, data: dict[str, Any], ticket: Ticket) -> None:
        for candidate in reversed(ticket.candidates.values()):
            state.actual_names.update(dict.fromkeys(candidate.names, candidate.alias))
        asked = ticket.answering
        # LiteLLM puts the name that the client sent back into the answer. In a picker's form, or in the body where the
        # path's counts, that isn't the alias.
        parsed = state.scope.get("parsed_body")
        sent = parsed[1].get("model") if isinstance(parsed, tuple) else None
        state.actual_names.update(dict.fromkeys({str(data["model"]), str(sent or asked.alias)}, asked.alias))
        data["model"] = asked.litellm_model
        own = "litellm_metadata" if isinstance(data.get("litellm_metadata"), dict) else "metadata"
        metadata = data.get(own)
        data[own] = {**(metadata if isinstance(metadata, dict) else {}), _TICKET: ticket.id}

    # -- before each upstream attempt

    async def async_pre_call_deployment_hook(self, kwargs: dict[str, Any], call_type: Any) -> dict[str, Any] | None:
        """Refuse any attempt that no live ticket covers, on whatever route it began. Attempts outside any request are
        the proxy's own (background health checks).
        """
        state = current_request.get()
        if state is None:
            self._refuse_unless_own(kwargs)
        elif state.principal is not None or not state.operator:
            with failing_closed(state, self._plugin.troubles):
                self._refuse_unless_admitted(state, kwargs)
                _ask_inner_stream_for_usage(kwargs, str(getattr(call_type, "value", call_type)))
        return kwargs

    def _refuse_unless_admitted(self, state: RequestState, kwargs: Mapping[str, Any]) -> None:
        group = next((str(value) for name in _METADATA if (value := _entry(kwargs, name, "model_group"))), None)
        if state.counted_model is not None and group in (state.counted_model, None):
            return
        ticket, running, model = self._ticket_of(kwargs), state.ticket, kwargs.get("model")
        if ticket is None or ticket is not running:
            if running is not None and running.open and running.deployments:
                # One that LiteLLM makes on the side of a call that runs: it may do without, and the call goes on.
                raise HTTPException(403, {"error": "This attempt is no part of the call that was decided on"})
            state.refuse(route_not_allowed(str(state.scope.get("method", "WEBSOCKET")), state.path))
        if not ticket.admits(group, model if isinstance(model, str) else None):
            self._plugin.troubles.note(f"an attempt for '{group or model}' which the call was not decided for", state)
            problem = "The call was changed after it was decided on; see the proxy's log"
            state.refuse(unavailable(Reason.HOOK_MISSING, problem))

    def _refuse_unless_own(self, kwargs: Mapping[str, Any]) -> None:
        """For an attempt that belongs to no request: the proxy's own checks may be made, nothing in a team's name."""
        teams = {_entry(kwargs, name, "user_api_key_team_id") for name in _METADATA} - {None, "", _HEALTH_CHECK_TEAM}
        if teams or self._ticket_of(kwargs) is not None:
            raise HTTPException(403, {"error": "An attempt outside of any request can't be made for a team"})

    def _ticket_of(self, kwargs: Mapping[str, Any]) -> Ticket | None:
        return next(
            (ticket for name in _METADATA if (ticket := self._plugin.calls.find(_entry(kwargs, name, _TICKET)))), None
        )

    # -- after the call

    async def async_log_success_event(
        self, kwargs: dict[str, Any], response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        """The usage of a call, some milliseconds after its answer is complete."""
        params, cached = kwargs.get("litellm_params") or {}, from_cache(kwargs)
        ticket = self._ticket_of(params)
        if ticket is None and cached:  # no attempt was made that would have taken it there
            ticket = self._ticket_of((params.get("proxy_server_request") or {}).get("body") or {})
        if ticket is None or not ticket.needs_usage:
            return
        usage = usage_of_event(kwargs, ticket.answering.price)
        if cached and self._plugin.settings.cached_answers == "free":
            ticket.report(Usage(price_known=True))
        else:
            ticket.report(usage if ticket.is_priced_by(usage) else None)

    async def async_log_failure_event(
        self, kwargs: dict[str, Any], response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        """A stream that broke off after something was delivered: what was delivered is counted."""
        ticket = self._ticket_of(kwargs.get("litellm_params") or {})
        if ticket is not None and ticket.delivering and not ticket.usage.done():
            ticket.report(None)


def _candidate(decision: Decision, demand: Demand | None) -> Candidate:
    deployments = deployments_of(decision.litellm_model)
    price = Price() if demand is None else price_of(deployments, litellm.model_cost)
    return Candidate(
        alias=decision.alias,
        litellm_model=decision.litellm_model,
        pricing=decision.pricing,
        price=price,
        estimate=Usage() if demand is None else demand.usage(price),
        prompt=Usage() if demand is None else demand.usage_of_prompt(price),
        names=frozenset(names_of_deployments(decision.litellm_model, deployments)),
        access_group=decision.groups[0] if decision.groups else None,
    )


def _entry(kwargs: Mapping[str, Any], metadata: str, name: str) -> Any:
    values = kwargs.get(metadata)
    return values.get(name) if isinstance(values, Mapping) else None


def _ask_for_stream_usage(data: dict[str, Any], call_type: str) -> None:
    """LiteLLM asks for a stream's usage by looking at the model's name before it is rewritten, and a client may
    decline it: ask in any case, and have LiteLLM keep the chunk from a client that didn't.
    """
    if not data.get("stream") or call_type not in _STREAM_USAGE_CALL_TYPES:
        return
    options = data.get("stream_options")
    wanted = isinstance(options, dict) and options.get("include_usage") is True
    data["stream_options"] = {**(options if isinstance(options, dict) else {}), "include_usage": True}
    if not wanted:
        data["_litellm_strip_stream_usage"] = True


def _ask_inner_stream_for_usage(kwargs: dict[str, Any], call_type: str) -> None:
    """Of a Google stream whose deployment speaks another dialect LiteLLM before 1.109 doesn't ask for the usage."""
    inner = not any(_entry(kwargs, name, "model_group") for name in _METADATA)
    if inner and kwargs.get("stream") and call_type in _STREAM_USAGE_CALL_TYPES:
        kwargs["stream_options"] = {**(kwargs.get("stream_options") or {}), "include_usage": True}


def credits_exhausted(reservation: Reservation) -> Refusal:
    """402, with what would have been needed and what is left."""
    needed, remaining = credits.from_micro(reservation.needed), credits.from_micro(reservation.remaining)
    return Refusal(
        Reason.CREDITS_EXHAUSTED,
        f"The call needs {needed:f} credits, and {remaining:f} are left",
        {"credits_remaining": remaining, "credits_needed": needed},
    )


def refuse_unless_allowed(plugin: Plugin, state: RequestState, decision: Decision) -> None:
    """Notes the decision; ends the request with the documented refusal if it denies."""
    state.decision = decision
    if decision.reason is Reason.GRANTED and decision.litellm_model:
        return
    if decision.reason in (Reason.TEAM_SUSPENDED, Reason.ORGANIZATION_SUSPENDED):
        state.refuse(suspended(decision.reason, decision.team_id))
    if decision.reason in (Reason.KEY_UNKNOWN, Reason.KEY_REVOKED, Reason.KEY_EXPIRED):
        state.refuse(key_refused(decision.reason))
    available = [model.alias for model in plugin.available_models(state.team)]
    state.refuse(model_not_granted(decision.alias, available))
