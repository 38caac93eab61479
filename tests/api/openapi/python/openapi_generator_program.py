"""Pack a waiting package with the `python` client of openapi-generator, and print the state."""
# mypy: ignore-errors

import datetime
import importlib
import pkgutil
import sys

import openapi_client
from openapi_client import ApiClient, Command, Configuration, PackageServicesGuideApi

for module in pkgutil.walk_packages(openapi_client.__path__, "openapi_client."):
    importlib.import_module(module.name)
settings = Configuration(host=sys.argv[1], api_key={"Token": "Token full-access"})
with ApiClient(settings) as client:
    api = PackageServicesGuideApi(client)
    pk = api.list_packages(state__enum_value="100").results[0].id
    slug = "package__complete_packaging__waiting__packed-all-items"
    api.command_package(pk, Command(slug=slug, input_parameters={}))
    package = api.get_package(pk)
print(
    package.state.enum_value, "valid date" if isinstance(package.created_date, datetime.datetime) else "invalid date"
)
