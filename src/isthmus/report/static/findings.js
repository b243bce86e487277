// Filters of the list of findings; the choice lives in the address, a claim's anchor opens it.
(function () {
  "use strict";
  const keys = ["verdict", "subject"];
  const articles = [...document.querySelectorAll(".question")];
  const select = (key) => document.getElementById("by-" + key);

  function show() {
    let shown = 0;
    for (const article of articles) {
      article.hidden = keys.some((k) => select(k).value && article.dataset[k] !== select(k).value);
      if (!article.hidden) shown += 1;
    }
    document.getElementById("shown").textContent = shown + " shown";
  }

  function read() {
    const hash = location.hash.slice(1);
    const chosen = new URLSearchParams(hash.includes("=") ? hash : "");
    for (const key of keys) select(key).value = chosen.get(key) || "";
    show();
    const article = hash && document.getElementById(hash);
    if (article) {
      article.querySelector("details").open = true;
      article.scrollIntoView();
    }
  }

  for (const key of keys) {
    select(key).addEventListener("change", () => {
      const now = keys.filter((k) => select(k).value).map((k) => [k, select(k).value]);
      location.hash = new URLSearchParams(now).toString();
    });
  }
  window.addEventListener("hashchange", read);
  read();
})();
