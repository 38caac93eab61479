"""Generate the scenario `webhook-failures` by running its day. Run it with `python -m tools.webhook_failures`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from emulator import Emulator
from emulator.domain.scenario_files import FOLDER, find_scenario
from emulator.state.outbox import Delivery
from emulator.state.scenario import Scenario
from emulator.worlds.registry import DEFAULT_WORLD

FILE = FOLDER / "webhook-failures.json"
START: Scenario = replace(
    find_scenario("demo"),
    data_version=1,
    name="webhook-failures",
    description="Failing webhooks, one hook per retry policy: deliveries that failed, recovered or wait for a retry.",
    packages=10,
    seed=13,
)
EVENT = "package.created"
POLICIES = {
    "fixed": {"seconds": 60},
    "linear": {"base": 30, "limit": 300},
    "exponential": {"base": 2, "factor": 1},
    "random": {"min_value": 10, "max_value": 90},
}


def lived() -> Emulator:
    """Return an emulator after a day on which receivers were down for an hour, one of them permanently."""
    oms = Emulator("empty")
    oms.worlds.create(DEFAULT_WORLD, START)
    end_hooks(oms)
    back = oms.clock.now().replace(hour=10, minute=0)
    for number, (choice, kwargs) in enumerate(POLICIES.items(), 1):
        port = 9100 + number
        oms.world.outbox.receivers[f"127.0.0.1:{port}"] = Receiver(choice != "exponential", back.timestamp())
        retry = {"choice": choice, "kwargs": kwargs}
        oms.hooks.add(f"http://127.0.0.1:{port}/{choice}", EVENT, retry=retry, secret_key="secret")  # noqa: S106
    for _ in range(3):
        oms.package(state="Packed")
        oms.clock.advance(minutes=20)
    oms.clock.advance(hours=8)
    oms.package(state="Packed")
    return oms


def end_hooks(oms: Emulator) -> None:
    """Delete the installation's subscriptions. Their receivers do not exist, and retries would fill the file."""
    for hook in oms.session().get("/whisperer/hooks/?limit=100").json()["results"]:
        oms.session().delete(f"/whisperer/hooks/{hook['id']}/").raise_for_status()


class Receiver:
    """A receiver that is down until `back`, or permanently."""

    def __init__(self, recovers: bool, back: float) -> None:
        self.recovers, self.back = recovers, back

    def __call__(self, delivery: Delivery) -> tuple[int, str]:
        is_up = self.recovers and delivery.at.timestamp() >= self.back
        return (200, "OK") if is_up else (503, "Service Unavailable")


def make(file: Path = FILE) -> None:
    lived().save(file, force=True, with_secrets=True)


if __name__ == "__main__":
    make()
