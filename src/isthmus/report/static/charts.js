// Draws the page's Vega-Lite charts. Expressions are interpreted, never evaluated as code.
(function () {
  "use strict";
  const isthmus = window.isthmus;
  const drawn = new Map();

  function colours() {
    const style = getComputedStyle(document.documentElement);
    const ink = style.getPropertyValue("--ink").trim();
    const line = style.getPropertyValue("--line").trim();
    const text = { labelColor: ink, titleColor: ink };
    return {
      background: "transparent",
      font: "system-ui, sans-serif",
      axis: { ...text, gridColor: line, domainColor: line, tickColor: line },
      legend: { ...text, orient: "bottom", columns: 3 },
      title: { color: ink, subtitleColor: ink },
      view: { stroke: "transparent" },
    };
  }

  // A chart as wide as its place; one with a step per category as high as it has categories.
  function fitted(spec, rows, width) {
    const made = { ...spec };
    if (made.facet) {
      // Panels side by side where there is room, below each other on a phone.
      made.columns = Math.max(1, Math.min(spec.columns || 2, Math.floor(width / 330)));
      made.spec = { ...spec.spec, width: Math.max(180, Math.floor(width / made.columns) - 90) };
      return made;
    }
    if (typeof made.width !== "number") return made;
    if (made.height.step) {
      const found = new Set(rows.map((row) => row[made.encoding.y.field])).size;
      made.height = spec.height.step * Math.min(found, (spec.usermeta || {}).most || found);
    }
    made.width = Math.max(240, width - 4);
    made.autosize = { type: "fit-x", contains: "padding" };
    if (made.projection) made.height = Math.round(made.width * 0.52);
    return made;
  }

  function named(rows, spec) {
    // Legends and axes show names; the map's lookup needs the codes.
    if (spec.projection) return rows;
    const names = isthmus.meta.names;
    const keys = ["country", "partner", "source", "target", "origin", "destination"];
    return rows.map((row) => {
      const copy = { ...row };
      for (const key of keys) if (key in copy) copy[key] = names[copy[key]] || copy[key];
      return copy;
    });
  }

  // Whether every field along an axis (on a map: every measure) has a value in some row;
  // without one there is no scale.
  isthmus.drawable = function (spec, rows) {
    const parts = [spec, ...(spec.layer || [])];
    const channels = spec.projection ? ["color", "strokeWidth"] : ["x", "y"];
    const fields = parts.flatMap((part) => channels
      .map((axis) => ((part.encoding || {})[axis] || {}).field).filter(Boolean));
    const known = (field) => !rows.some((row) => field in row)
      || rows.some((row) => row[field] !== null && row[field] !== undefined);
    return rows.length > 0 && fields.every(known);
  };

  isthmus.draw = async function (place, spec, rows) {
    if (!(await isthmus.vega())) return;
    const width = place.clientWidth;
    const full = fitted(spec, rows, width);
    const sets = { rows: named(rows, spec) };
    if (spec.projection) {
      const shapes = await isthmus.shapes();
      sets.points = shapes.points;
      full.layer = spec.layer.map((layer) => layer.data && layer.data.name === "world"
        ? { ...layer, data: { values: shapes.topology, format: layer.data.format } } : layer);
    }
    full.datasets = sets;
    const options = {
      ast: true, actions: false, renderer: "canvas", defaultStyle: false, tooltip: false,
      config: colours(), mode: "vega-lite", downloadFileName: place.id,
    };
    // A map without any small country has an empty layer, of which Vega would warn: errors only.
    if (spec.projection) options.logLevel = 1;
    const turn = (drawn.get(place)?.turn || 0) + 1;
    drawn.get(place)?.result?.finalize();
    drawn.set(place, { turn });
    const canvas = document.createElement("div");
    const result = await window.vegaEmbed(canvas, full, options);
    if (drawn.get(place).turn !== turn) return result.finalize();
    drawn.set(place, { turn, result });
    place.replaceChildren(canvas);
    place.dataset.drawn = String(rows.length);
    const picture = canvas.querySelector("canvas");
    if (picture) {
      picture.setAttribute("role", "img");
      picture.setAttribute("aria-label", spec.description + ". Its numbers are in the table above.");
    }
  };
})();
