// What the page does beside htmx: it says when the stream of changes is not connected, and loads the page again when the
// stream cannot go on where it was.
"use strict";
(() => {
  const stream = document.getElementById("stream");
  const offline = document.getElementById("offline");
  if (!stream || !offline) return;
  const show = (lost) => { offline.hidden = !lost; };
  stream.addEventListener("htmx:sse:after:connection", (e) => {
    const status = e.detail.connection && e.detail.connection.status;
    if (status === 401) { location.assign("/login"); return; }
    show(status !== undefined && status !== null && status >= 400);
  });
  stream.addEventListener("htmx:sse:error", (e) => {
    if (e.detail.status === 401) { location.assign("/login"); return; }
    show(true);
  });
  stream.addEventListener("htmx:sse:close", () => show(true));
  stream.addEventListener("stale", () => setTimeout(() => location.reload(), 500 + 1000 * Math.random()));
})();
