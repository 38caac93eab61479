/** The pages of the inspector. */

/** Route name, title, module of the page, and module of the page of one record if that is another one. */
export const PAGES = [
  ["overview", "Overview", "./pages/overview.js"],
  ["packages", "Packages", "./pages/packages.js", "./pages/package.js"],
  ["transfers", "Transfer orders", "./pages/transfers.js", "./pages/transfer.js"],
  ["create", "Create", "./pages/create.js"],
  ["journal", "Journal", "./pages/journal.js", "./pages/exchange.js"],
  ["webhooks", "Webhooks", "./pages/webhooks.js"],
  ["faults", "Faults", "./pages/faults.js"],
  ["clock", "Clock", "./pages/clock.js"],
  ["stories", "Stories", "./pages/stories.js"],
  ["shop", "Shop", "./pages/shop.js"],
  ["scenarios", "Scenarios", "./pages/scenarios.js"],
  ["coverage", "Coverage", "./pages/coverage.js"],
  ["fidelity", "Fidelity", "./pages/fidelity.js"],
];

/** Import the module of a page. A browser remembers a failed import, so a further attempt has another address. */
export const loadPage = (file, attempt = 0) => import(attempt ? `${file}?attempt=${attempt}` : file);
