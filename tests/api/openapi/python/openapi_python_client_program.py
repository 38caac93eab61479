"""Pack a waiting package with the client of openapi-python-client, and print the state."""
# mypy: ignore-errors

import datetime
import importlib
import pkgutil
import sys

import generated
from generated.api.package_services_guide import command_package, get_package, list_packages
from generated.client import AuthenticatedClient
from generated.models import Command, CommandInputParameters, Package, PageOfPackage

for module in pkgutil.walk_packages(generated.__path__, "generated."):
    importlib.import_module(module.name)
client = AuthenticatedClient(base_url=sys.argv[1], token="full-access", prefix="Token")
page = list_packages.sync(client=client, state_enum_value="100")
assert isinstance(page, PageOfPackage)
pk = page.results[0].id
command = Command(
    slug="package__complete_packaging__waiting__packed-all-items", input_parameters=CommandInputParameters()
)
assert command_package.sync_detailed(pk, client=client, body=command).status_code == 204
package = get_package.sync(pk, client=client)
assert isinstance(package, Package)
print(
    package.state.enum_value.value,
    "valid date" if isinstance(package.created_date, datetime.datetime) else "invalid date",
)
