/** The stories. Each brings a world into a state, and returns the component with the address that it shows. */

const PACKAGES = "/api/v1/oms/packages/";
const DAY = "a-day-in-the-warehouse"; // a story of the emulator

/** Return a story of a package in a state. */
function packageIn(state, name = state) {
  return {
    component: "package-card",
    name,
    async prepare(world) {
      const { id } = await world.makePackage({ state, items: 2 });
      return `${world.url}${PACKAGES}${id}/`;
    },
  };
}

/** Return a story of the list, in a world with this number of packages and, if given, a fault. */
function list(name, packages, fault) {
  return {
    component: "package-table",
    name,
    options: { packages },
    async prepare(world) {
      if (fault) await world.armFault({ operation: "list_packages", ...fault });
      return `${world.url}${PACKAGES}?limit=10`;
    },
  };
}

/** Return a story of a package at a chapter of the emulator's story, which replaces the state of the world. */
function chapter(number, name) {
  return {
    component: "package-card",
    name,
    async prepare(world) {
      await world.openChapter(DAY, number);
      const { chapters } = await world.story(DAY);
      return `${world.url}/api/v1/oms/${chapters[number - 1].show}/`;
    },
  };
}

export const STORIES = [
  packageIn("Waiting"),
  packageIn("Packed all items"),
  packageIn("Shipped"),
  packageIn("Delivered", "Delivered, without commands"),
  chapter(3, "Day in the warehouse: packed"),
  chapter(5, "Day in the warehouse: delivered"),
  list("Busy day", 60),
  list("Nothing to do", 0),
  list("OMS is down", 10, { kind: "status", options: { status: 503 } }),
  list("OMS is slow", 10, { kind: "delay", options: { seconds: 3 } }),
];
