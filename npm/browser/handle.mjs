// The emulator as an object, in browsers and in Node: the control API as methods.
import { CONTROL } from './control.mjs';

/** An error response of the control API. */
export class ControlError extends Error {
  name = 'ControlError';

  constructor(method, path, status, body) {
    super(`${method} /__admin/${path} returned ${status}: ${typeof body === 'string' ? body : JSON.stringify(body)}`);
    Object.assign(this, { status, body });
  }
}

async function readBody(response) {
  const text = await response.text();
  if (!response.headers.get('Content-Type')?.startsWith('application/json')) return text || undefined;
  return JSON.parse(text);
}

/** One world of an emulator. `url` is the address of its API. */
export class EmulatorHandle {
  #send;
  #close;

  constructor(url, send, close) {
    this.url = url;
    this.#send = send;
    this.#close = close;
  }

  /** The address of the inspector, which may be opened in another tab. */
  get inspector() {
    return `${this.url}/__admin/ui/index.html`;
  }

  /** Send a request to a path or a URL of this world, and return the response. */
  fetch(input, init) {
    const target = typeof input === 'string' && input.startsWith('/') ? this.url + input : input;
    return this.#send(new Request(target, init));
  }

  /** Call an endpoint of the control API, and return the body of the response. Throw `ControlError` for an error. */
  async call(method, path, body, query = {}) {
    const search = new URLSearchParams(query).toString();
    const response = await this.fetch(`/__admin/${path}${search && `?${search}`}`, {
      method,
      headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const content = await readBody(response);
    if (!response.ok) throw new ControlError(method, path, response.status, content);
    return content;
  }

  /** Create a world, or replace it, and return it. Worlds share nothing. */
  async world(name = `world-${Math.random().toString(36).slice(2, 10)}`, options = {}) {
    await this.call('PUT', `worlds/${encodeURIComponent(name)}`, options);
    const root = this.url.replace(/\/w\/[^/]+$/, '');
    return new EmulatorHandle(`${root}/w/${encodeURIComponent(name)}`, this.#send, async () => {
      await new EmulatorHandle(root, this.#send).call('DELETE', `worlds/${encodeURIComponent(name)}`);
    });
  }

  /** Stop the emulator of this page or process, or delete a world that `world()` created. */
  async stop() {
    await this.#close?.();
  }
}

for (const [name, method, path] of CONTROL) {
  const parameters = [...path.matchAll(/<(\w+)>/g)];
  EmulatorHandle.prototype[name] = async function (...values) {
    const names = values.splice(0, parameters.length);
    const filled = parameters.reduce((text, [mark], index) => text.replace(mark, encodeURIComponent(names[index])), path);
    return method === 'GET' ? this.call(method, filled, undefined, values[0]) : this.call(method, filled, values[0], values[1]);
  };
}
