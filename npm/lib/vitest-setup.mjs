// The global setup of Vitest: one emulator for all test files, unless `OMS_URL` names one.
import { setupEmulator } from './index.mjs';

export default async function setup() {
  if (process.env.OMS_URL) return undefined;
  const oms = await setupEmulator();
  process.env.OMS_URL = oms.url;
  return async () => {
    delete process.env.OMS_URL;
    await oms.stop();
  };
}
