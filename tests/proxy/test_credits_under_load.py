"""A team with N credits gets N calls answered, whoever asks how many at once, in whichever worker."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator

import httpx
import load
import pytest
from running import Proxy, Upstream, configuration, running_proxy
from selling import sell

WORKERS, CLIENTS = 4, 64
ALIASES = load.numbered("chat", CLIENTS)


@pytest.fixture(scope="module")
def proxy(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    aliases = [{"alias": alias, "litellm_model": "real-a"} for alias in ALIASES]
    config = configuration(upstream, bootstrap={"model_aliases": aliases})
    with running_proxy(tmp_path_factory.mktemp("load"), config, workers=WORKERS) as running:
        load.until(lambda: len(load.serving(running)) == WORKERS, "all workers serve")
        yield running


async def until_refused(client: load.Client, http: httpx.AsyncClient) -> None:
    while (await client.call(http)).answered:
        pass


@pytest.mark.parametrize("credits", [1, 37, 300, pytest.param(5000, marks=pytest.mark.long)])
def test_as_many_calls_as_credits_are_answered(proxy: Proxy, seen: Upstream, credits: int) -> None:
    customer = sell(proxy, dict.fromkeys(ALIASES, "real-a"), credits_allocated=credits)
    clients = load.clients(customer, ALIASES)
    asyncio.run(load.all_at_once(clients, until_refused))
    assert load.statuses(clients) == {200: credits, 402: CLIENTS}
    answered = load.names(clients, lambda call: call.answered)
    assert len(answered) == credits
    assert load.reached(seen) == dict.fromkeys(answered, 1)
    assert load.Books(customer).charges() == Counter(name.partition(" ")[0] for name in answered)
    balance = customer.balance()
    assert (balance["credits_remaining"], balance["credits_reserved"], balance["credits_used"]) == (0, 0, credits)
    report = load.verified(proxy)
    assert report["faults"] == []
    assert report["entries"] >= credits + 1
