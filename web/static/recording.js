// Plays the recording that the page names.
"use strict";
(() => {
  const at = document.getElementById("player");
  AsciinemaPlayer.create({ url: at.dataset.source, fetchOpts: { credentials: "same-origin" } }, at, {
    cols: 80, rows: 24, fit: "width", idleTimeLimit: 3, preload: false, controls: true,
    terminalFontFamily: 'ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace',
  });
})();
