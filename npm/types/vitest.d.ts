import type { EmulatorHandle, Schema } from './index.js';

/** Return an emulator whose world is created for this file, and reset before each test. */
export function useEmulator(options?: Schema<'world'>): EmulatorHandle;
