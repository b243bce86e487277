// The selection lives in the address after #, so that a link, a reload and "back" restore it.
(function () {
  "use strict";
  const isthmus = window.isthmus;
  let defaults = {};

  function read() {
    return new URLSearchParams(location.hash.slice(1));
  }

  isthmus.state = {
    defaults(values) {
      defaults = values;
    },
    get(key) {
      const value = read().get(key);
      return value === null ? defaults[key] || "" : value;
    },
    // `quietly` replaces the entry in the history instead of adding one.
    set(changes, quietly) {
      const now = read();
      for (const [key, value] of Object.entries(changes)) {
        if (value === "" || value === (defaults[key] || "")) now.delete(key);
        else now.set(key, value);
        if (value === "" && defaults[key]) now.set(key, "");
      }
      const hash = "#" + now.toString();
      if (hash === location.hash || (hash === "#" && !location.hash)) return;
      if (quietly) location.replace(hash);
      else location.hash = hash;
    },
  };
})();
