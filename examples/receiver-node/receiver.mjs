// A receiver of the OMS's webhooks with Node alone: SECRET_KEY=… node receiver.mjs [PORT]
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";

const MAX_BODY = 1024 * 1024;

export function isSigned(body, signature, secretKey) {
  const expected = Buffer.from("sha256=" + createHmac("sha256", secretKey).update(body).digest("hex"));
  const given = Buffer.from(signature ?? "");
  return given.length === expected.length && timingSafeEqual(given, expected);
}

export function createReceiver(secretKey, take = (event) => console.log(event.type, event.uuid)) {
  const seen = new Set();
  return createServer((request, response) => {
    const answer = (status, text = "") => response.writeHead(status).end(text);
    if (request.method !== "POST" || request.url !== "/hook") return answer(404);
    const chunks = [];
    let size = 0;
    request.on("data", (chunk) => {
      size += chunk.length;
      if (size > MAX_BODY) request.destroy();
      else chunks.push(chunk);
    });
    request.on("end", () => {
      const body = Buffer.concat(chunks); // the signature is of these bytes, not of what a parser makes of them
      if (!isSigned(body, request.headers["x-whisperer-signature"], secretKey)) return answer(401);
      const { event, payload } = JSON.parse(body);
      if (!seen.has(event.uuid)) { // an event may come twice: when the answer to the first got lost
        seen.add(event.uuid);
        take(event, payload);
      }
      return answer(200, "taken");
    });
  });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const server = createReceiver(process.env.SECRET_KEY);
  server.listen(Number(process.argv[2] ?? 9000), "127.0.0.1", () => console.log("listening", server.address().port));
}
