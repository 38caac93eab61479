import type { TestType, PlaywrightTestArgs, PlaywrightTestOptions, PlaywrightWorkerArgs, PlaywrightWorkerOptions } from '@playwright/test';
import type { EmulatorHandle, EmulatorOptions } from './index.js';

export const test: TestType<
  PlaywrightTestArgs & PlaywrightTestOptions & { oms: EmulatorHandle },
  PlaywrightWorkerArgs & PlaywrightWorkerOptions & { omsOptions: EmulatorOptions; omsWorld: EmulatorHandle }
>;
export { expect } from '@playwright/test';
