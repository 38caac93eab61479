// For Vitest: `globalSetup: ['oms-emulator/vitest/setup']` starts one emulator, and `useEmulator()` gives each test file a world.
import { beforeAll, beforeEach } from 'vitest';
import { connectEmulator } from './index.mjs';

/** Return an emulator whose world is created for this file, and reset before each test. */
export function useEmulator(options = {}) {
  let world;
  beforeAll(async () => {
    world = await connectEmulator(process.env.OMS_URL).world(undefined, options);
    return () => world.stop(); // after the tests of the file
  });
  beforeEach(() => world.reset());
  return new Proxy({}, {
    get: (_, name) => (typeof world[name] === 'function' ? world[name].bind(world) : world[name]),
  });
}
