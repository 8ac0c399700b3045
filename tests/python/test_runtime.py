from __future__ import annotations

import multiprocessing
from typing import TYPE_CHECKING, Any

import pytest

from saas_access import Invalid, StoreUnavailable, runtime
from saas_access.runtime import Runtime
from saas_access.settings import Settings, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BOOTSTRAP = {
    "model_aliases": [{"alias": "gpt-4", "litellm_model": "openai/gpt-4", "credits_per_call": 2}],
    "access_groups": [{"group_name": "gpt-models", "model_aliases": ["gpt-4"]}],
}


def settings(tmp_path: Path, **section: Any) -> Settings:
    return Settings.parse({"database_url": f"sqlite:///{tmp_path / 'test.db'}", **section})


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Runtime]:
    yield runtime.shared(settings(tmp_path))
    runtime.close_shared()


def test_bootstrap_makes_what_is_absent_and_leaves_what_exists(tmp_path: Path) -> None:
    first = Runtime.open(settings(tmp_path, bootstrap=BOOTSTRAP))
    assert first.engine.find_model_alias(alias="gpt-4").credits_per_call == 2_000_000
    assert first.engine.find_access_group(group_name="gpt-models").model_aliases == ["gpt-4"]
    first.close()
    changed = {"model_aliases": [{"alias": "gpt-4", "litellm_model": "openai/other"}]}
    second = Runtime.open(settings(tmp_path, bootstrap=changed))
    assert second.engine.find_model_alias(alias="gpt-4").litellm_model == "openai/gpt-4"
    assert {entry.actor for entry in second.engine.list_audit()[0]} == {"configuration"}
    second.close()


def test_a_bootstrap_that_is_wrong_stops_the_start(tmp_path: Path) -> None:
    wrong = {"access_groups": [{"group_name": "g", "model_aliases": ["nope"]}]}
    with pytest.raises(Invalid, match="nope"):
        Runtime.open(settings(tmp_path, bootstrap=wrong))


def test_a_closed_runtime_answers_no_more(tmp_path: Path) -> None:
    opened = Runtime.open(settings(tmp_path))
    opened.close()
    opened.close()
    with pytest.raises(StoreUnavailable):
        opened.engine.revision()


def test_the_shared_runtime_is_one(shared: Runtime, tmp_path: Path) -> None:
    assert runtime.shared(settings(tmp_path)) is shared
    with pytest.raises(SettingsError):
        runtime.shared(settings(tmp_path, local_admin=True))


def _look_in_child(parents: Runtime, parsed: Settings, found: Any) -> None:
    try:
        parents.engine.revision()
    except RuntimeError as error:
        found.put(str(error))
    own = runtime.shared(parsed)
    found.put(own is not parents and own.engine.revision() == 0)
    runtime.close_shared()


def test_a_forked_child_opens_its_own(shared: Runtime, tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    found = context.Queue()
    child = context.Process(target=_look_in_child, args=(shared, settings(tmp_path), found))
    child.start()
    assert "forked" in found.get(timeout=30)
    assert found.get(timeout=30) is True
    child.join(timeout=30)
    assert child.exitcode == 0
    assert shared.engine.revision() == 0
