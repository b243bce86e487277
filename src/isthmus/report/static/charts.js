// Draws the page's Vega-Lite charts. Expressions are interpreted, never evaluated as code.
(function () {
  "use strict";
  const isthmus = window.isthmus;
  const drawn = new Map();

  const LIGHT = { ink: "#1b1b1b", line: "#cfcfca", ground: "#ffffff" };

  function colours(print) {
    const style = getComputedStyle(document.documentElement);
    const ink = print ? LIGHT.ink : style.getPropertyValue("--ink").trim();
    const line = print ? LIGHT.line : style.getPropertyValue("--line").trim();
    const text = { labelColor: ink, titleColor: ink };
    return {
      background: print ? LIGHT.ground : "transparent",
      font: "system-ui, sans-serif",
      text: { color: ink }, header: text,
      axis: { ...text, labelLimit: 150, titleLimit: Math.max(180, Math.min(560, window.innerWidth - 200)), gridColor: line, domainColor: line, tickColor: line },
      legend: { ...text, orient: "bottom", columns: window.innerWidth < 700 ? 1 : 3, labelLimit: 300 },
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
    if (made.width && made.width.step) {
      const most = (spec.usermeta || {}).square || 15;
      made.width = { step: Math.min(26, Math.floor((width - 150) / most)) };
      made.height = made.width;
    }
    if (typeof made.width !== "number") return made;
    if (made.height.step) {
      const field = (spec.usermeta || {}).category || ((spec.encoding || {}).y || {}).field;
      const known = rows.some((row) => field in row);
      const found = known ? new Set(rows.map((row) => row[field])).size : rows.length;
      made.height = spec.height.step * Math.min(found, (spec.usermeta || {}).most || found);
    }
    made.width = Math.max(240, width - 4);
    made.autosize = { type: "fit-x", contains: "padding" };
    if (made.projection) made.height = Math.round(made.width * 0.52);
    return made;
  }

  const COUNTRIES = ["country", "partner", "source", "target", "origin", "destination", "lead"];
  const WORDS = { null_model: "models", experiment: "experiments", archetype: "archetypes",
    role: "roles", layer: "layers", number: "numbers", sector: "sectors", with_sector: "sectors", covariate: "statistics", group: "statistics" };

  function named(rows, spec) {
    // Legends and axes show names; the map's lookup needs the codes.
    const names = isthmus.meta.names;
    return rows.map((row) => {
      const copy = { ...row };
      if (!spec.projection) for (const key of COUNTRIES) {
        if (key in copy && key !== "lead") copy[key] = names[copy[key]] || copy[key];
      }
      if ("is_pole_pair" in copy) copy.is_pole_pair = copy.is_pole_pair ? "the poles" : "other pairs";
      for (const [key, words] of Object.entries(WORDS)) {
        if (typeof copy[key] === "string") copy[key] = isthmus.word(copy[key], words);
      }
      return copy;
    });
  }

  // A country keeps its colour on every chart of the site, and so do roles and archetypes.
  function fixed(part, rows) {
    if (Array.isArray(part)) return part.map((one) => fixed(one, rows));
    if (!part || typeof part !== "object") return part;
    const made = {};
    for (const [key, value] of Object.entries(part)) {
      made[key] = key === "color" && value && value.type === "nominal" ? coloured(value, rows)
        : key === "datasets" || key === "data" ? value : fixed(value, rows);
    }
    return made;
  }

  function coloured(colour, rows) {
    const [range, places] = isthmus.meta.colours, field = colour.field;
    const values = [...new Set(rows.map((row) => row[field]).filter((v) => v !== null && v !== undefined))];
    const fixedWords = WORDS[field] === "roles" || WORDS[field] === "archetypes"
      ? Object.values(isthmus.meta.words[WORDS[field]]) : null;
    if (!COUNTRIES.includes(field) && !fixedWords) return colour;
    const name = (code) => isthmus.meta.names[code] || code;
    const at = fixedWords || Object.keys(places).map(name);
    const place = (value) => fixedWords ? fixedWords.indexOf(value) % range.length
      : Object.values(places)[at.indexOf(value)] ?? 7;
    values.sort((a, b) => at.indexOf(a) - at.indexOf(b));
    return { ...colour, scale: { domain: values, range: values.map((v) => range[place(v)]) } };
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

  // Intervals that would flatten the estimates are cut at the chart's edge, and the caption says so.
  function cut(spec, rows, axis) {
    const inside = spec.spec || spec, layers = inside.layer || [];
    const fields = (from) => layers.flatMap((layer) => from(layer.encoding || {})).filter(Boolean);
    const bands = fields((e) => e[axis + "2"] ? [(e[axis] || {}).field, e[axis + "2"].field] : []);
    const main = fields((e) => e[axis + "2"] ? [] : [(e[axis] || {}).field]);
    const shift = { from: "ci_low", to: "ci_high" };
    const numbers = (keys) => rows.flatMap((row) => keys.map((key) =>
      key in row ? row[key] : row[shift[key]])).filter((v) => typeof v === "number");
    const values = numbers(main), all = numbers([...main, ...bands]);
    if (!bands.length || values.length < 3) return spec;
    const log = layers.some((layer) => (((layer.encoding || {})[axis] || {}).scale || {}).type === "log");
    const [to, from] = log ? [Math.log, Math.exp] : [Number, Number];
    const ends = (list) => [Math.min(...list), Math.max(...list)].map((v) => to(v));
    const [low, high] = ends(values), [least, most] = ends(all.filter((v) => !log || v > 0));
    const room = (high - low) || 1;
    if (most <= high + room && least >= low - room) return spec;
    const domain = [Math.max(least, low - room), Math.min(most, high + room)].map((v) => from(v));
    const drawn = layers.map((layer) => {
      const encoding = { ...layer.encoding }, at = encoding[axis];
      if (at && at.field) encoding[axis] = { ...at, scale: { ...at.scale, domain, nice: false } };
      const mark = typeof layer.mark === "string" ? { type: layer.mark } : layer.mark;
      return { ...layer, encoding, mark: { ...mark, clip: true } };
    });
    const made = { ...inside, layer: drawn };
    return { ...(spec.spec ? { ...spec, spec: made } : made), cutAtEdge: true };
  }

  // Shares are written in per cent, counts have no halves on their axis.
  function axes(part, kinds) {
    if (Array.isArray(part)) return part.map((one) => axes(one, kinds));
    if (!part || typeof part !== "object") return part;
    const made = {};
    for (const [key, value] of Object.entries(part)) {
      made[key] = key === "data" || key === "datasets" ? value : axes(value, kinds);
      const kind = value && value.type === "quantitative" && kinds[value.field];
      if (key !== "x" && key !== "y" || !kind) continue;
      if (kind === "share") made[key].axis = { format: "~%", ...value.axis };
      if (kind === "count") made[key].axis = { format: ",~f", tickMinStep: 1, ...value.axis };
    }
    return made;
  }

  // A line is not drawn across years without a number: such years get an empty row.
  function gaps(spec, rows) {
    const parts = (spec.layer || [spec]).filter((part) => part.mark === "line"
      || (part.mark || {}).type === "line");
    const encodings = parts.map((part) => part.encoding || spec.encoding || {});
    if (!encodings.length || encodings.some((e) => (e.x || {}).field !== "year")) return rows;
    const keys = [...new Set(encodings.flatMap((e) => [(e.color || {}).field,
      (e.strokeDash || {}).field]).filter(Boolean))];
    const groups = new Map();
    for (const row of rows) {
      const name = JSON.stringify(keys.map((key) => row[key]));
      groups.set(name, [...(groups.get(name) || []), row]);
    }
    const added = [];
    for (const list of groups.values()) {
      const years = new Set(list.map((row) => row.year));
      const template = Object.fromEntries(Object.keys(list[0]).map((key) =>
        [key, keys.includes(key) ? list[0][key] : null]));
      for (let year = Math.min(...years) + 1; year < Math.max(...years); year += 1) {
        if (!years.has(year)) added.push({ ...template, year });
      }
    }
    return [...rows, ...added];
  }

  // The countries with most pairs: a square of all would be wider than any screen.
  function square(rows, most) {
    const counts = new Map();
    for (const row of rows) for (const end of [row.source, row.target]) {
      counts.set(end, (counts.get(end) || 0) + 1);
    }
    const order = Object.keys(isthmus.meta.colours[1]);
    const ranked = [...counts.keys()].sort((a, b) => counts.get(b) - counts.get(a)
      || order.indexOf(a) - order.indexOf(b));
    const kept = new Set(ranked.slice(0, most));
    return rows.filter((row) => kept.has(row.source) && kept.has(row.target));
  }

  async function described(place, given, every, view) {
    const most = (given.usermeta || {}).square;
    const rows = most ? square(every, most) : every;
    const { cutAtEdge, ...uncut } = cut(cut(given, rows, "y"), rows, "x");
    const kinds = Object.fromEntries(view.columns.flatMap((c) =>
      [[c.key, c.kind], ...(c.ends || []).map((end) => [end, c.kind])]));
    const spec = axes(uncut, kinds);
    const sets = { rows: named(gaps(spec, rows), spec) };
    const full = fixed(fitted(spec, rows, place.clientWidth), sets.rows);
    if (spec.projection) {
      const shapes = await isthmus.shapes();
      sets.points = shapes.points;
      full.layer = full.layer.map((layer) => layer.data && layer.data.name === "world"
        ? { ...layer, data: { values: shapes.topology, format: layer.data.format } } : layer);
    }
    full.datasets = sets;
    return [full, cutAtEdge ? " Intervals are cut at the edge of the chart." : ""];
  }

  function embed(canvas, full, spec, print) {
    const options = {
      ast: true, actions: false, renderer: print ? "svg" : "canvas", defaultStyle: false,
      tooltip: false, config: colours(print), mode: "vega-lite",
    };
    // A map without any small country has an empty layer, of which Vega would warn: errors only.
    if (spec.projection) options.logLevel = 1;
    return window.vegaEmbed(canvas, full, options);
  }

  // A picture is drawn afresh on white, with its title and caption, whatever the theme.
  async function save(place, spec, rows, view, ending) {
    const name = place.id + "." + ending;
    if (ending === "csv") {
      const columns = [...view.columns, { key: "source_of_data" }];
      const stamped = rows.map((row) => ({ ...row, source_of_data: view.caption }));
      return isthmus.download(name, isthmus.csv(columns, stamped));
    }
    const [full, said] = await described(place, spec, rows, view);
    const title = document.querySelector("#" + view.id + " [data-title]").textContent;
    full.title = { text: title, subtitle: [document.title, view.caption + said], anchor: "start" };
    const result = await embed(document.createElement("div"), full, spec, true);
    if (ending === "svg") isthmus.download(name, await result.view.toSVG(), "image/svg+xml");
    else isthmus.download(name, new URL(await result.view.toImageURL("png", 2)));
    result.finalize();
  }

  function tools(place, spec, rows, view, said) {
    const { make } = isthmus;
    const line = make("div", { class: "save" }, make("span", { class: "caption" }, view.caption + said));
    for (const ending of ["svg", "png", "csv"]) {
      const label = `Save the chart as ${ending.toUpperCase()}`;
      const button = make("button", { type: "button", "aria-label": label, class: "save-" + ending },
        ending.toUpperCase());
      button.addEventListener("click", () => save(place, spec, rows, view, ending));
      line.append(button);
    }
    return line;
  }

  isthmus.draw = async function (place, spec, rows, view) {
    if (!(await isthmus.vega())) return;
    const [full, said] = await described(place, spec, rows, view);
    const turn = (drawn.get(place)?.turn || 0) + 1;
    drawn.get(place)?.result?.finalize();
    drawn.set(place, { turn });
    const canvas = document.createElement("div");
    const result = await embed(canvas, full, spec, false);
    if (drawn.get(place).turn !== turn) return result.finalize();
    drawn.set(place, { turn, result });
    place.replaceChildren(canvas, tools(place, spec, rows, view, said));
    place.dataset.drawn = String(rows.length);
    const picture = canvas.querySelector("canvas");
    if (picture) {
      picture.setAttribute("role", "img");
      picture.setAttribute("aria-label", spec.description + ". Its numbers are in the table below.");
    }
  };
})();
