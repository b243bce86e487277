// How values are written for people, and as CSV for programs.
(function () {
  "use strict";
  const isthmus = window.isthmus;
  const whole = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });
  const three = new Intl.NumberFormat("en-GB", { maximumSignificantDigits: 3 });
  const NOTHING = "–";

  // Three digits, whole from 1,000 on, millions in words: never an exponent, never seven digits.
  function number(value) {
    const size = Math.abs(value);
    if (size < 5e-5) return "0";
    if (size >= 1e6) return three.format(value / 1e6) + " million";
    return size >= 1000 ? whole.format(value) : three.format(value);
  }

  function word(value, words) {
    const known = (isthmus.meta.words || {})[words] || {};
    return known[value] || isthmus.meta.names[value] || String(value).replace(/^(group|relation):/, "").replace(/[_-]/g, " ");
  }
  isthmus.word = word;

  isthmus.format = function (value, kind, words) {
    if (value === null || value === undefined || value === "") return NOTHING;
    if (kind === "country") return isthmus.meta.names[value] || String(value);
    if (kind === "word") return word(value, words);
    if (kind === "count" && typeof value === "string") return value;
    if (typeof value === "boolean") return value ? "yes" : "no";
    if (typeof value !== "number") return String(value);
    if (kind === "year") return String(value);
    if (kind === "count") return Math.abs(value) >= 1e6 ? number(value) : whole.format(value);
    if (kind === "share") return three.format(100 * value) + " %";
    if (kind === "p") return value < 0.001 ? "< 0.001" : value.toFixed(3);
    return number(value);
  };

  // What a cell says: an estimate with its interval behind it, where the column has one.
  isthmus.shown = function (row, column) {
    const text = isthmus.format(row[column.key], column.kind, column.words);
    const ends = (column.ends || []).map((key) => row[key]);
    if (!ends.length || ends.some((end) => end === null || end === undefined)) return [text, ""];
    if (text === NOTHING) return [text, ""];
    const write = (end) => isthmus.format(end, column.kind).replace(/ %$/, "");
    return [text, " (" + ends.map(write).join(" to ") + ")"];
  };

  isthmus.isNumeric = (kind) => ["count", "number", "share", "percent", "p"].includes(kind);

  // Text that a spreadsheet would run as a formula, as in isthmus.results.csv_files.
  const RUNS = /^'*(?:[ \t\r\n\f\v]*[=+\-@＝＋－＠]|[\t\r\n])/;

  function field(value) {
    if (value === null || value === undefined) return "";
    const text = typeof value === "string" && RUNS.test(value) ? "'" + value : String(value);
    return /[",\r\n]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
  }

  isthmus.csvKeys = (columns) => columns.flatMap((c) => [c.key, ...(c.ends || [])]);

  isthmus.csv = function (columns, rows) {
    const keys = isthmus.csvKeys(columns);
    const lines = [keys.map(field).join(",")];
    for (const row of rows) lines.push(keys.map((key) => field(row[key])).join(","));
    return lines.join("\r\n") + "\r\n";
  };

  isthmus.download = function (name, content, type) {
    const link = document.createElement("a");
    link.href = content instanceof URL ? content.href
      : URL.createObjectURL(new Blob([content], { type: type || "text/csv;charset=utf-8" }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };
})();
