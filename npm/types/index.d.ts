import type { ControlMethods } from './control.js';
import type { components } from './api.js';

export type { components, operations, paths } from './api.js';

/** A document of the API, such as `Schema<"package">`. */
export type Schema<Name extends keyof components['schemas']> = components['schemas'][Name];

/** An error response of the control API. */
export class ControlError extends Error {
  status: number;
  body: unknown;
}

/** One world of an emulator. */
export interface EmulatorHandle extends ControlMethods {
  /** The address of the API of this world. */
  readonly url: string;
  /** The address of the inspector, which may be opened in another tab. */
  readonly inspector: string;
  /** Send a request to a path or a URL of this world. */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>;
  /** Call an endpoint of the control API. */
  call(method: string, path: string, body?: unknown, query?: Record<string, string>): Promise<unknown>;
  /** Create a world, or replace it. */
  world(name?: string, options?: Schema<'world'>): Promise<EmulatorHandle>;
  /** Stop the emulator, or delete a world that `world()` created. */
  stop(): Promise<void>;
}

export interface EmulatorOptions {
  /** Name of a scenario, a file (in Node), or a document (in browsers). */
  scenario?: string | object;
  seed?: number;
  packages?: number;
  /** Orders per hour that are generated. */
  live?: number;
  strict?: boolean;
  /** The address of the emulator in a browser. Default: `/oms-emulator`. */
  url?: string;
  /** The address of the service worker in a browser; `false` replaces the `fetch` of the page instead. */
  serviceWorker?: string | false;
  /** Other options of `oms-emulator serve`, and in a browser of `Emulator` in Python. */
  [option: string]: unknown;
}

/** Start an emulator: in a browser in a worker, in Node in a process. */
export function setupEmulator(options?: EmulatorOptions): Promise<EmulatorHandle>;

/** Return the emulator at an address (Node). */
export function connectEmulator(url: string): EmulatorHandle;
