// The receiver of the example, with requests that read and empty its records: GET /packages and POST /reset.
import { createServer } from "node:http";
import { createReceiver, storeNewest } from "../../examples/receiver-node/receiver.mjs";

const packages = new Map();
const createExample = () =>
  createReceiver(process.env.SECRET_KEY, (event, payload) => storeNewest(packages, payload));
let example = createExample();

const server = createServer((request, response) => {
  if (request.url === "/packages") {
    const states = Object.fromEntries([...packages].map(([id, document]) => [id, document.state.name]));
    response.end(JSON.stringify(states));
  } else if (request.url === "/reset") {
    packages.clear();
    example = createExample();
    response.end();
  } else {
    example.emit("request", request, response);
  }
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
