// Connect a static page of the package to the worker, then run its scripts. It works while any page of the emulator is open.
import { connectPage } from './index.mjs';

const url = new URL('..', import.meta.url).href.slice(0, -1);
await connectPage({ url, serviceWorker: `${url.slice(0, url.lastIndexOf('/'))}/oms-emulator-sw.mjs` });
for (const script of document.querySelectorAll('script[type="text/later"]')) {
  const started = document.createElement('script');
  if (script.src.endsWith('/main.js')) started.type = 'module';
  started.src = script.src;
  const loaded = new Promise((resolve) => started.addEventListener('load', resolve));
  document.body.append(started);
  await loaded;
}
