// Loads the site's data: each file under data/ is a script that calls isthmus.give(name, sets).
// Scripts, not fetch, so that the site works from file:// too.
(function () {
  "use strict";
  const isthmus = (window.isthmus = {});
  const given = new Map();
  const loading = new Map();

  isthmus.give = function (name, sets) {
    given.set(name, sets);
  };

  function exists(name) {
    const at = name.lastIndexOf("/");
    const list = isthmus.meta.shards[at < 0 ? "" : name.slice(0, at)] || [];
    return list.includes(name.slice(at + 1));
  }

  function script(source) {
    return new Promise((resolve) => {
      const element = document.createElement("script");
      element.src = source;
      element.onload = () => resolve(true);
      element.onerror = () => resolve(false);
      document.head.append(element);
    });
  }

  // Columns come as plain lists, as {levels, codes} or {levels, runs} where few values repeat, as
  // {steps} where years follow each other, or as {from, values} where they begin or end with
  // nothing.
  function listed(column) {
    if (Array.isArray(column)) return column;
    if (column.values) return [...new Array(column.from), ...column.values];
    if (column.codes) return column.codes.map((code) => column.levels[code]);
    const made = [];
    for (let at = 0; at < (column.steps || []).length; at += 2) {
      for (let n = 0; n < column.steps[at + 1]; n += 1) made.push(column.steps[at] + n);
    }
    if (column.steps) return made;
    for (let at = 0; at < column.runs.length; at += 2) {
      for (let n = column.runs[at + 1]; n > 0; n -= 1) made.push(column.levels[column.runs[at]]);
    }
    return made;
  }

  function rowsOf(set) {
    const keys = Object.keys(set);
    const read = keys.map((key) => listed(set[key]));
    const count = Math.max(0, ...read.map((column) => column.length));
    const rows = new Array(count);
    for (let i = 0; i < count; i += 1) {
      const row = {};
      for (let k = 0; k < keys.length; k += 1) row[keys[k]] = read[k][i] ?? null;
      rows[i] = row;
    }
    return rows;
  }

  async function shard(name) {
    if (!exists(name)) return {};
    if (!loading.has(name)) {
      loading.set(name, script("data/" + name + ".js").then(() => {
        const sets = given.get(name) || {};
        const decoded = {};
        for (const key of Object.keys(sets)) decoded[key] = rowsOf(sets[key]);
        return decoded;
      }));
    }
    return loading.get(name);
  }

  // Rows of one set out of several files, one after the other.
  isthmus.rows = async function (names, set) {
    const parts = await Promise.all(names.map(shard));
    return parts.flatMap((part) => part[set] || []);
  };

  let vega = null;
  isthmus.vega = function () {
    if (!vega) vega = script("static/vega.js");
    return vega;
  };

  let shapes = null;
  isthmus.shapes = function () {
    if (!shapes) shapes = script("data/shapes.js").then(() => given.get("shapes"));
    return shapes;
  };
})();
