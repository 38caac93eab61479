// Fixtures for Playwright: each worker process has its own world, and each test starts from its scenario.
import { test as base } from '@playwright/test';
import { connectEmulator, setupEmulator } from './index.mjs';

/**
 * `test` with the fixture `oms`, the world of this worker. It is on the server at `OMS_URL`, which `oms-emulator exec` sets.
 * Without `OMS_URL`, each worker starts an emulator with the options `omsOptions`.
 */
export const test = base.extend({
  omsOptions: [{}, { option: true, scope: 'worker' }],
  omsWorld: [async ({ omsOptions }, use, { parallelIndex }) => {
    const server = process.env.OMS_URL ? connectEmulator(process.env.OMS_URL) : await setupEmulator(omsOptions);
    const world = await server.world(`worker-${parallelIndex}`);
    await use(world);
    await world.stop();
    await server.stop();
  }, { scope: 'worker' }],
  oms: async ({ omsWorld }, use) => {
    await omsWorld.reset();
    await use(omsWorld);
  },
});
export { expect } from '@playwright/test';
