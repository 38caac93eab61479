// One connection to the worker: requests go out as messages, and messages come back as responses.

const WITHOUT_BODY = new Set([101, 204, 205, 304]);

/** Build the headers of a response. Browsers refuse none of the emulator's. */
function parseHead(text) {
  const [status, statusText, pairs] = JSON.parse(text);
  const headers = new Headers();
  for (let index = 0; index < pairs.length; index += 2) headers.append(pairs[index], pairs[index + 1]);
  return { status, statusText, headers };
}

/** Sends requests over a port, and returns their responses. */
export class Connection {
  #port;
  #requests = new Map();
  #nextId = 1;

  constructor(port) {
    this.#port = port;
    port.addEventListener('message', ({ data }) => this.#receive(data));
    port.start?.(); // a worker of one page has no such method
  }

  /** Send a message that is not a request, such as the start, and return its answer. Throw the error of the worker. */
  ask(kind, content, transfer = []) {
    return this.#send({ kind, content }, transfer);
  }

  /** Send a request to a path of the emulator, and return the response. Throw `TypeError` if it is cut off. */
  async fetch(request, target) {
    const headers = [...request.headers].flat();
    headers.push('host', new URL(request.url).host);
    const body = ['GET', 'HEAD'].includes(request.method) ? null : await request.arrayBuffer();
    if (body?.byteLength) headers.push('content-length', String(body.byteLength));
    const head = [request.method, target, '1.1', headers, '127.0.0.1', 0];
    return this.#send({ kind: 'request', head: JSON.stringify(head), body }, body ? [body] : [], request.signal);
  }

  #send(message, transfer, signal) {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#requests.set(id, { resolve, reject });
      signal?.addEventListener('abort', () => this.#cancel(id, signal.reason), { once: true });
      this.#port.postMessage({ ...message, id }, transfer);
    });
  }

  #cancel(id, reason) {
    const request = this.#requests.get(id);
    if (!request) return;
    this.#requests.delete(id);
    this.#port.postMessage({ kind: 'cancel', id });
    request.reject(reason);
    request.stream?.error(reason);
  }

  #receive({ kind, id, text, data }) {
    const request = this.#requests.get(id);
    if (!request) return;
    if (kind === 'head') {
      request.resolve(new Response(this.#bodyOf(id, request), parseHead(text)));
    } else if (kind === 'write') {
      request.stream?.enqueue(data);
    } else {
      this.#requests.delete(id);
      this.#finish(request, kind, text, data);
    }
  }

  #bodyOf(id, request) {
    return new ReadableStream({
      start: (stream) => { request.stream = stream; },
      cancel: (reason) => this.#cancel(id, reason),
    });
  }

  #finish(request, kind, text, data) {
    if (kind === 'answer') {
      const head = parseHead(text);
      request.resolve(new Response(WITHOUT_BODY.has(head.status) ? null : data, head));
    } else if (kind === 'done') {
      request.resolve(data);
    } else if (kind === 'failed') {
      request.reject(new Error(text));
    } else if (kind === 'end') {
      request.stream?.close();
    } else {
      request.reject(new TypeError('Failed to fetch')); // as for a connection that the server closes
      request.stream?.error(new TypeError('network error'));
    }
  }
}
