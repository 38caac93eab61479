const settings = new URLSearchParams(location.hash.slice(1));
const packages = `${settings.get("oms")}/api/v1/oms/packages/`;
const headers = { Authorization: `Token ${settings.get("token")}`, "Content-Type": "application/json" };
const message = document.querySelector("[role=status]");

async function show() {
  const page = await (await fetch(`${packages}?state__enum_value=100&limit=20`, { headers })).json();
  document.querySelector("#count").textContent = page.count;
  document.querySelector("ul").replaceChildren(...page.results.map(row));
}

function row({ id, number, commands }) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  button.textContent = `Pack ${number}`;
  button.onclick = () => pack(id, commands);
  item.append(button);
  return item;
}

async function pack(id, commands) {
  const { slug } = commands.find((command) => command.slug.includes("__complete_packaging__"));
  const body = JSON.stringify({ slug, input_parameters: {} });
  const response = await fetch(`${packages}${id}/command/`, { method: "POST", headers, body });
  message.textContent = response.ok ? "packed" : `refused (${response.status})`;
  await show();
}

show();
