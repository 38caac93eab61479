import { useState } from "react";
import { getPackage, runCommand, type Backend } from "./client.js";
import { useLoaded } from "./useLoaded.js";

interface Properties {
  backend: Backend;
  id: number;
  onChange: () => void;
}

export function PackageDetail({ backend, id, onChange }: Properties) {
  const [runs, setRuns] = useState(0);
  const [refusal, setRefusal] = useState<Error>();
  const { data: detail, error } = useLoaded(() => getPackage(backend, id), [backend, id, runs]);

  async function run(transition: number) {
    setRefusal(await runCommand(backend, id, transition).then(() => undefined, (error: Error) => error));
    setRuns(runs + 1); // another user may have changed the package, so load it after a refusal too
    onChange();
  }

  if (error) return <p role="alert">{error.message}</p>;
  if (!detail) return <p>Loading…</p>;
  return (
    <article>
      <h2>{detail.number}</h2>
      <p>
        <strong role="status">{detail.state.name}</strong> {detail.stock_location.name} → {detail.city}
      </p>
      <ul>
        {detail.packageitem_set.map((item) => (
          <li key={item.id}>
            {item.order_item.product.name} <small>{item.order_item.product.sku}</small>
          </li>
        ))}
      </ul>
      {refusal && <p role="alert">{refusal.message}</p>}
      <div className="commands">
        {detail.commands.map((command) => (
          <button key={command.id} onClick={() => run(command.id)}>
            {command.label}
          </button>
        ))}
      </div>
    </article>
  );
}
