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
      const table = make("table", { id: view.id + "-table" }, this.head(), this.body);
      table.prepend(make("caption", {}, view.title));
      const label = make("label", { for: this.find.id }, "Filter ");
      place.append(
        make("div", { class: "tools" }, label, this.find, this.save, this.status),
        make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": view.title },
          table),
        this.more,
      );
      this.listen();
    }

    key(name) {
      return this.view.id + "." + name;
    }

    head() {
      const row = make("tr");
      for (const column of this.view.columns) {
        const sorter = make("button", { type: "button", class: "sort" }, column.label);
        sorter.addEventListener("click", () => this.toggle(column));
        const inside = make("div", { class: "head" }, sorter);
        if (column.help) inside.append(isthmus.helpButton(column));
        const cell = make("th", {
          scope: "col", class: isthmus.isNumeric(column.kind) ? "number" : null,
          "data-key": column.key,
        }, inside);
        this.heads.push(cell);
        row.append(cell);
      }
      return make("thead", {}, row);
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
      this.fill();
    }

    arrange() {
      const sort = isthmus.state.get(this.key("sort"));
      const down = sort.startsWith("-"), key = down ? sort.slice(1) : sort;
      const ordered = key ? [...this.rows].sort(compare(key, down)) : this.rows;
      if (this.view.ranked) ordered.forEach((row, place) => (row.rank = place + 1));
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

    text(row) {
      return this.view.columns.map((c) => c.kind === "country"
        ? row[c.key] + " " + isthmus.format(row[c.key], c.kind)
        : isthmus.format(row[c.key], c.kind)).join(" ").toLowerCase();
    }

    fill() {
      this.shown = this.arrange();
      const visible = this.shown.slice(0, this.limit);
      this.body.replaceChildren(...visible.map((row) => this.line(row)));
      const total = this.rows.length, found = this.shown.length;
      this.status.textContent = total === 0 ? "Nothing to show for this selection."
        : found === total ? `${total.toLocaleString("en-GB")} rows`
          : `${found.toLocaleString("en-GB")} of ${total.toLocaleString("en-GB")} rows`;
      this.more.hidden = visible.length === found;
      this.save.textContent = `CSV (${found.toLocaleString("en-GB")} rows)`;
    }

    line(row) {
      const small = this.view.small && row[this.view.small] < isthmus.meta.small;
      const line = make("tr", { class: small ? "small" : null });
      for (const column of this.view.columns) line.append(this.cell(row, column));
      return line;
    }

    cell(row, column) {
      const value = row[column.key];
      const cell = make("td", { class: isthmus.isNumeric(column.kind) ? "number" : null });
      const text = isthmus.format(value, column.kind);
      if (column.link && value !== null) {
        const target = column.link.replace(/\{(\w+)\}/g, (_, key) => encodeURIComponent(
          key in row ? row[key] : isthmus.state.get(key)));
        cell.append(make("a", { href: target }, text));
      } else cell.textContent = text;
      if (column.kind === "text") cell.dir = "auto";
      if (text.length > 40) cell.className = "long";
      return cell;
    }
  };
})();
