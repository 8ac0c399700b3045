"""No kill -9 loses a credit, overspends one or charges one twice. `make test-kills` does many."""

from __future__ import annotations

import os
from collections.abc import Iterator

import load
import pytest
from kill_harness import TOP_UP, WORKERS, Account, Killing, Outcome
from running import Upstream, configuration, running_proxy
from selling import sell

KILLS, SEED = int(os.environ.get("KILLS", "3")), int(os.environ.get("SEED", "1"))
RICH, POOR = load.numbered("rich", 40), load.numbered("poor", 24)

pytestmark = pytest.mark.timeout(600 + 120 * KILLS)


@pytest.fixture(scope="module")
def outcome(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    aliases = [{"alias": alias, "litellm_model": "real-slow"} for alias in (*RICH, *POOR)]
    config = configuration(upstream, bootstrap={"model_aliases": aliases})
    with running_proxy(tmp_path_factory.mktemp("kills"), config, workers=WORKERS) as proxy:
        accounts = []
        for names, credits in ((RICH, 1_000_000), (POOR, TOP_UP)):
            customer = sell(proxy, dict.fromkeys(names, "real-slow"), credits_allocated=credits)
            accounts.append(Account(customer, load.clients(customer, names), load.Books(customer)))
        upstream.forget()
        outcome = Killing(proxy, rich=accounts[0], poor=accounts[1], seed=SEED).run(KILLS)
        print(outcome)
        yield outcome


def test_answered_calls_are_charged_once_and_no_others(outcome: Outcome) -> None:
    assert outcome.wrong == [], str(outcome)
    assert outcome.kills.total() == KILLS
    assert {200, 402, None} <= outcome.statuses.keys() <= {200, 402, 503, None}, str(outcome)


def test_what_the_dead_held_is_free_within_the_stated_time(outcome: Outcome) -> None:
    assert outcome.recovered_s is not None, str(outcome)


def test_what_was_cut_off_in_mid_answer_is_charged(outcome: Outcome) -> None:
    assert outcome.cut_off > 0, "no kill hit a stream: the test proves nothing"
    assert outcome.uncharged == [], str(outcome)
