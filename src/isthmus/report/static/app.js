// One page: its controls, its views (a table, then its chart, then its map), its help.
(function () {
  "use strict";
  const isthmus = window.isthmus;
  const { make, state } = isthmus;
  const page = JSON.parse(document.getElementById("page").textContent);
  const MOST = 8;
  const tables = new Map();

  // What a template like country_year/{year} may name beside the controls.
  function value(key) {
    if (key === "first" || key === "initial") {
      const [first, second] = [state.get("a"), state.get("b")].sort();
      return key === "first" ? first : second.slice(0, 1);
    }
    return state.get(key);
  }

  function names(view) {
    return view.data.flatMap((template) => {
      const match = /\{(\w+)\}/.exec(template);
      const many = match && page.controls.find((c) => c.key === match[1] && c.kind === "many");
      if (many) return list(match[1]).map((one) => template.replace(match[0], one));
      return [template.replace(/\{(\w+)\}/g, (_, key) => value(key))];
    });
  }

  function list(key) {
    return state.get(key).split(",").filter(Boolean);
  }

  function passes(row, [column, how, key]) {
    const wanted = how === "equals" ? key : state.get(key);
    if (how === "differs") return String(row[column]) !== key;
    if (how === "among") return list(key).includes(String(row[column]));
    if (wanted === "") return true;
    if (how === "pair") {
      const ends = [state.get("a"), state.get("b")];
      return ends.includes(row.source) && ends.includes(row.target);
    }
    if (how === "touches") return row.source === wanted || row.target === wanted;
    if (how === "above") return row[column] !== null && row[column] >= Number(wanted);
    return String(row[column]) === wanted;
  }

  isthmus.helpButton = function (column) {
    const button = make("button", {
      type: "button", class: "help", "aria-label": "What is " + column.label + "?",
      "aria-expanded": "false",
    }, "?");
    button.addEventListener("click", () => explain(button, column));
    return button;
  };

  const note = make("div", { id: "help", role: "dialog", "aria-label": "Explanation", hidden: "" });
  let asked = null;

  function explain(button, column) {
    const again = asked === button;
    hush();
    if (again) return;
    asked = button;
    button.setAttribute("aria-expanded", "true");
    const close = make("button", { type: "button", class: "close", "aria-label": "Close" }, "×");
    close.addEventListener("click", hush);
    note.replaceChildren(
      make("strong", {}, column.label), close,
      make("p", {}, column.help.what),
      make("p", {}, "Counting rule: " + column.help.rule),
      make("p", {}, make("a", { href: "methods.html#" + column.help.section }, "Methods"),
        " · column ", make("code", {}, column.key)),
    );
    note.hidden = false;
    const box = button.getBoundingClientRect();
    note.style.top = window.scrollY + box.bottom + 6 + "px";
    const left = Math.min(box.left, document.documentElement.clientWidth - note.offsetWidth - 8);
    note.style.left = Math.max(8, left) + "px";
    close.focus();
  }

  function hush() {
    note.hidden = true;
    if (asked) {
      asked.setAttribute("aria-expanded", "false");
      asked.focus();
      asked = null;
    }
  }

  function choice(control, options) {
    const select = make("select", { id: "c-" + control.key });
    for (const [code, text] of options) select.append(make("option", { value: code }, text));
    return select;
  }

  function single(control) {
    const select = choice(control, control.options);
    select.addEventListener("change", () => state.set({ [control.key]: select.value }));
    control.show = () => (select.value = state.get(control.key));
    return [make("label", { for: select.id }, control.label + " "), select];
  }

  function slider(control) {
    const years = control.options.map((option) => option[0]);
    const range = make("input", {
      type: "range", id: "c-" + control.key, min: "0", max: String(years.length - 1),
    });
    const shown = make("output", { for: range.id });
    range.addEventListener("input", () => state.set({ [control.key]: years[range.value] }, true));
    control.show = () => {
      range.value = String(Math.max(0, years.indexOf(state.get(control.key))));
      shown.textContent = years[range.value];
      range.setAttribute("aria-valuetext", years[range.value]);
    };
    return [make("label", { for: range.id }, control.label + " "), range, shown];
  }

  function several(control) {
    const select = choice(control, [["", "add …"], ...control.options]);
    const chips = make("span", { class: "chips" });
    select.addEventListener("change", () => {
      const now = list(control.key);
      if (select.value && !now.includes(select.value) && now.length < MOST) {
        state.set({ [control.key]: [...now, select.value].join(",") });
      }
      select.value = "";
    });
    control.show = () => {
      const now = list(control.key);
      select.disabled = now.length >= MOST;
      chips.replaceChildren(...now.map((code) => {
        const name = isthmus.meta.names[code] || code;
        const chip = make("button", { type: "button", "aria-label": "Remove " + name }, name, " ×");
        chip.addEventListener("click", () => {
          state.set({ [control.key]: now.filter((other) => other !== code).join(",") });
        });
        return chip;
      }));
    };
    return [make("label", { for: select.id }, control.label + " "), select, chips];
  }

  function controls() {
    const kinds = { choice: single, slider, many: several };
    const defaults = {};
    const place = document.getElementById("controls");
    for (const control of page.controls) {
      defaults[control.key] = control.default;
      place.append(make("div", { class: "control" }, ...kinds[control.kind](control)));
    }
    for (const view of page.views) if (view.sort) defaults[view.id + ".sort"] = view.sort;
    state.defaults(defaults);
  }

  // A selection that is no option (an old or mistyped link) falls back to the default.
  function mend() {
    for (const control of page.controls) {
      const known = new Set(control.options.map((option) => option[0]));
      const now = control.kind === "many" ? list(control.key) : [state.get(control.key)];
      if (now.some((code) => code !== "" && !known.has(code))) {
        state.set({ [control.key]: control.default }, true);
      }
    }
  }

  function heading(view) {
    const place = document.querySelector("#" + view.id + " [data-title]");
    if (!place) return;
    place.textContent = view.heading.replace(/\{(\w+)\}/g, (_, key) => {
      const now = value(key);
      return isthmus.meta.names[now] || now;
    });
  }

  // The sentences that begin the page of a country or a pair.
  async function lead() {
    const place = document.getElementById("lead"), found = page.sentences || {};
    if (!found.set) return;
    const rows = (await isthmus.rows(names(found), found.set))
      .filter((row) => found.where.every((rule) => passes(row, rule)));
    place.textContent = rows.map((row) => row.text).join(" ") || found.none || "";
    const title = document.querySelector("h1"), keys = ["country", "a", "b"].map(state.get);
    const chosen = (keys[0] ? keys.slice(0, 1) : keys.slice(1)).map((c) => isthmus.meta.names[c] || c);
    if (keys.some(Boolean)) title.textContent = chosen.join(" and ");
  }

  // The sentences that begin a view; a rule on a column that they lack does not concern them.
  async function say(view) {
    const rows = (await isthmus.rows(names(view), view.says))
      .filter((row) => (view.where || []).every((rule) => !(rule[0] in row) || passes(row, rule)));
    document.getElementById(view.id + "-says").textContent = rows.map((row) => row.text).join(" ");
  }

  async function refresh(view, only) {
    if (view.missing) return;
    heading(view);
    const table = tables.get(view.id);
    const rows = (await isthmus.rows(names(view), view.set))
      .filter((row) => (view.where || []).every((rule) => passes(row, rule)));
    table.show(rows);
    if (view.says) await say(view);
    if (only) return;
    const now = look(view);
    for (const kind of ["chart", "map"]) {
      const specs = view[kind];
      const place = document.getElementById(view.id + "-" + kind);
      if (!place || looks.get(place) === now) continue;
      const spec = specs[state.get(view.by)] || specs[""];
      const least = ((spec || {}).usermeta || {}).least;
      const yearly = JSON.stringify(spec || {}).includes('"field":"year"');
      const shown = table.shown.filter((row) => (!least || row[least[0]] >= least[1])
        && (!yearly || row.year !== null));
      place.hidden = !spec || !isthmus.drawable(spec, shown);
      if (!place.hidden) await isthmus.draw(place, spec, shown, view);
      looks.set(place, now);
    }
  }

  // What a view's charts depend on: its rows and how they are drawn, not their order.
  const looks = new Map();
  function look(view) {
    const chosen = (view.where || []).map((rule) => state.get(rule[2]));
    return JSON.stringify([names(view), chosen, state.get("a"), state.get("b"), state.get(view.by),
      state.get(view.id + ".find"), document.documentElement.dataset.theme || "",
      matchMedia("(prefers-color-scheme: dark)").matches, window.innerWidth]);
  }

  async function render() {
    mend();
    for (const control of page.controls) control.show();
    await lead();
    for (const view of page.views) await refresh(view, true);
    document.documentElement.dataset.tables = "ready";
    for (const view of page.views) await refresh(view, false);
    document.documentElement.dataset.charts = "ready";
  }

  let waiting = null;
  function later() {
    document.documentElement.dataset.charts = "";
    document.documentElement.dataset.tables = "";
    clearTimeout(waiting);
    waiting = setTimeout(render, 60);
  }

  document.body.append(note);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !note.hidden) hush();
  });
  document.addEventListener("pointerdown", (event) => {
    const box = asked;
    if (!note.hidden && !note.contains(event.target) && event.target !== box) hush();
    for (const open of document.querySelectorAll("details.columns[open]")) {
      if (!open.contains(event.target)) open.open = false;
    }
  });
  // Tab leaves the box for the button that opened it: the box stands at the end of the page.
  note.addEventListener("keydown", (event) => {
    const inside = [...note.querySelectorAll("button, a")];
    if (event.key !== "Tab" || event.target !== inside.at(event.shiftKey ? 0 : -1)) return;
    event.preventDefault();
    hush();
  });
  note.addEventListener("focusout", (event) => {
    if (!note.hidden && event.relatedTarget && !note.contains(event.relatedTarget)) hush();
  });
  window.addEventListener("hashchange", later);
  let width = window.innerWidth;
  window.addEventListener("resize", () => {
    if (window.innerWidth !== width) later();
    width = window.innerWidth;
  });
  document.addEventListener("theme", later);
  controls();
  for (const view of page.views) {
    if (view.missing) continue;
    tables.set(view.id, new isthmus.Table(document.getElementById(view.id + "-view"), view));
  }
  render();
})();
