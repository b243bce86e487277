// What is wrong with the page that is open: a list of sentences.
const found = [];
const say = (what, e) => found.push(what + ': ' + (e.outerHTML || String(e)).slice(0, 160));
const seen = (e) => { const b = e.getBoundingClientRect(); return b.width > 0 && b.height > 0; };
const root = document.documentElement;
if (root.scrollWidth > innerWidth) say('the page scrolls sideways ' + root.scrollWidth, location.href);
for (const e of document.querySelectorAll('.scroll, .chart, main')) {
  if (seen(e) && e.scrollWidth > e.clientWidth + 1) say('scrolls sideways by '
    + (e.scrollWidth - e.clientWidth), e);
}
for (const e of document.querySelectorAll('.chart canvas, .chart svg, .small-chart')) {
  const box = e.getBoundingClientRect();
  if (seen(e) && (box.right > innerWidth + 1 || box.left < -1)) say('a chart is cut', e);
}
// Text must not stand on text: inside small charts, and between blocks of a page.
for (const chart of document.querySelectorAll('.small-chart')) {
  const boxes = [...chart.querySelectorAll('text')].map((e) => [e, e.getBoundingClientRect()]);
  const frame = chart.getBoundingClientRect();
  boxes.forEach(([e, a], at) => {
    if (a.right > frame.right + 1 || a.left < frame.left - 1) say('a label is cut', e);
    for (const [f, b] of boxes.slice(at + 1)) {
      const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (wide > 1 && high > 3) say('text stands on text: ' + e.textContent + ' | ' + f.textContent, chart.querySelector('title'));
    }
  });
}
for (const group of document.querySelectorAll('main, section, .card, .question, tr, header, .tools')) {
  const parts = [...group.children].filter((e) => seen(e)
    && !['absolute', 'fixed', 'sticky'].includes(getComputedStyle(e).position));
  parts.forEach((e, at) => {
    const a = e.getBoundingClientRect(), f = parts[at + 1];
    if (!f) return;
    const b = f.getBoundingClientRect();
    const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (wide > 2 && high > 2) say('parts overlap', e);
  });
}
for (const table of document.querySelectorAll('main table')) {
  const heads = table.querySelectorAll('thead th').length;
  if (heads > 7) say(heads + ' columns by default', table.id);
}
// Words and numbers outside code.
const walker = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
for (let node = walker.nextNode(); node; node = walker.nextNode()) {
  const e = node.parentElement, text = node.textContent;
  if (e.closest('code, script, noscript, .identifier, option[value=""]') || !text.trim()) continue;
  if (/(?<!\w)\d+(\.\d+)?[eE][+-]?\d+\b/.test(text)) say('an exponent: ' + text.slice(0, 80), e);
  const internal = /->|\b(joint|movers|relation|group):|\b[a-z]+_[a-z_]+\b|`/.exec(text);
  if (internal) say('an internal name ' + internal[0] + ' in ' + text.slice(0, 80), e);
  for (const number of text.match(/(?<![\w.,/:-])\d[\d,]*(\.\d+)?(?![\w/-])/g) || []) {
    const digits = number.replace(/[.,]/g, '').replace(/^0+/, '').replace(/0+$/, '');
    if (digits.length > 6) say('too many digits: ' + number, e);
  }
}
return [...new Set(found)];
