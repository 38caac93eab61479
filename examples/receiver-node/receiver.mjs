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

/** Store the document of a package unless a newer one is known. Events may arrive in any order. */
export function storeNewest(packages, document) {
  if (!document.packageitem_set) return; // a transfer order or a stock location
  const known = packages.get(document.id);
  if (!known || modifiedAt(known) <= modifiedAt(document)) packages.set(document.id, document);
}

/** Return the time of the last change with all its digits. As text, `09:00:00Z` would be later than `09:00:00.5Z`. */
function modifiedAt(document) {
  const [seconds, fraction = ""] = document.modified_date.replace("Z", "").split(".");
  return `${seconds}.${fraction.padEnd(6, "0")}`;
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
        handle(event, payload);
        seen.add(event.uuid); // last, so that a failure above is tried again
      }
      return respond(200, "accepted");
    });
  });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const packages = new Map();
  const server = createReceiver(process.env.SECRET_KEY, (event, payload) => {
    storeNewest(packages, payload);
    console.log(event.type, event.uuid);
  });
  server.listen(Number(process.argv[2] ?? 9000), "127.0.0.1", () => console.log("listening", server.address().port));
}
