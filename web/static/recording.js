// Plays the recording that the page names.
"use strict";
(() => {
  // A title and the like without an end would hide all that follows: it ends with its line, or after 4096 characters, as
  // in `ringback recording play`.
  const endStrings = (cast) => {
    let open = false, escape = false, length = 0;
    return cast.split("\n").map((line, n) => {
      if (n === 0 || line === "") return line;
      const event = JSON.parse(line);
      if (event[1] !== "o") return line;
      let text = "";
      for (const c of event[2]) {
        if (open && (c === "\r" || c === "\n" || ++length > 4096)) {
          text += "\x18"; // CAN
          open = false;
        }
        if (escape ? "]PX^_".includes(c) : "\x90\x98\x9d\x9e\x9f".includes(c)) {
          open = true;
          length = 0;
        } else if ("\x07\x18\x1a\x1b\x9c".includes(c)) {
          open = false;
        }
        escape = c === "\x1b";
        text += c;
      }
      event[2] = text;
      return JSON.stringify(event);
    }).join("\n");
  };
  const at = document.getElementById("player");
  const load = async () => {
    const answer = await fetch(at.dataset.source, { credentials: "same-origin" });
    if (!answer.ok) throw new Error(answer.statusText);
    return endStrings(await answer.text());
  };
  AsciinemaPlayer.create({ data: load }, at, {
    cols: 80, rows: 24, fit: "width", idleTimeLimit: 3, preload: false, controls: true,
    terminalFontFamily: 'ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace',
  });
})();
