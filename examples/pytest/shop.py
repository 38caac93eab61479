"""A client of the OMS: list waiting packages, pack them, report rejected commands."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import requests

PACKAGES = "/api/v1/oms/packages/"
PRODUCTION = "https://acme-oms.akinon.net"
WAITING = "100"
TIMEOUT = 10


class Refused(Exception):
    """The OMS rejected a command. The message is the error of the OMS."""


@dataclass
class Shop:
    """Calls one OMS with one token."""

    url: str
    token: str

    def waiting(self) -> Iterator[dict[str, Any]]:
        """Yield all waiting packages, page by page."""
        url: str | None = f"{self.url}{PACKAGES}?state__enum_value={WAITING}&limit=50"
        while url:
            page = self._request("GET", url).json()
            yield from page["results"]
            url = page["next"]

    def pack(self, package: dict[str, Any]) -> str:
        """Pack a package and return its tracking number. Raise `Refused` if it is no longer waiting.

        The tracking number is empty until the carrier assigns one.
        """
        slug = next((each["slug"] for each in package["commands"] if "__complete_packaging__" in each["slug"]), None)
        if slug is None:
            raise Refused(f"package {package['number']} cannot be packed")
        url = f"{self.url}{PACKAGES}{package['id']}/"
        self._request("POST", f"{url}command/", json={"slug": slug, "input_parameters": {}})
        return self._request("GET", url).json()["tracking_number"] or ""

    def _request(self, method: str, url: str, **rest: Any) -> requests.Response:
        response = requests.request(
            method, url, headers={"Authorization": f"Token {self.token}"}, timeout=TIMEOUT, **rest
        )
        if response.status_code == 400:
            raise Refused(response.json()["error"])
        response.raise_for_status()
        return response


def pack_everything() -> int:
    """Pack all waiting packages. This is a nightly job with a fixed address."""
    shop = Shop(PRODUCTION, token="full-access")
    return sum(bool(shop.pack(package)) for package in list(shop.waiting()))
