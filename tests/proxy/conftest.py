from __future__ import annotations

from collections.abc import Iterator

import pytest
from running import Proxy, Upstream, configuration, running_proxy, running_upstream
from selling import Customer, sell


@pytest.fixture(scope="session")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upstream]:
    with running_upstream(tmp_path_factory.mktemp("upstream")) as running:
        yield running


@pytest.fixture(scope="session")
def proxy(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """One proxy for all tests that do not change how it is set up. Each test sells to a team of its own."""
    with running_proxy(tmp_path_factory.mktemp("proxy"), configuration(upstream)) as running:
        yield running


@pytest.fixture
def seen(upstream: Upstream) -> Upstream:
    """The upstream with an empty record."""
    upstream.forget()
    return upstream


@pytest.fixture
def customer(proxy: Proxy) -> Customer:
    """A team that may call `chat` (real-a) and `other` (real-b), and nothing else."""
    return sell(proxy, {"chat": "real-a", "other": "real-b"})
