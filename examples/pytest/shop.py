"""A shop's side of its warehouse: what waits is packed, and what the OMS refuses is told."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import requests

PACKAGES = "/api/v1/oms/packages/"
PRODUCTION = "https://acme-oms.akinon.net"
WAITING = "100"
TIMEOUT = 10


class Refused(Exception):
    """The OMS said no; the message is its own."""


@dataclass
class Shop:
    """Speaks to one OMS with one token."""

    url: str
    token: str

    def waiting(self) -> Iterator[dict[str, Any]]:
        """Give all packages that wait, page by page."""
        url: str | None = f"{self.url}{PACKAGES}?state__enum_value={WAITING}&limit=50"
        while url:
            page = self._ask("GET", url).json()
            yield from page["results"]
            url = page["next"]

    def pack(self, package: dict[str, Any]) -> str:
        """Pack all of a package; give its tracking number. `Refused` if it does not wait any more."""
        slug = next((each["slug"] for each in package["commands"] if "__complete_packaging__" in each["slug"]), None)
        if slug is None:
            raise Refused(f"package {package['number']} cannot be packed")
        url = f"{self.url}{PACKAGES}{package['id']}/"
        self._ask("POST", f"{url}command/", json={"slug": slug, "input_parameters": {}})
        return str(self._ask("GET", url).json()["tracking_number"])

    def _ask(self, method: str, url: str, **rest: Any) -> requests.Response:
        answer = requests.request(
            method, url, headers={"Authorization": f"Token {self.token}"}, timeout=TIMEOUT, **rest
        )
        if answer.status_code == 400:
            raise Refused(answer.json()["error"])
        answer.raise_for_status()
        return answer


def pack_everything() -> int:
    """What the shop's nightly job does; its address is nobody's to choose."""
    shop = Shop(PRODUCTION, token="full-access")
    return sum(bool(shop.pack(package)) for package in list(shop.waiting()))
