// What is wrong with the page for people who use a keyboard, a screen reader or a small screen, as a list of texts. WCAG
// 2.2: 1.3.1, 1.4.3, 1.4.10, 2.4.7, 4.1.2.
(async () => {
  const found = [];
  const visible = (e) => e.getClientRects().length > 0 && e.checkVisibility({ visibilityProperty: true });
  const say = (e) => `<${e.tagName.toLowerCase()} class="${e.getAttribute("class") || ""}"> ${
    (e.textContent || "").trim().slice(0, 40)}`;

  await new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)));
  await new Promise((r) => setTimeout(r, 300)); // transitions

  if (document.documentElement.scrollWidth > innerWidth) {
    found.push(`scrolls sideways: ${document.documentElement.scrollWidth} > ${innerWidth}`);
  }
  for (const one of ["main", "h1", "title"]) {
    if (document.querySelectorAll(one === "title" ? "head > title" : one).length !== 1) found.push(`not one ${one}`);
  }
  if (!document.documentElement.lang) found.push("no language");

  const name = (e) => (e.getAttribute("aria-label") || (e.getAttribute("aria-labelledby") || "").split(" ")
    .map((id) => document.getElementById(id)?.textContent || "").join(" ") ||
    [...(e.labels || [])].map((l) => l.textContent).join(" ") || e.textContent || e.getAttribute("alt") || "").trim();
  for (const e of document.querySelectorAll(
    "a[href], button, input:not([type=hidden]), select, textarea, meter, [role=region], svg[role=img], nav, section")) {
    if (visible(e) && !name(e)) found.push(`no accessible name: ${say(e)}`);
  }
  for (const e of document.querySelectorAll("img")) if (!e.hasAttribute("alt")) found.push(`img without alt: ${e.src}`);
  for (const t of document.querySelectorAll("table")) {
    if (![...t.querySelectorAll("th")].every((h) => h.scope)) found.push("th without scope");
  }
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  for (const id of ids.filter((id, i) => ids.indexOf(id) !== i)) found.push(`the id ${id} twice`);

  // contrast of each text with the first background that is not transparent
  const rgba = (c) => { const m = c.match(/[\d.]+/g).map(Number); return m.length < 4 ? [...m, 1] : m; };
  const lum = ([r, g, b]) => {
    const f = (v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
    return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b);
  };
  const behind = (e) => {
    for (let p = e; p; p = p.parentElement) {
      if (p.tagName === "g" && p.querySelector("rect")) return rgba(getComputedStyle(p.querySelector("rect")).fill);
      const c = rgba(getComputedStyle(p).backgroundColor);
      if (c[3] === 1) return c;
    }
    return [255, 255, 255, 1];
  };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const seen = new Set();
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement;
    if (!walk.currentNode.textContent.trim() || seen.has(e) || !visible(e) || e.closest(".hidden, .skip, title, option")) {
      continue;
    }
    seen.add(e);
    const s = getComputedStyle(e);
    const [a, b] = [lum(rgba(e.tagName === "text" ? s.fill : s.color)), lum(behind(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) found.push(`contrast ${ratio.toFixed(2)}: ${say(e)} (${s.color} on ${behind(e)})`);
  }

  // all that can be focused shows it
  for (const e of document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']")) {
    if (!visible(e)) continue;
    e.focus({ focusVisible: true, preventScroll: true });
    const s = getComputedStyle(e);
    if (document.activeElement !== e) found.push(`cannot be focused: ${say(e)}`);
    else if (s.outlineStyle === "none" || parseFloat(s.outlineWidth) < 2) found.push(`focus is not visible: ${say(e)}`);
  }
  document.activeElement?.blur();
  scrollTo(0, 0);
  return found;
})()
