// What the page does beside htmx: it shows the changes of tiles, says when the stream of changes is not connected, and
// loads the page again when the stream cannot go on where it was.
"use strict";
(() => {
  const stream = document.getElementById("stream");
  const offline = document.getElementById("offline");
  if (!stream || !offline) return;
  const lose = (lost) => { offline.hidden = !lost; };
  stream.addEventListener("htmx:sse:after:connection", (e) => {
    const status = e.detail.connection && e.detail.connection.status;
    if (status === 401) { location.assign("/login"); return; }
    lose(status !== undefined && status !== null && status >= 400);
  });
  stream.addEventListener("htmx:sse:error", (e) => {
    if (e.detail.status === 401) { location.assign("/login"); return; }
    lose(true);
  });
  stream.addEventListener("htmx:sse:close", () => lose(true));
  stream.addEventListener("stale", () => setTimeout(() => location.reload(), 500 + 1000 * Math.random()));

  // Each element of a message takes the place of the one with its id. What is shown stays within a few milliseconds of a
  // frame, however many changes there are.
  const news = new Map();
  const budget = 5; // ms
  const tty = (li) => Number(li.id.slice("tty-".length));
  const place = (e) => {
    const old = document.getElementById(e.id);
    const gone = e.childNodes.length === 0 && e.tagName === "LI";
    if (old && gone) old.remove();
    else if (old) { old.className = e.className; old.replaceChildren(...e.childNodes); }
    else if (!gone && e.tagName === "LI") { // a line that was added
      const tiles = document.getElementById("tiles");
      tiles?.insertBefore(e, [...tiles.children].find((t) => tty(t) > tty(e)) ?? null);
    }
  };
  const show = (began) => {
    for (const [id, e] of news) {
      news.delete(id);
      place(e);
      if (performance.now() - began > budget) break;
    }
    if (news.size > 0) requestAnimationFrame(show);
  };
  stream.addEventListener("tiles", (e) => {
    const t = document.createElement("template");
    t.innerHTML = e.detail.data;
    if (news.size === 0) requestAnimationFrame(show);
    for (const c of t.content.children) news.set(c.id, c);
  });
})();
