// How values are written for people, and as CSV for programs.
(function () {
  "use strict";
  const isthmus = window.isthmus;
  const whole = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });
  const three = new Intl.NumberFormat("en-GB", { maximumSignificantDigits: 3 });
  const NOTHING = "–";

  function number(value) {
    return Math.abs(value) >= 1000 ? whole.format(value) : three.format(value);
  }

  isthmus.format = function (value, kind) {
    if (value === null || value === undefined || value === "") return NOTHING;
    if (kind === "country") return isthmus.meta.names[value] || String(value);
    if (typeof value === "boolean") return value ? "yes" : "no";
    if (typeof value !== "number") return String(value);
    if (kind === "year") return String(value);
    if (kind === "count") return whole.format(value);
    if (kind === "share") return three.format(100 * value) + " %";
    if (kind === "p") return value < 0.001 ? "< 0.001" : value.toFixed(3);
    return number(value);
  };

  isthmus.isNumeric = (kind) => ["count", "number", "share", "percent", "p"].includes(kind);

  // Text that a spreadsheet would run as a formula, as in isthmus.results.csv_files.
  const RUNS = /^'*(?:[ \t\r\n\f\v]*[=+\-@＝＋－＠]|[\t\r\n])/;

  function field(value) {
    if (value === null || value === undefined) return "";
    const text = typeof value === "string" && RUNS.test(value) ? "'" + value : String(value);
    return /[",\r\n]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
  }

  isthmus.csv = function (columns, rows) {
    const lines = [columns.map((column) => field(column.key)).join(",")];
    for (const row of rows) lines.push(columns.map((c) => field(row[c.key])).join(","));
    return lines.join("\r\n") + "\r\n";
  };

  isthmus.download = function (name, text) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };
})();
