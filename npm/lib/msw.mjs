// Handlers for Mock Service Worker: requests to an address go to the emulator.
import { http } from 'msw';

/**
 * Return handlers that answer each request below `address` with the emulator. Put your own handlers before them.
 */
export function handlers(oms, address) {
  const root = address.replace(/\/$/, '');
  return [
    http.all(`${root}/*`, async ({ request }) => {
      const target = oms.url + request.url.slice(root.length);
      const body = ['GET', 'HEAD'].includes(request.method) ? undefined : await request.arrayBuffer();
      return oms.fetch(target, { method: request.method, headers: request.headers, body, redirect: 'manual' });
    }),
  ];
}
