#!/usr/bin/env node
const [command, ...others] = process.argv.slice(2);
if (command === 'init') {
  const { init } = await import('../lib/init.mjs');
  process.exitCode = init(others);
} else {
  const { run } = await import('../lib/host.mjs');
  run(process.argv.slice(2));
}
