import type { HttpHandler } from 'msw';
import type { EmulatorHandle } from './index.js';

/** Return handlers that answer each request below an address with the emulator. */
export function handlers(oms: EmulatorHandle, address: string): HttpHandler[];
