"""The Cypress example of the documentation, without Cypress, which downloads a browser application.

Node runs the file. Its commands are queued as in Cypress. The requests are real. The page is a list of the calls.
"""

from __future__ import annotations

import json
from pathlib import Path

from tests.examples.test_examples import beside_an_emulator, needs_node

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "browser-tests.md"
COMMANDS = """
const page = [];
const queue = [];
const hooks = [];
const enqueue = (command) => { queue.push(command); };
globalThis.Cypress = { env: (name) => process.env[`CYPRESS_${name}`] };
globalThis.beforeEach = (hook) => hooks.push(hook);
globalThis.it = async (_name, test) => {
  hooks.forEach((hook) => hook());
  test();
  while (queue.length) await queue.shift()();
  console.log("page: " + JSON.stringify(page));
};
globalThis.cy = {
  visit: (path) => enqueue(() => page.push(["visit", path])),
  contains: (text) => enqueue(() => page.push(["contains", text])),
  request(method, url, body) {
    let result;
    enqueue(async () => {
      const headers = body ? { "Content-Type": "application/json" } : {};
      const answer = await fetch(url, { method, headers, body: body && JSON.stringify(body) });
      if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${await answer.text()}`);
      result = { status: answer.status, body: await answer.json().catch(() => null) };
    });
    return { then: (use) => enqueue(() => use(result)) };
  },
};
"""


@needs_node
def test_its_requests_prepare_a_package_that_the_page_can_show(tmp_path: Path) -> None:
    """The command line is that of the documentation, with Node in place of `npx cypress run`."""
    text = PAGE.read_text("utf-8")
    example = text.partition("// cypress/e2e/packing.cy.js\n")[2].partition("```")[0]
    (tmp_path / "packing.js").write_text(COMMANDS + example, "utf-8")
    command = text.partition("oms-emulator exec -- sh -c '")[2].partition("'")[0]
    assert command.endswith("npx cypress run")
    shown = beside_an_emulator(".", "sh", "-c", command.replace("npx cypress run", f"node {tmp_path}/packing.js"))
    (visit, path), (contains, number) = json.loads(shown.partition("page: ")[2].splitlines()[0])
    assert (visit, path, contains) == ("visit", "/", "contains")
    assert number.startswith("223600"), "the number of a package of the demo data"
