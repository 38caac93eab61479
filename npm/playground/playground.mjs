// The playground: an emulator in this page. `?scenario=NAME&seed=N` starts a scenario, `?story=NAME&chapter=N` opens a story.
import { setupEmulator } from './oms-emulator/assets/index.mjs';

const query = new URLSearchParams(location.search);
const status = document.getElementById('status');
const select = document.querySelector('select');

function showPage(oms) {
  const link = document.querySelector(`nav a[href="${location.hash || '#ui'}"]`) ?? document.querySelector('nav a');
  document.querySelector('iframe').src = `${oms.url}/__admin/${link.dataset.page}`;
}

async function fillScenarios(oms, current) {
  const { results } = await oms.scenarios();
  select.replaceChildren(...results.map(({ name }) => new Option(name, name, false, name === current)));
  select.addEventListener('change', () => { location.search = new URLSearchParams({ scenario: select.value }); });
}

try {
  const scenario = query.get('scenario') ?? 'demo';
  const seed = query.has('seed') ? Number(query.get('seed')) : undefined;
  const oms = await setupEmulator({ url: new URL('oms-emulator', location.href).href, scenario, seed });
  window.oms = oms;
  if (query.has('story')) await oms.openChapter(query.get('story'), query.get('chapter') ?? 1);
  await fillScenarios(oms, scenario);
  showPage(oms);
  addEventListener('hashchange', () => showPage(oms));
  status.textContent = `API: ${oms.url}`;
} catch (error) {
  status.textContent = error.message;
}
