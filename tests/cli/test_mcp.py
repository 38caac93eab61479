"""`oms-emulator mcp`: a client of the official SDK uses the tools, resources and prompts over both transports."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import anyio
import pytest
import requests
from jsonschema import Draft202012Validator
from mcp import Client, MCPError, StdioServerParameters, types

from emulator import Emulator
from emulator.api.openapi.control import CONTROL_ENDPOINTS
from emulator.client.mcp_server import LOOPBACK, AgentTools, ApiClient, create_server
from tests.cli.test_serve import command, environment, refused

PACK = "package__complete_packaging__waiting__packed-all-items"
SHIP = "package__ship_package__packed-all-items__shipped"
TRANSPORTS = ("stdio", "http")
each_transport = pytest.mark.parametrize("transport", TRANSPORTS)
Script = Callable[[Client], Awaitable[None]]


@asynccontextmanager
async def connected(transport: str, *arguments: str) -> AsyncIterator[Client]:
    """Start the command, connect a client to it, and end both."""
    words = command("mcp", "--transport", transport, *arguments)
    if transport == "stdio":
        async with Client(StdioServerParameters(command=words[0], args=words[1:], env=environment({}))) as client:
            yield client
        return
    with listening(*words) as address:
        async with Client(address) as client:
            yield client


@pytest.fixture
def oms() -> Iterator[Emulator]:
    """Return an emulator with a server."""
    with Emulator("demo") as emulator:
        emulator.start()
        yield emulator


@contextmanager
def listening(*words: str) -> Iterator[str]:
    """Start the command with streamable HTTP on a free port, and return its address. SIGTERM ends it with code 0."""
    process = subprocess.Popen([*words, "--port", "0"], stdout=subprocess.PIPE, text=True, env=environment({}))
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith(f"ready: http://{LOOPBACK}:"), line
        yield line.removeprefix("ready: ").strip()
        process.terminate()
        process.communicate(timeout=20)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0


async def call(client: Client, tool: str, /, **arguments: Any) -> Any:
    """Return the document of a tool's result, which is not an error."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, text_of(result)
    return json.loads(text_of(result))


async def failure(client: Client, tool: str, /, **arguments: Any) -> str:
    """Return the text of a result that is an error."""
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    return text_of(result)


def text_of(result: types.CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, types.TextContent)
    return content.text


def run_in_process(tools: AgentTools, script: Script) -> None:
    """Run a script with a client of the server object, without a process between them."""

    async def run() -> None:
        async with Client(create_server(tools)) as client:
            await script(client)

    anyio.run(run)


@each_transport
def test_an_agent_packs_ships_breaks_and_explains_a_package(transport: str) -> None:
    async def agent() -> None:
        async with connected(transport, "--scenario", "empty") as client:
            await pack_and_ship(client)
            await break_and_explain(client)

    anyio.run(agent)


async def pack_and_ship(client: Client) -> None:
    package = await call(client, "control_make_package", body={"state": "Waiting"})
    for slug, state in ((PACK, "Packed all items"), (SHIP, "Shipped")):
        done = await run_command(client, package["id"], slug)
        assert done["status"] == 204
        read = await call(client, "call_operation", operation="get_package", path={"pk": package["id"]})
        assert read["body"]["state"]["name"] == state
    delivered = await call(client, "control_report_carrier", pk=package["id"], body={"event": "delivered"})
    assert delivered["state"]["name"] == "Delivered"


async def run_command(client: Client, pk: int, slug: str) -> Any:
    body = {"slug": slug, "input_parameters": {}}
    return await call(client, "call_operation", operation="command_package", path={"pk": pk}, body=body)


async def break_and_explain(client: Client) -> None:
    package = await call(client, "control_make_package", body={"state": "Waiting"})
    path, body = {"pk": package["id"]}, {"slug": SHIP, "input_parameters": {}}
    await call(client, "control_arm_fault", body={"kind": "status", "options": {"status": 503}, "times": 1})
    broken = json.loads(await failure(client, "call_operation", operation="get_package", path=path))
    assert (broken["status"], broken["headers"]["X-Emulator-Fault"]) == (503, "status")
    text = await failure(client, "call_operation", operation="command_package", path=path, body=body)
    answer = json.loads(text)
    assert (answer["status"], PACK in answer["headers"]["X-Emulator-Hint"]) == (400, True)
    exchange = await call(client, "control_request", request_id=answer["headers"]["X-Emulator-Request-Id"])
    assert exchange["hint"] == answer["headers"]["X-Emulator-Hint"]
    prompt = await client.get_prompt("explain_400", {})
    content = prompt.messages[0].content
    assert isinstance(content, types.TextContent)
    assert exchange["hint"] in json.loads(content.text.split("\n\n")[1])["results"][0]["hint"]


def test_the_tools_are_those_of_the_control_api() -> None:
    """Every row of the table is a tool with its parameters and body, except pages and the OpenAPI document."""
    tools = {tool.name: tool for tool in AgentTools(ApiClient("http://127.0.0.1:1")).tools}
    rows = {row.operation: row for row in CONTROL_ENDPOINTS}
    assert rows.keys() - tools.keys() == {"control_openapi", "control_docs", "control_ui"}
    assert tools.keys() - rows.keys() == {"call_operation"}
    for name in tools.keys() & rows.keys():
        properties = tools[name].input_schema["properties"]
        assert ("body" in properties) == (rows[name].request_schema is not None)
        assert set(rows[name].query) <= properties.keys()
        assert tools[name].description == f"{rows[name].summary}."


def test_the_schemas_of_the_tools_are_valid_and_complete() -> None:
    """Each reference leads to a definition in the same schema."""
    for tool in AgentTools(ApiClient("http://127.0.0.1:1")).tools:
        Draft202012Validator.check_schema(tool.input_schema)
        text = json.dumps(tool.input_schema)
        named = {part.partition('"')[0] for part in text.split('"$ref": "')[1:]}
        assert named <= {f"#/$defs/{name}" for name in tool.input_schema.get("$defs", {})}
        assert "components" not in text


def test_a_running_server_is_used_with_its_worlds(oms: Emulator) -> None:
    """`--url` and `--world` choose the server and the world; the argument `world` chooses another one."""
    requests.put(f"{oms.url}/__admin/worlds/second", json={"scenario": "empty"}, timeout=10).raise_for_status()

    async def agent() -> None:
        async with connected("stdio", "--url", oms.url, "--world", "second") as client:
            assert (await call(client, "control_health"))["scenario"] == "empty"
            assert (await call(client, "control_health", world="default"))["scenario"] == "demo"
            await call(client, "control_make_package", body={})
            listed = await call(client, "call_operation", operation="list_packages", query={"limit": 5})
            assert listed["body"]["count"] == 1

    anyio.run(agent)


def test_both_surfaces_are_called_with_the_role(oms: Emulator) -> None:
    """A JWT is valid by the clock of the world."""

    async def agent(client: Client) -> None:
        for operation in ("list_packages", "reference_list_packages"):
            assert (await call(client, "call_operation", operation=operation))["body"]["count"] == 200
        made = await call(client, "control_make_token", body={"role": "full-access", "kind": "jwt"})
        arguments = {"operation": "reference_list_packages", "token": made["token"]}
        assert (await call(client, "call_operation", **arguments))["status"] == 200
        refusal = await failure(client, "call_operation", operation="list_packages", token="unknown")
        assert json.loads(refusal)["status"] == 401

    run_in_process(AgentTools(ApiClient(oms.url)), agent)


def test_a_read_only_server_changes_nothing(oms: Emulator) -> None:
    async def agent(client: Client) -> None:
        tools = (await client.list_tools()).tools
        assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools)
        assert "unknown tool 'control_reset'" in await failure(client, "control_reset")
        text = await failure(client, "call_operation", operation="command_package", path={"pk": 1}, body={})
        assert text == "command_package is a POST, and this MCP server is read-only"
        assert (await call(client, "call_operation", operation="list_packages"))["status"] == 200

    run_in_process(AgentTools(ApiClient(oms.url), read_only=True), agent)


ERRORS = {
    "an unknown tool": ("control_healt", {}, "Did you mean control_health?"),
    "an unknown argument": ("control_make_package", {"bod": {}}, "no argument 'bod'; known: body, world"),
    "a missing argument": ("control_make_package", {}, "requires the argument 'body'"),
    "an unknown operation": ("call_operation", {"operation": "get_packag"}, "Did you mean get_package?"),
    "a missing path parameter": ("call_operation", {"operation": "get_package"}, "path parameter pk is missing"),
    "an invalid body": ("control_make_package", {"body": {"state": "Nowhere"}}, "400 BAD REQUEST"),
    "an unknown world": ("control_health", {"world": "nowhere"}, "404 NOT FOUND"),
}


@pytest.mark.parametrize(("tool", "arguments", "text"), ERRORS.values(), ids=ERRORS.keys())
def test_an_error_is_a_result(oms: Emulator, tool: str, arguments: dict[str, Any], text: str) -> None:
    async def agent(client: Client) -> None:
        assert text.lower() in (await failure(client, tool, **arguments)).lower()

    run_in_process(AgentTools(ApiClient(oms.url)), agent)


def test_an_unreachable_server_is_an_error_result(oms: Emulator) -> None:
    url = oms.url
    oms.stop()

    async def agent(client: Client) -> None:
        assert f"cannot reach an oms-emulator at {url}" in await failure(client, "control_health")

    run_in_process(AgentTools(ApiClient(url)), agent)


def test_resources_can_be_read(oms: Emulator) -> None:
    """Every listed resource has a text, and an unknown one is an error of the protocol."""

    async def agent(client: Client) -> None:
        resources = (await client.list_resources()).resources
        kinds = {resource.uri.removeprefix("oms://").partition("/")[0] for resource in resources}
        assert kinds == {"openapi", "graph", "fidelity", "operations", "scenarios", "documents"}
        for resource in resources:
            (content,) = (await client.read_resource(resource.uri)).contents
            assert isinstance(content, types.TextResourceContents)
            assert json.loads(content.text)
        with pytest.raises(MCPError, match="Did you mean oms://graph"):
            await client.read_resource("oms://graf")

    run_in_process(AgentTools(ApiClient(oms.url)), agent)


def test_prompts_have_the_route(oms: Emulator) -> None:
    async def agent(client: Client) -> None:
        names = {prompt.name for prompt in (await client.list_prompts()).prompts}
        assert names == {"write_client_test", "explain_400"}
        prompt = await client.get_prompt("write_client_test", {"operation": "command_package"})
        content = prompt.messages[0].content
        assert isinstance(content, types.TextContent)
        assert "/api/v1/oms/packages/<pk>/command/" in content.text
        with pytest.raises(MCPError, match="Did you mean get_package"):
            await client.get_prompt("write_client_test", {"operation": "get_packag"})

    run_in_process(AgentTools(ApiClient(oms.url)), agent)


def test_a_page_of_another_site_cannot_use_the_http_transport() -> None:
    with listening(*command("mcp", "--transport", "http", "--scenario", "empty")) as address:
        headers = {"Origin": "https://example.com", "Accept": "application/json, text/event-stream"}
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
        assert requests.post(address, json=message, headers=headers, timeout=10).status_code == 403


def test_wrong_options_give_a_one_line_error() -> None:
    assert "--url and --scenario" in refused("mcp", "--url", "http://127.0.0.1:1", "--scenario", "demo")
    assert "unknown scenario" in refused("mcp", "--scenario", "nothing").lower()


def test_without_the_extra_the_message_names_it() -> None:
    code = "import sys; sys.modules['mcp'] = None; from emulator.cli import main; main(['mcp'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "pip install 'oms-emulator[mcp]'" in done.stderr
