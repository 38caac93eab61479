// The playground: an emulator in this page. `?scenario=NAME&seed=N` starts a scenario, `?story=NAME&chapter=N` opens a story.
import { setupEmulator } from './oms-emulator/assets/index.mjs';

const query = new URLSearchParams(location.search);
const status = document.getElementById('status');
const select = document.querySelector('select');

function showPage(url) {
  const link = document.querySelector(`nav a[href="${location.hash || '#ui'}"]`) ?? document.querySelector('nav a');
  document.querySelector('iframe').src = `${url}/__admin/${link.dataset.page}`;
}

/** Open the story of the link in a world, and return the address of the world. Its inspector shows the chapter. */
async function openStory(oms, name, chapter) {
  const { path } = await oms.openChapter(name, chapter);
  const [root, hash] = path.split('/__admin/ui/');
  document.querySelector('nav a').dataset.page += hash;
  return oms.url + root;
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
  const story = query.get('story');
  const url = story ? await openStory(oms, story, query.get('chapter') ?? 1) : oms.url;
  await fillScenarios(oms, scenario);
  showPage(url);
  addEventListener('hashchange', () => showPage(url));
  status.textContent = `API: ${url}`;
} catch (error) {
  status.textContent = error.message;
}
