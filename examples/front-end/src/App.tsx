import { useState } from "react";
import type { Backend } from "./client.js";
import { PackageDetail } from "./PackageDetail.js";
import { PackageList } from "./PackageList.js";

export function App({ backend }: { backend: Backend }) {
  const [selected, select] = useState<number>();
  const [changes, setChanges] = useState(0);
  return (
    <>
      <PackageList backend={backend} selected={selected} changes={changes} onSelect={select} />
      <main>
        {selected === undefined ? (
          <p>Select a package.</p>
        ) : (
          <PackageDetail key={selected} backend={backend} id={selected} onChange={() => setChanges(changes + 1)} />
        )}
      </main>
    </>
  );
}
