"""Pack a waiting package with the models of datamodel-code-generator, and print the state."""
# mypy: ignore-errors

import datetime
import sys

import httpx
from models import Command, Package, PageOfPackage

client = httpx.Client(base_url=sys.argv[1], headers={"Authorization": "Token full-access"})
page = PageOfPackage.model_validate_json(client.get("/api/v1/oms/packages/?state__enum_value=100").text)
pk = page.results[0].id
command = Command(slug="package__complete_packaging__waiting__packed-all-items", input_parameters={})
answer = client.post(f"/api/v1/oms/packages/{pk}/command/", json=command.model_dump(mode="json", exclude_none=True))
assert answer.status_code == 204
package = Package.model_validate_json(client.get(f"/api/v1/oms/packages/{pk}/").text)
print(
    package.state.enum_value.value,
    "valid date" if isinstance(package.created_date, datetime.datetime) else "invalid date",
)
