-- The tables of a state file.
--
-- A row of `courses` is a branch: the first `upto` steps of its parent (without one: of the scenario), then its own
-- steps. Undo, restore and branch create a branch and copy nothing. `steps.at` is branch << 32 | number of the step. A
-- snapshot is the first `upto` steps of a branch. `seen` has the requests that a fault with a rate has seen.
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE scenarios (digest TEXT PRIMARY KEY, document BLOB NOT NULL, request TEXT, start TEXT NOT NULL);
CREATE TABLE worlds (
  id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL, scenario TEXT NOT NULL, course INTEGER NOT NULL,
  now TEXT NOT NULL
);
CREATE TABLE courses (id INTEGER PRIMARY KEY, parent INTEGER, upto INTEGER NOT NULL);
CREATE TABLE steps (at INTEGER PRIMARY KEY, line BLOB NOT NULL, changes BLOB NOT NULL);
CREATE TABLE snapshots (
  position INTEGER PRIMARY KEY, world INTEGER NOT NULL, name TEXT NOT NULL, course INTEGER NOT NULL,
  upto INTEGER NOT NULL, now TEXT NOT NULL, faults TEXT NOT NULL, UNIQUE (world, name)
);
CREATE TABLE faults (
  position INTEGER PRIMARY KEY, world INTEGER NOT NULL, id INTEGER NOT NULL, document TEXT NOT NULL,
  UNIQUE (world, id)
);
CREATE TABLE seen (
  world INTEGER, fault INTEGER, request TEXT, times INTEGER NOT NULL, PRIMARY KEY (world, fault, request)
) WITHOUT ROWID;
