import { useEffect, useState, type DependencyList } from "react";

interface Loaded<Data> {
  data?: Data;
  error?: Error;
}

/** Load data when the keys change. Keep the earlier data until then. */
export function useLoaded<Data>(load: () => Promise<Data>, keys: DependencyList): Loaded<Data> {
  const [loaded, setLoaded] = useState<Loaded<Data>>({});
  useEffect(() => {
    let isCurrent = true;
    load().then(
      (data) => isCurrent && setLoaded({ data }),
      (error: Error) => isCurrent && setLoaded({ error }),
    );
    return () => {
      isCurrent = false;
    };
  }, keys);
  return loaded;
}
