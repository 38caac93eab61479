import { listPackages, type Backend } from "./client.js";
import { useLoaded } from "./useLoaded.js";

interface Properties {
  backend: Backend;
  selected?: number;
  /** Number of commands that have run. The list is loaded again after each. */
  changes: number;
  onSelect: (id: number) => void;
}

export function PackageList({ backend, selected, changes, onSelect }: Properties) {
  const { data: packages, error } = useLoaded(() => listPackages(backend), [backend, changes]);
  if (error) return <p role="alert">{error.message}</p>;
  return (
    <nav aria-label="Packages">
      <h1>Packages</h1>
      <ul>
        {packages?.map(({ id, number, state }) => (
          <li key={id}>
            <button aria-current={id === selected} onClick={() => onSelect(id)}>
              {number} <small>{state.name}</small>
            </button>
          </li>
        ))}
      </ul>
    </nav>
  );
}
