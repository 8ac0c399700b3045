"""What one process of the product holds: the open engine and its settings. No other module has state of the process."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from saas_access._core import Engine, NewAccessGroup, NewModelAlias, Synchronous, WriteOptions
from saas_access.failed_attempts import FailedAttempts
from saas_access.settings import Settings, SettingsError
from saas_access.upkeep import Upkeep, duties

if TYPE_CHECKING:
    from saas_access.settings import Bootstrap


class Runtime:
    """An open engine with its settings and the upkeep of its store. Thread-safe. Belongs to the process that opened it,
    not to forked children.
    """

    def __init__(self, *, engine: Engine, settings: Settings) -> None:
        self._engine = engine
        self._pid = os.getpid()
        self.settings = settings
        self.failed_attempts = FailedAttempts(settings.failed_attempts_per_minute)
        self.upkeep = Upkeep(duties(engine, settings))

    @classmethod
    def open(cls, settings: Settings, *, upkeep: bool = True) -> Runtime:
        """Opens the database, creates what `bootstrap` names and isn't there, and starts the upkeep unless told not
        to. Raises CoreError.
        """
        synchronous = Synchronous.FULL if settings.synchronous == "full" else Synchronous.NORMAL
        engine = Engine(database=str(settings.database_path), synchronous=synchronous)
        runtime = cls(engine=engine, settings=settings)
        if settings.bootstrap is not None:
            try:
                _apply(settings.bootstrap, runtime.engine)
            except BaseException:
                runtime.close()
                raise
        if upkeep:
            runtime.upkeep.start()
        return runtime

    @property
    def engine(self) -> Engine:
        if os.getpid() != self._pid:
            raise RuntimeError("the engine was opened before this process was forked; open another one here")
        return self._engine

    def close(self) -> None:
        """Stops all threads and closes the engine's files. May be called twice."""
        if os.getpid() == self._pid:
            self.upkeep.stop()
            self._engine.close()


def _apply(bootstrap: Bootstrap, engine: Engine) -> None:
    engine.bootstrap(
        model_aliases=[
            NewModelAlias(
                alias=item.alias,
                litellm_model=item.litellm_model,
                description=item.description,
                active=item.active,
                credits_per_call=item.credits_per_call,
                metadata=item.metadata,
            )
            for item in bootstrap.model_aliases
        ],
        access_groups=[
            NewAccessGroup(group_name=item.group_name, description=item.description, model_aliases=item.model_aliases)
            for item in bootstrap.access_groups
        ],
        options=WriteOptions(actor="configuration"),
    )


class _Shared:
    """The process's one runtime, for a host that may load its plugin's modules more than once."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.runtime: Runtime | None = None
        self.inherited: list[Runtime] = []

    def forget(self) -> None:
        """In a forked child: keeps the parent's runtime unused, since closing it would wait for threads not there."""
        self.lock = threading.Lock()
        if self.runtime is not None:
            self.inherited.append(self.runtime)
            self.runtime = None


_shared = _Shared()
os.register_at_fork(after_in_child=_shared.forget)


def shared(settings: Settings) -> Runtime:
    """The process's runtime, opened by the first call. Raises SettingsError if it is open with other settings."""
    with _shared.lock:
        if _shared.runtime is None:
            _shared.runtime = Runtime.open(settings)
        elif _shared.runtime.settings != settings:
            raise SettingsError("the product is already running in this process with other settings")
        return _shared.runtime


def close_shared() -> None:
    """Closes the process's runtime, if it was opened."""
    with _shared.lock:
        if _shared.runtime is not None:
            _shared.runtime.close()
            _shared.runtime = None
