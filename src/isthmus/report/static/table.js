// A table that sorts, filters and gives itself as CSV. Its order and filter live in the address.
(function () {
  "use strict";
  const isthmus = window.isthmus;
  const STEP = 100;

  function make(tag, attributes, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value !== null && value !== false) element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  }
  isthmus.make = make;

  function compare(key, down) {
    return (a, b) => {
      const x = a[key], y = b[key];
      if (x === null || y === null) return (x === null) - (y === null);
      const order = typeof x === "number" && typeof y === "number"
        ? x - y : String(x).localeCompare(String(y), "en");
      return down ? -order : order;
    };
  }

  isthmus.Table = class {
    constructor(place, view) {
      this.view = view;
      this.rows = [];
      this.limit = STEP;
      this.find = make("input", {
        type: "search", id: view.id + "-find", placeholder: "Filter rows", autocomplete: "off",
      });
      this.status = make("span", { class: "status", role: "status" });
      this.save = make("button", { type: "button", class: "csv" }, "CSV");
      this.more = make("button", { type: "button", class: "more", hidden: "" }, "Show more rows");
      this.body = make("tbody");
      this.heads = [];
      this.top = make("tr");
      this.note = make("p", { class: "empty" });
      const table = make("table", { id: view.id + "-table" }, make("thead", {}, this.top), this.body);
      table.prepend(make("caption", {}, view.title));
      const label = make("label", { for: this.find.id }, "Filter ");
      place.append(
        make("div", { class: "tools" }, label, this.find, this.chooser(), this.save, this.status),
        make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": view.title },
          table),
        this.note,
        this.more,
      );
      this.listen();
    }

    key(name) {
      return this.view.id + "." + name;
    }

    // Seven columns by default; which are shown lives in the address.
    columns() {
      const chosen = isthmus.state.get(this.key("columns"));
      const keys = chosen ? chosen.split(",") : [];
      const found = this.view.columns.filter((column) => keys.includes(column.key));
      return found.length ? found : this.view.columns.filter((c) => this.tells(c)).slice(0, this.view.most);
    }

    // A text that is the same in every row tells nothing; it is hidden until it is asked for.
    tells(column) {
      if (this.rows.length < 2 || !["word", "text", "country"].includes(column.kind)) return true;
      return this.rows.some((row) => row[column.key] !== this.rows[0][column.key]);
    }

    chooser() {
      if (this.view.columns.length <= this.view.most) return "";
      const list = make("div");
      this.boxes = this.view.columns.map((column) => {
        const box = make("input", { type: "checkbox", value: column.key });
        box.addEventListener("change", () => {
          const keys = this.boxes.filter((one) => one.checked).map((one) => one.value);
          isthmus.state.set({ [this.key("columns")]: keys.join(",") }, true);
        });
        list.append(make("label", {}, box, column.label));
        return box;
      });
      return make("details", { class: "columns" },
        make("summary", {}, `Columns (${this.view.columns.length})`), list);
    }

    head() {
      this.heads = [];
      const shown = this.columns();
      for (const box of this.boxes || []) box.checked = shown.some((c) => c.key === box.value);
      this.top.replaceChildren();
      for (const column of shown) {
        const sorter = make("button", { type: "button", class: "sort" },
          column.label + (column.ends ? ", with interval" : ""));
        sorter.addEventListener("click", () => this.toggle(column));
        const inside = make("div", { class: "head" }, sorter);
        if (column.help) inside.append(isthmus.helpButton(column));
        const cell = make("th", {
          scope: "col", class: isthmus.isNumeric(column.kind) ? "number" : null,
          "data-key": column.key,
        }, inside);
        this.heads.push(cell);
        this.top.append(cell);
      }
    }

    listen() {
      this.find.addEventListener("input", () => {
        isthmus.state.set({ [this.key("find")]: this.find.value }, true);
      });
      this.save.addEventListener("click", () => {
        isthmus.download(this.view.id + ".csv", isthmus.csv(this.view.columns, this.shown));
      });
      this.more.addEventListener("click", () => {
        this.limit += 10 * STEP;
        this.fill();
      });
    }

    toggle(column) {
      const now = isthmus.state.get(this.key("sort"));
      const numeric = isthmus.isNumeric(column.kind) || column.kind === "year";
      const first = numeric ? "-" + column.key : column.key;
      const second = numeric ? column.key : "-" + column.key;
      isthmus.state.set({ [this.key("sort")]: now === first ? second : first });
    }

    show(rows) {
      this.rows = rows;
      this.limit = STEP;
      const now = this.columns().map((column) => column.key).join(",");
      if (this.headed !== now) this.head();
      this.headed = now;
      this.fill();
    }

    arrange() {
      const sort = isthmus.state.get(this.key("sort"));
      const down = sort.startsWith("-"), key = down ? sort.slice(1) : sort;
      const ordered = key ? [...this.rows].sort(compare(key, down)) : this.rows;
      if (this.view.ranked) this.rank(ordered, key);
      for (const cell of this.heads) {
        const here = cell.dataset.key === key;
        cell.setAttribute("aria-sort", here ? (down ? "descending" : "ascending") : "none");
      }
      const wanted = isthmus.state.get(this.key("find"));
      if (this.find.value !== wanted) this.find.value = wanted;
      const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
      if (!words.length) return ordered;
      return ordered.filter((row) => {
        const text = this.text(row);
        return words.every((word) => text.includes(word));
      });
    }

    // Countries that their intervals do not tell apart share ranks, like 1-2.
    rank(ordered, key) {
      const column = this.view.columns.find((one) => one.key === key && one.ends);
      const known = column ? ordered.filter((row) => column.ends.every((end) => row[end] !== null)) : [];
      ordered.forEach((row, place) => {
        row.rank = place + 1;
        if (!known.includes(row)) return;
        const [low, high] = column.ends.map((end) => row[end]);
        const first = known.filter((other) => other[column.ends[0]] > high).length + 1;
        const last = known.filter((other) => other[column.ends[1]] >= low).length;
        row.rank = first === last ? first : first + "-" + last;
      });
    }

    text(row) {
      return this.view.columns.map((c) => (c.kind === "country" ? row[c.key] + " " : "")
        + isthmus.shown(row, c).join("")).join(" ").toLowerCase();
    }

    fill() {
      this.shown = this.arrange();
      const visible = this.shown.slice(0, this.limit);
      const columns = this.columns();
      this.body.replaceChildren(...visible.map((row) => this.line(row, columns)));
      this.note.textContent = this.reasons(visible, columns);
      const total = this.rows.length, found = this.shown.length;
      this.status.textContent = total === 0 ? "Nothing to show for this selection."
        : found === total ? `${total.toLocaleString("en-GB")} rows`
          : `${found.toLocaleString("en-GB")} of ${total.toLocaleString("en-GB")} rows`;
      this.more.hidden = visible.length === found;
      this.save.textContent = `CSV (${found.toLocaleString("en-GB")} rows)`;
    }

    // Why cells are empty: the reason that the rows or the columns give.
    reasons(rows, columns) {
      const found = new Set();
      for (const column of columns) {
        if (!column.empty) continue;
        if (rows.some((row) => row[column.key] === null || row[column.key] === undefined)) {
          found.add(column.label + ": " + column.empty);
        }
      }
      return found.size ? "– in " + [...found].join("; ") + "." : "";
    }

    line(row, columns) {
      const small = this.view.small && row[this.view.small] < isthmus.meta.small;
      const line = make("tr", { class: small ? "small" : null });
      for (const column of columns) line.append(this.cell(row, column));
      return line;
    }

    cell(row, column) {
      const value = row[column.key];
      const cell = make("td", {
        class: column.key.endsWith("_id") ? "identifier"
          : isthmus.isNumeric(column.kind) ? "number" : null,
        "data-label": column.label,
      });
      const [text, ends] = isthmus.shown(row, column);
      if (column.link && value !== null) {
        const target = column.link.replace(/\{(\w+)\}/g, (_, key) => encodeURIComponent(
          key in row ? row[key] : isthmus.state.get(key)));
        cell.append(make("a", { href: target }, text));
      } else cell.append(make("span", column.kind === "text" ? { dir: "auto" } : {}, text));
      if (ends) cell.append(make("span", { class: "ends" }, ends));
      if ((value === null || value === undefined) && row.reason) cell.title = row.reason;
      if (text.length > 40) cell.classList.add("long");
      return cell;
    }
  };
})();
