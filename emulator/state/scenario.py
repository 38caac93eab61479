"""Scenarios: what a world starts from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

MAX_PACKAGES = 10_000_000
"""Maximum number of packages in a scenario, as in `scenario.json`."""
DEFAULT_BASE_URL = "http://127.0.0.1:8080"
"""Base URL of a scenario that names none. A server replaces it with its own address."""


class ScenarioError(ValueError):
    """A scenario that cannot be used. The message is one line: which scenario, what is wrong, what would be right."""


@dataclass(frozen=True)
class Scenario:
    """The start of a world.

    `installation` is a name, a path, or the installation's JSON text. `answers` are recorded GET responses: the path
    and the JSON text of the body.
    """

    name: str
    description: str = ""
    installation: str = "default"
    packages: int = 0
    data_version: int = 1
    """How packages are generated. 1: all states equally often. 2: like those of a shop."""
    seed: int = 1
    start: datetime = datetime(2023, 4, 5, 9, 0, tzinfo=UTC)
    language: str | None = None
    base_url: str = DEFAULT_BASE_URL
    answers: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)
    request: str | None = None
    """For `documented/...`: the path whose GET returns the sample."""
    steps: tuple[bytes, ...] = field(default=(), repr=False)
    """Calls to replay before the world starts, each a line of JSON (`core.steps`)."""
    now: datetime | None = None
    """Time at which the world starts. None: after its last step."""
    faults: tuple[bytes, ...] = field(default=(), repr=False)
    """Faults that are armed at the start, each a line of JSON."""
    limits: tuple[tuple[str, str, str], ...] = ()
    """Role, scope and rate of each limit (`rules.limits`)."""
    calls: tuple[tuple[str, tuple[str, ...]], ...] = field(default=(), repr=False)
    """Throttled callers, and the times of their latest calls."""
    error_style: str = "documented"
    """How validation errors look: `documented` wraps those of commands, `wrapped` all, `plain` none."""
    redeliver: bool = False
    """Whether a server that starts with this scenario sends the recorded deliveries of the steps again."""
    live: tuple[float, bool] | None = None
    """Orders per hour of the generated traffic, and whether it is paused. None: no traffic is generated."""
    file: str | None = field(default=None, compare=False, repr=False)
    """The file that it was read from."""

    @property
    def title(self) -> str:
        """Its name in messages."""
        return f"scenario {self.name}" if self.file is None else f"scenario file {self.file}"

    def with_size(self, packages: int | None, seed: int | None) -> Scenario:
        """Return the scenario with another number of packages or another seed."""
        if packages is not None and self.answers:
            raise ScenarioError(f"scenario {self.name} has recorded responses; its number of packages cannot be set")
        if packages is not None and not 0 <= packages <= MAX_PACKAGES:
            limit = "at least 0" if packages < 0 else f"at most {MAX_PACKAGES}"
            raise ScenarioError(f"packages must be {limit} (got {packages})")
        return replace(
            self,
            packages=self.packages if packages is None else packages,
            seed=self.seed if seed is None else seed,
        )

    def with_traffic(self, orders_per_hour: float | None, is_paused: bool = False) -> Scenario:
        """Return the scenario with another rate of traffic. None: without traffic."""
        return replace(self, live=None if orders_per_hour is None else (float(orders_per_hour), is_paused))

    def limits_by_role(self) -> dict[str, dict[str, str]]:
        """Return the limits by role and scope."""
        found: dict[str, dict[str, str]] = {}
        for role, scope, rate in self.limits:
            found.setdefault(role, {})[scope] = rate
        return found


@dataclass(frozen=True)
class Settings:
    """The scenario of a world, and what follows from it and its installation."""

    source: Scenario
    """The scenario that the world started from."""
    embedded_installation: str = "default"
    """The name or the JSON text, which do not depend on the machine's files."""
    language: str = "en-us"
    input_parameters_required: bool = True
    """Whether the guide refuses a command without `input_parameters`."""
    not_found_text: str = "generic"
    """Text of a 404 for a missing record: `generic`, or `named` after its model."""
    limits: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Role -> `read` or `write` -> maximum rate of its token's calls: `100/min`."""
