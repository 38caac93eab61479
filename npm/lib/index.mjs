// `setupEmulator` for Node: an emulator in a separate process.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { EmulatorHandle } from '../browser/handle.mjs';

export { ControlError } from '../browser/handle.mjs';

const originalFetch = globalThis.fetch; // a mocking library may replace it later
const COMMAND = fileURLToPath(new URL('../bin/oms-emulator.mjs', import.meta.url));

/** Return the arguments of `serve` for options: `{ packages: 5, strict: true }` becomes `--packages 5 --strict`. */
function argumentsOf(options) {
  return Object.entries(options).flatMap(([name, value]) => {
    const flag = `--${name.replaceAll('_', '-')}`;
    if (value === true) return [flag];
    return value === false || value === undefined ? [] : [value].flat().flatMap((each) => [flag, String(each)]);
  });
}

function firstLine(child) {
  return new Promise((resolve, reject) => {
    let text = '';
    let errors = '';
    child.stderr.on('data', (data) => { errors += data; });
    child.stdout.on('data', (data) => {
      text += data;
      if (text.includes('\n')) resolve(text.split('\n')[0]);
    });
    child.once('error', reject);
    child.once('close', () => reject(new Error(errors.trim() || 'the emulator stopped')));
  });
}

/** Start an emulator on a free port, and return it. The options are those of `oms-emulator serve`. */
export async function setupEmulator(options = {}) {
  const args = [COMMAND, 'serve', '--quiet', '--port', '0', ...argumentsOf(options)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const kill = () => child.kill();
  process.once('exit', kill);
  const url = (await firstLine(child)).replace('ready: ', '');
  for (const part of [child, child.stdout, child.stderr]) part.unref(); // the emulator does not keep the process alive
  return new EmulatorHandle(url, originalFetch, async () => {
    process.off('exit', kill);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.ref();
    child.kill();
    await ended;
  });
}

/** Return the emulator at an address. Stopping it has no effect. */
export function connectEmulator(url) {
  return new EmulatorHandle(url, originalFetch);
}
