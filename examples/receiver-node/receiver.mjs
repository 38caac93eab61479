// A webhook receiver in Node without dependencies. Run it with SECRET_KEY=… node receiver.mjs [PORT]
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";

const MAX_BODY = 1024 * 1024;

/** Return whether the signature of the body is valid. The comparison takes constant time. */
export function isSigned(body, signature, secretKey) {
  const expected = Buffer.from("sha256=" + createHmac("sha256", secretKey).update(body).digest("hex"));
  const given = Buffer.from(signature ?? "");
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** Create a server that accepts signed events and passes each one to `handle` once. */
export function createReceiver(secretKey, handle = (event) => console.log(event.type, event.uuid)) {
  const seen = new Set();
  return createServer((request, response) => {
    const respond = (status, text = "") => response.writeHead(status).end(text);
    if (request.method !== "POST" || request.url !== "/hook") return respond(404);
    const chunks = [];
    let size = 0;
    request.on("data", (chunk) => {
      size += chunk.length;
      if (size > MAX_BODY) request.destroy();
      else chunks.push(chunk);
    });
    request.on("end", () => {
      const body = Buffer.concat(chunks); // verify the raw bytes, before parsing
      if (!isSigned(body, request.headers["x-whisperer-signature"], secretKey)) return respond(401);
      const { event, payload } = JSON.parse(body);
      if (!seen.has(event.uuid)) { // the sender repeats an event if the response was lost
        seen.add(event.uuid);
        handle(event, payload);
      }
      return respond(200, "accepted");
    });
  });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const server = createReceiver(process.env.SECRET_KEY);
  server.listen(Number(process.argv[2] ?? 9000), "127.0.0.1", () => console.log("listening", server.address().port));
}
