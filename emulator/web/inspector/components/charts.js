/** Charts over the world's time: state changes, requests with refusals, and latency. Drawn as plain SVG. */
import { html } from "../lib.js";
import { number, time } from "../format.js";

const WIDTH = 300;
const HEIGHT = 84;

const CHARTS = [
  { title: "State changes", series: [["moved", "done", "changes"]], unit: "" },
  { title: "Requests", series: [["requests", "moving", "requests"], ["refused", "bad", "refused"]], unit: "" },
  { title: "Latency", series: [["milliseconds", "carrier", "ms maximum"]], unit: " ms" },
];

export const Charts = ({ report }) => html`<div class="charts">${CHARTS.map((chart) => html`<${Chart} key=${chart.title} ...${chart} report=${report} />`)}</div>`;

function Chart({ title, series, unit, report: { from, to, buckets } }) {
  const top = Math.max(...buckets.map((bucket) => bucket[series[0][0]]), 0);
  const step = WIDTH / Math.max(buckets.length, 1);
  const scale = (value) => (top ? Math.max(value ? 2 : 0, (value / top) * HEIGHT) : 0);
  const total = (key) => (unit ? top : buckets.reduce((sum, bucket) => sum + bucket[key], 0));
  const text = series.map(([key, , name]) => `${number(Math.round(total(key) * 10) / 10)} ${name}`).join(", ");
  return html`<figure class="chart"><figcaption><strong>${title}</strong> <span>${text}</span></figcaption>
    <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}: ${text}, from ${time(from)} to ${time(to)}" preserveAspectRatio="none">
      <path class="axis" d="M0 ${HEIGHT - 0.5}H${WIDTH}" />
      ${series.map(([key, tone]) => buckets.map((bucket, index) => bucket[key] > 0 && html`<rect key="${key} ${index}" class=${tone}
        x=${index * step + 0.5} y=${HEIGHT - scale(bucket[key])} width=${Math.max(step - 1, 0.6)} height=${scale(bucket[key])}>
        <title>${time(bucket.at)}: ${number(bucket[key])}${unit}</title></rect>`))}</svg>
    <p class="range"><span>${time(from)}</span><span>${time(to)}</span></p></figure>`;
}
