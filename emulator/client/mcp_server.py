"""The MCP server for coding agents: its tools call the control API and the emulated API of a server over HTTP.

The tools are generated from the table of the control API and its OpenAPI operations. Nothing is executed here.
"""

from __future__ import annotations

import json
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from urllib.parse import quote

import anyio
import requests
import uvicorn
from mcp import MCPError, types
from mcp.server import Server, ServerRequestContext
from mcp.server.stdio import stdio_server

from emulator.api.openapi.components import SCHEMA_PREFIX, samples, schema_components, schema_reference
from emulator.api.openapi.control import CONTROL_ENDPOINTS, HTML, Endpoint, control_operation
from emulator.api.openapi.operations import PLACEHOLDER
from emulator.api.routes import ROUTES, Route
from emulator.core.credentials import CREDENTIALS, issue_token
from emulator.core.errors import ControlError, InvalidDocument
from emulator.core.files import load_fixture, read_regular_file
from emulator.core.json_text import JsonObject, JsonValue
from emulator.core.version import __version__
from emulator.domain.scenario_files import FOLDER, bundled_scenarios
from emulator.worlds.registry import DEFAULT_WORLD

NAME, JSON_TYPE = "oms-emulator", "application/json"
LOOPBACK, PATH = "127.0.0.1", "/mcp"
TIMEOUT = 60
JWT_LIFETIME = 3600
FULL_ACCESS = "full-access"
TEXTS: JsonObject = load_fixture("mcp")
"""What agents read: instructions, the schema of the tool `call_operation`, resources of the server, and prompts."""
PROMPTS = [types.Prompt(**each) for each in TEXTS["prompts"]]
OPERATIONS: Mapping[str, Route] = {route.operation: route for route in reversed(ROUTES)}
CALL_OPERATION = "call_operation"


class ApiClient:
    """Sends requests to a server. `world` is the world of the calls that name none."""

    def __init__(self, url: str, world: str = DEFAULT_WORLD, admin_token: str | None = None) -> None:
        self.url = url.rstrip("/")
        self.world = world
        self._admin = {"Authorization": f"Bearer {admin_token}"} if admin_token else {}
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy and no .netrc for an emulator

    def control(
        self,
        method: str,
        path: str,
        query: JsonObject | None = None,
        *,
        world: str | None = None,
        body: JsonValue = None,
    ) -> requests.Response:
        """Call the control API. `path` begins below `/__admin/`."""
        return self.send(method, f"/__admin/{path}", self._admin, query, world=world, body=body)

    def send(  # noqa: PLR0913 - the parts of a request
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        query: JsonObject | None = None,
        *,
        world: str | None = None,
        body: JsonValue = None,
    ) -> requests.Response:
        """Send a request to a world. Raise `ControlError` if there is no server."""
        name = world or self.world
        prefix = "" if name == DEFAULT_WORLD else f"/w/{quote(name, safe='')}"
        values = {
            key: str(value).lower() if isinstance(value, bool) else value for key, value in (query or {}).items()
        }
        try:
            response = self._session.request(
                method,
                f"{self.url}{prefix}{path}",
                params=values,
                json=body,
                headers=headers,
                timeout=TIMEOUT,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise ControlError(f"cannot reach an oms-emulator at {self.url}: {error}") from None
        response.encoding = "utf-8"
        return response

    def authorization(self, route: Route, token: str, world: str | None) -> dict[str, str]:
        """Return the header for a token or a role. A JWT for a role is valid by the clock of the world."""
        if route.auth_scheme is None:
            return {}
        if route.auth_scheme == "Bearer" and token in CREDENTIALS:
            now = json.loads(self.control("GET", "clock", world=world).text)["now"]
            token = issue_token(token, datetime.fromisoformat(now), JWT_LIFETIME).token
        return {"Authorization": f"{route.auth_scheme} {token}"}


class AgentTools:
    """The tools, resources and prompts of the MCP server. With `read_only`, only those that change nothing."""

    def __init__(self, client: ApiClient, *, read_only: bool = False) -> None:
        self.client = client
        self.read_only = read_only
        self._endpoints = {
            row.operation: row
            for row in CONTROL_ENDPOINTS
            if row.media_type != HTML
            and row.operation != "control_openapi"
            and (row.method == "GET" or not read_only)
        }
        self.tools = [call_tool(read_only=read_only), *map(endpoint_tool, self._endpoints.values())]
        self._schemas = {tool.name: tool.input_schema for tool in self.tools}

    def call(self, name: str, arguments: JsonObject) -> types.CallToolResult:
        """Call a tool. An error is a result, so that the agent can read it."""
        try:
            check_arguments(name, self._schemas, arguments)
            response = self._call_operation(**arguments) if name == CALL_OPERATION else self._control(name, arguments)
        except ControlError as error:
            return text_result(str(error), is_error=True)
        if name != CALL_OPERATION:
            return text_result(document_text(response), is_error=not response.ok)
        return text_result(exchange_text(response), is_error=not response.ok)

    def _control(self, name: str, arguments: JsonObject) -> requests.Response:
        row = self._endpoints[name]
        query = {key: arguments[key] for key in row.query if key in arguments}
        path = fill_path(row.path, arguments)
        return self.client.control(row.method, path, query, world=arguments.get("world"), body=arguments.get("body"))

    def _call_operation(  # noqa: PLR0913 - the arguments of the tool
        self,
        operation: str,
        path: JsonObject | None = None,
        query: JsonObject | None = None,
        body: JsonValue = None,
        token: str = FULL_ACCESS,
        world: str | None = None,
    ) -> requests.Response:
        route = find_route(operation)
        if self.read_only and route.method != "GET":
            raise InvalidDocument(f"{operation} is a {route.method}, and this MCP server is read-only")
        headers = self.client.authorization(route, token, world)
        return self.client.send(
            route.method, fill_path(route.path, path or {}), headers, query, world=world, body=body
        )

    def resources(self) -> Iterator[types.Resource]:
        """Yield the resources: documents of the server, scenario files, and the vendor's samples."""
        for name, row in TEXTS["resources"].items():
            yield resource(name, row["description"])
        yield resource("operations", "The operations of the emulated API: name, method, path and page.")
        for scenario in bundled_scenarios().values():
            yield resource(f"scenarios/{scenario.name}", scenario.description or scenario.name)
        for name, sample in samples().items():
            yield resource(f"documents/{name}", f"The page's sample: {sample.title}")

    def read_resource(self, uri: str) -> str:
        """Return the text of a resource. Raise `ControlError` for an unknown one."""
        kind, _, name = uri.removeprefix(SCHEME).partition("/")
        if kind in TEXTS["resources"] and not name:
            return document_text(self.client.control("GET", TEXTS["resources"][kind]["path"]))
        if kind == "operations" and not name:
            return json.dumps([operation_row(route) for route in ROUTES], indent=1)
        if kind == "scenarios" and name in bundled_scenarios():
            return read_regular_file(FOLDER / f"{name}.json").decode()
        if kind == "documents" and name in samples():
            return json.dumps(samples()[name].body, indent=1, ensure_ascii=False)
        raise InvalidDocument(f"unknown resource {uri}", [each.uri for each in self.resources()], uri)

    def prompt(self, name: str, arguments: Mapping[str, str]) -> str:
        """Return the text of a prompt. Raise `ControlError` for an unknown prompt or value."""
        if name == "write_client_test":
            route = find_route(arguments.get("operation", ""))
            return prompt_text(name).format(operation=route.operation, route=json.dumps(operation_row(route)))
        if name == "explain_400":
            id_ = arguments.get("request_id")
            path = f"requests/{quote(id_, safe='')}" if id_ else "requests"
            answered = self.client.control("GET", path, None if id_ else {"status": 400, "limit": 1})
            return prompt_text(name).format(exchange=document_text(answered))
        raise InvalidDocument(f"unknown prompt {name!r}", [prompt.name for prompt in PROMPTS], name)


SCHEME = "oms://"


def resource(name: str, description: str) -> types.Resource:
    return types.Resource(name=name, uri=f"{SCHEME}{name}", description=description, mime_type=JSON_TYPE)


def prompt_text(name: str) -> str:
    return "".join(f"{line}\n" for line in TEXTS["texts"][name])


def operation_row(route: Route) -> JsonObject:
    return {"operation": route.operation, "method": route.method, "path": route.path, "page": route.doc}


def find_route(operation: str) -> Route:
    if operation not in OPERATIONS:
        raise InvalidDocument(f"unknown operation {operation!r}", sorted(OPERATIONS), operation)
    return OPERATIONS[operation]


def fill_path(template: str, values: JsonObject) -> str:
    """Return a path with its parameters. Raise `InvalidDocument` if one is missing."""
    names = [name for _, name in PLACEHOLDER.findall(template)]
    if missing := [name for name in names if name not in values]:
        raise InvalidDocument(f"the path parameter {missing[0]} is missing", names)
    return PLACEHOLDER.sub(lambda match: quote(str(values[match[2]]), safe="/" if match[1] else ""), template)


def endpoint_tool(row: Endpoint) -> types.Tool:
    """Return the tool of an endpoint, with the parameters and the body of its OpenAPI operation."""
    operation = control_operation(row, PLACEHOLDER.sub(r"{\2}", row.full_path))
    parameters = operation.get("parameters", [])
    properties = {each["name"]: {**each["schema"], "description": each["description"]} for each in parameters}
    required = [each["name"] for each in parameters if each.get("required")]
    if row.request_schema is not None:
        properties["body"] = schema_reference(row.request_schema)
        required.append("body")
    schema = {
        "type": "object",
        "properties": {**properties, "world": TEXTS["world"]},
        "required": required,
        "additionalProperties": False,
        "$defs": schema_components(properties),
    }
    return tool(row.operation, f"{row.summary}.", schema, reads=row.method == "GET")


def call_tool(*, read_only: bool) -> types.Tool:
    method = "a GET request" if read_only else "a request"
    text = f"Send {method} to the emulated OMS API, as a client does. Returns status, hint and body."
    schema = TEXTS["call_operation"]
    properties = {**schema["properties"], "world": TEXTS["world"]}
    return tool(CALL_OPERATION, text, {**schema, "properties": properties}, reads=read_only)


def tool(name: str, description: str, schema: JsonObject, *, reads: bool) -> types.Tool:
    """Return a tool whose schema refers to its own definitions only."""
    own: JsonObject = json.loads(json.dumps(schema).replace(SCHEMA_PREFIX, "#/$defs/"))
    annotations = types.ToolAnnotations(read_only_hint=reads, open_world_hint=False)
    return types.Tool(name=name, description=description, input_schema=own, annotations=annotations)


def check_arguments(name: str, schemas: Mapping[str, JsonObject], arguments: JsonObject) -> None:
    """Raise `InvalidDocument` for an unknown tool or argument, or a missing one. The server checks the values."""
    if name not in schemas:
        raise InvalidDocument(f"unknown tool {name!r}", sorted(schemas), name)
    known = schemas[name]["properties"]
    if unknown := [key for key in arguments if key not in known]:
        raise InvalidDocument(f"{name} has no argument {unknown[0]!r}", known, unknown[0])
    if missing := [key for key in schemas[name]["required"] if key not in arguments]:
        raise InvalidDocument(f"{name} requires the argument {missing[0]!r}")


def document_text(response: requests.Response) -> str:
    """Return the text for an agent: the body, with the status if there is no body or if it is an error."""
    line = f"{response.status_code} {response.reason}"
    return response.text or line if response.ok else f"{line}: {response.text}"


def exchange_text(response: requests.Response) -> str:
    """Return the response of the emulated API as JSON, with the explanations in its headers."""
    try:
        body = json.loads(response.text) if response.text else None
    except ValueError:
        body = response.text
    headers = {key: value for key, value in response.headers.items() if key.startswith("X-Emulator-")}
    return json.dumps({"status": response.status_code, "headers": headers, "body": body}, ensure_ascii=False)


def text_result(text: str, *, is_error: bool) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(text=text)], is_error=is_error)


def create_server(tools: AgentTools) -> Server:
    """Return an MCP server for the tools. Calls run in threads, so a slow one blocks no other."""

    async def on_list_tools(
        _: ServerRequestContext, __: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(tools=tools.tools)

    async def on_call_tool(_: ServerRequestContext, call: types.CallToolRequestParams) -> types.CallToolResult:
        return await anyio.to_thread.run_sync(tools.call, call.name, call.arguments or {})

    async def on_list_resources(
        _: ServerRequestContext, __: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        return types.ListResourcesResult(resources=list(tools.resources()))

    async def on_read_resource(
        _: ServerRequestContext, wanted: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        text = await in_thread(lambda: tools.read_resource(wanted.uri))
        contents = types.TextResourceContents(uri=wanted.uri, mime_type=JSON_TYPE, text=text)
        return types.ReadResourceResult(contents=[contents])

    async def on_list_prompts(
        _: ServerRequestContext, __: types.PaginatedRequestParams | None
    ) -> types.ListPromptsResult:
        return types.ListPromptsResult(prompts=PROMPTS)

    async def on_get_prompt(_: ServerRequestContext, wanted: types.GetPromptRequestParams) -> types.GetPromptResult:
        text = await in_thread(lambda: tools.prompt(wanted.name, wanted.arguments or {}))
        message = types.PromptMessage(role="user", content=types.TextContent(text=text))
        return types.GetPromptResult(messages=[message])

    return Server(
        NAME,
        version=__version__,
        instructions=TEXTS["instructions"],
        on_list_tools=on_list_tools,
        on_call_tool=on_call_tool,
        on_list_resources=on_list_resources,
        on_read_resource=on_read_resource,
        on_list_prompts=on_list_prompts,
        on_get_prompt=on_get_prompt,
    )


async def in_thread(read: Callable[[], str]) -> str:
    """Return the text of a function that may block. A `ControlError` becomes an error of the protocol."""
    try:
        return await anyio.to_thread.run_sync(read)
    except ControlError as error:
        raise MCPError(types.INVALID_PARAMS, str(error)) from None


def run_stdio(server: Server) -> None:
    """Serve one client on stdin and stdout until it closes stdin."""

    async def run() -> None:
        async with stdio_server() as (requests_in, responses_out):
            await server.run(requests_in, responses_out, server.create_initialization_options())

    anyio.run(run)


def run_http(server: Server, port: int, on_ready: Callable[[str], None]) -> None:
    """Serve streamable HTTP on loopback until a signal arrives. Raise `OSError` if the port is taken."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # uvicorn repeats the signal after its shutdown
    app = server.streamable_http_app(streamable_http_path=PATH, json_response=True, stateless_http=True)
    with socket.create_server((LOOPBACK, port)) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # asyncio sets it for its own sockets only
        on_ready(f"http://{LOOPBACK}:{listener.getsockname()[1]}{PATH}")
        uvicorn.Server(uvicorn.Config(app, log_level="error")).run(sockets=[listener])
