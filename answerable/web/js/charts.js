// Charts over the tables that stand beside them. Data come from json_script elements; nothing is fetched but the map.
import * as Plot from "@observablehq/plot";
import { geoNaturalEarth1 } from "d3-geo";
import { feature } from "topojson-client";

const LEVELS = ["#dfe8e6", "#9cc7bf", "#3f8d83", "#0f4f4b"];
const SOURCES = { USSD: "circle", AI: "square", HRW: "triangle" };

// Plot writes a <style> element, which our policy refuses and our stylesheet replaces.
function quiet(figure) {
  for (const style of figure.querySelectorAll("style")) style.remove();
  // Plot names its <g> elements for screen readers, which ARIA does not allow; the table beside the chart speaks instead.
  for (const group of figure.querySelectorAll("g[aria-label]")) group.removeAttribute("aria-label");
  return figure;
}

function rows(element) {
  return JSON.parse(document.getElementById(element.dataset.source).textContent);
}

function hatch() {
  const ns = "http://www.w3.org/2000/svg";
  const defs = document.createElementNS(ns, "defs");
  const pattern = document.createElementNS(ns, "pattern");
  for (const [k, v] of Object.entries({ id: "unknown", width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" })) pattern.setAttribute(k, v);
  const line = document.createElementNS(ns, "line");
  for (const [k, v] of Object.entries({ x1: 0, y1: 0, x2: 0, y2: 6, stroke: "#b08a3c", "stroke-width": 1.5 })) line.setAttribute(k, v);
  pattern.append(line);
  defs.append(pattern);
  return defs;
}

async function map(element) {
  const world = await (await fetch(element.dataset.world)).json();
  const land = feature(world, world.objects.countries).features;
  const by = new Map(rows(element).filter((r) => r.id).map((r) => [r.id, r]));
  const known = (d) => by.get(d.id) && by.get(d.id).value !== null;
  const unknown = (d) => by.get(d.id) && by.get(d.id).value === null;
  const href = (d) => by.get(d.id)?.url || null;
  const title = (d) => { const r = by.get(d.id); return r ? `${r.name}: ${r.value === null ? element.dataset.unknown : r.value}` : d.properties.name; };
  const figure = Plot.plot({
    width: Math.max(element.clientWidth, 320),
    projection: () => geoNaturalEarth1().fitWidth(Math.max(element.clientWidth, 320), { type: "Sphere" }),
    marks: [
      () => hatch(),
      Plot.geo(land, { fill: "var(--land)", stroke: "var(--paper)", strokeWidth: 0.5 }),
      Plot.geo(land.filter(known), { fill: (d) => LEVELS[by.get(d.id).value], stroke: "var(--ink-soft)", strokeWidth: 0.5, href, title }),
      Plot.geo(land.filter(unknown), { fill: "url(#unknown)", stroke: "#b08a3c", strokeWidth: 0.7, href, title }),
      Plot.text(land.filter((d) => known(d) && by.get(d.id).value > 0), Plot.centroid({ text: (d) => String(by.get(d.id).value), fill: (d) => (by.get(d.id).value > 1 ? "#fff" : "#13302e"), fontSize: 10, fontWeight: 700 })),
    ],
  });
  element.replaceChildren(quiet(figure));
}

function timeline(element) {
  const data = rows(element);
  const seen = data.filter((r) => r.value !== null);
  const none = data.filter((r) => r.value === null);
  const figure = Plot.plot({
    width: Math.max(element.clientWidth, 320), height: 220, marginLeft: 40,
    x: { label: null, tickFormat: "d" },
    y: { label: element.dataset.label, domain: [-0.5, 3.2], ticks: [0, 1, 2, 3], tickFormat: "d", grid: true },
    symbol: { domain: Object.keys(SOURCES), range: Object.values(SOURCES), legend: true },
    marks: [
      Plot.dot(seen, { x: "year", y: "value", symbol: "source", fill: "var(--action)", r: 4, title: (d) => `${d.year} ${d.source}: ${d.value}` }),
      Plot.dot(none, { x: "year", y: -0.35, symbol: "source", stroke: "#8a6d1f", r: 3, title: (d) => `${d.year} ${d.source}: ${element.dataset.unknown}` }),
    ],
  });
  element.replaceChildren(quiet(figure));
}

function tally(element) {
  const data = rows(element);
  const figure = Plot.plot({
    width: Math.max(element.clientWidth, 280), height: 150, marginLeft: 90, marginRight: 30,
    x: { label: null, grid: true, ticks: 5, tickFormat: "d" }, y: { label: null, domain: data.map((d) => d.choice) },
    marks: [
      Plot.barX(data, { x: "n", y: "choice", fill: (d) => (d.key === "for" ? "var(--action)" : "var(--ink-soft)") }),
      Plot.text(data, { x: "n", y: "choice", text: (d) => String(d.n), dx: 12, fill: "currentColor" }),
    ],
  });
  element.replaceChildren(quiet(figure));
}

const KINDS = { map, timeline, tally };
function draw() {
  for (const element of document.querySelectorAll("[data-chart]")) {
    Promise.resolve().then(() => KINDS[element.dataset.chart](element)).catch(() => { element.hidden = true; });
  }
}
draw();
let waiting;
addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(draw, 200); });
