// The page's elements. What is shown came out of files: it becomes text nodes and pixels, never markup. Canvas and Web
// Audio need no address that a frame could forbid, data: and blob: included.

const ICONS = {
  play: "M4 2.5v11l9-5.5z", pause: "M4 3h3v10H4zM9 3h3v10H9z", copy: "M5 1h9v10h-1.5V2.5H5zM2 4h9v11H2zm1.5 1.5v8h6v-8z",
  done: "M6.2 12.6 1.8 8.2l1.1-1.1 3.3 3.3 6.9-6.9 1.1 1.1z", close: "m3.3 2.2 4.7 4.7 4.7-4.7 1.1 1.1L9.1 8l4.7 4.7-1.1 1.1L8 9.1l-4.7 4.7-1.1-1.1L6.9 8 2.2 3.3z",
  larger: "M9 2h5v5h-1.5V4.6L9.3 7.8 8.2 6.7l3.2-3.2H9zM2 9h1.5v2.4l3.2-3.2 1.1 1.1-3.2 3.2H7V14H2z", next: "m5.5 2.5 1-1L13 8l-6.5 6.5-1-1L10.9 8z",
  previous: "m10.5 2.5-1-1L3 8l6.5 6.5 1-1L5.1 8z", ask: "M1 2h14v10H8l-4 3v-3H1zm1.5 1.5v7h3V12l2-1.5h6v-7z",
};

const $ = (id) => document.getElementById(id), root = document.documentElement;
function make(tag, given = {}, ...children) {
  const made = document.createElement(tag);
  if (tag === "button") made.type = "button";
  for (const [name, value] of Object.entries(given)) {
    if (name === "class") made.className = value;
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((one) => (one ?? "") !== ""));
  return made;
}
function icon(name) {
  const space = "http://www.w3.org/2000/svg", made = document.createElementNS(space, "svg"), path = document.createElementNS(space, "path");
  made.setAttribute("viewBox", "0 0 16 16");
  made.setAttribute("aria-hidden", "true");
  path.setAttribute("d", ICONS[name]);
  path.setAttribute("fill-rule", "evenodd");
  made.append(path);
  return made;
}
const plain = (text) => String(text ?? "").replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "\u00b7");
const line = (text) => plain(text).replace(/\s+/g, " ");
function decoded(text) {
  try { return line(decodeURIComponent(text)); } catch { return line(text); }
}
const counted = (count, one, many) => `${count} ${count === 1 ? one : many}`;
function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds)), two = (part) => String(part).padStart(2, "0");
  const hours = Math.floor(whole / 3600), minutes = Math.floor(whole / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}
