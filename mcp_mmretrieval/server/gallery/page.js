"use strict";
// The gallery's page: shows the result of search_media, and asks for pictures and sound by show_hits.
// What is shown came out of files: it becomes text nodes and pixels, never markup. Canvas and Web Audio need no address
// that a frame could forbid, data: and blob: included.

const KINDS = { page: "Page", image: "Picture", audio: "Sound", video: "Film", text: "Text" };
const PLURALS = { ...KINDS, page: "Pages", image: "Pictures" };
const FOUND_BY = { words: "words", text: "meaning", picture: "what is seen", sound: "what is heard" };
const LEVELS = { weak: 1, fair: 2, strong: 3 };
const ROWS_AT_FIRST = 2, LEAST_AT_FIRST = 4, BATCH = 6;
const RTL = /^(ar|arc|ckb|dv|fa|he|ku-arab|ps|sd|ug|ur|yi)\b/i;
const STOP = new Set(("a an and any are as at be by did do does for from had has have how i in is it me my of on or our that the"
  + " their there this to was we were what when where which who why will with you your").split(" "));
const ICONS = {
  play: "M4 2.5v11l9-5.5z", pause: "M4 3h3v10H4zM9 3h3v10H9z", copy: "M5 1h9v10h-1.5V2.5H5zM2 4h9v11H2zm1.5 1.5v8h6v-8z",
  done: "M6.2 12.6 1.8 8.2l1.1-1.1 3.3 3.3 6.9-6.9 1.1 1.1z", close: "m3.3 2.2 4.7 4.7 4.7-4.7 1.1 1.1L9.1 8l4.7 4.7-1.1 1.1L8 9.1l-4.7 4.7-1.1-1.1L6.9 8 2.2 3.3z",
  larger: "M9 2h5v5h-1.5V4.6L9.3 7.8 8.2 6.7l3.2-3.2H9zM2 9h1.5v2.4l3.2-3.2 1.1 1.1-3.2 3.2H7V14H2z", next: "m5.5 2.5 1-1L13 8l-6.5 6.5-1-1L10.9 8z",
  previous: "m10.5 2.5-1-1L3 8l6.5 6.5 1-1L5.1 8z", ask: "M1 2h14v10H8l-4 3v-3H1zm1.5 1.5v7h3V12l2-1.5h6v-7z",
};

// -- what is known
let host = {}, context = {}, asked = null, outcome = null, hits = [], kind = "", all = false, picturesFail = false;
const thumbs = new Map(), details = new Map();
let opened = null; // { hit, item, stop }
let run = 0, drawing = 0; // count results and drawings, so that what comes late for earlier ones is let go

// -- building
const $ = (id) => document.getElementById(id), root = document.documentElement;
function make(tag, given = {}, ...children) {
  const made = document.createElement(tag);
  if (tag === "button") made.type = "button";
  for (const [name, value] of Object.entries(given)) {
    if (name === "class") made.className = value;
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((one) => one !== null && one !== undefined && one !== ""));
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

// -- names and marks
function named(hit) {
  const cut = hit.citation.indexOf("#"), path = cut < 0 ? hit.citation : hit.citation.slice(0, cut), slash = path.lastIndexOf("/");
  return { name: decoded(path.slice(slash + 1)), folder: slash > 0 ? decoded(path.slice(0, slash)) : "", place: placed(hit, cut < 0 ? "" : hit.citation.slice(cut + 1)) };
}
function placed(hit, fragment) {
  if (hit.start !== undefined && hit.end !== undefined) return `${KINDS[hit.modality]} ${clock(hit.start)}\u2013${clock(hit.end)}`;
  const parts = fragment.split("&").map((one) => {
    const [name, value = ""] = one.split(/=(.*)/s);
    if (name === "row") return `rows ${line(value).replace(",", "\u2013")}`;
    return ["", "char", "xywh", "t"].includes(name) ? "" : `${line(name)} ${decoded(value)}`;
  }).filter(Boolean).join(", ");
  return hit.modality === "page" && parts.startsWith("page") ? parts.replace("page", "Page") : [KINDS[hit.modality] ?? line(hit.modality), parts].filter(Boolean).join(", ");
}
const folded = (text) => text.toLowerCase().replace(/[\u00c0-\u024f]/g, (one) => one.normalize("NFD")[0]);
function wordPattern(query) {
  const stems = [];
  for (const [word] of folded(query ?? "").matchAll(/[\p{L}\p{M}\p{N}]+/gu)) {
    if (STOP.has(word) || word.length > 40) continue;
    if (/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u.test(word)) stems.push(word);
    else if (/^\p{N}+$/u.test(word)) stems.push(`(?<![\\p{L}\\p{N}])${word}(?![\\p{L}\\p{N}])`);
    else if (word.length > 1) {
      const stem = word.length > 4 ? word.replace(/(?:ings?|ed|es|s|e|y|ies)$/, "") : word.replace(/(?<=...)s$/, "");
      stems.push(`(?<![\\p{L}\\p{N}])${stem}(?:${word.slice(stem.length)}|e?s|ed|e|ing|y|ies)?(?![\\p{L}\\p{N}])`);
    }
  }
  return stems.length ? new RegExp(stems.slice(0, 40).join("|"), "gu") : null;
}
let pattern = null;
function marked(text) {
  const shown = plain(text), nodes = [], compared = folded(shown);
  if (!pattern || compared.length !== shown.length) return [shown];
  let at = 0;
  for (const found of compared.matchAll(pattern)) {
    if (!found[0]) continue;
    nodes.push(shown.slice(at, found.index), make("mark", {}, shown.slice(found.index, found.index + found[0].length)));
    at = found.index + found[0].length;
  }
  return [...nodes, shown.slice(at)];
}

// -- the assistant: JSON-RPC over postMessage
const waiting = new Map();
let lastId = 0;
const post = (message) => parent.postMessage({ jsonrpc: "2.0", ...message }, "*");
function request(method, params) {
  const id = ++lastId;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    post({ id, method, params });
  });
}
async function callTool(name, given) {
  const result = await request("tools/call", { name, arguments: given });
  if (result.isError) throw new Error(textOf(result) || "The call failed.");
  return result;
}
const textOf = (result) => (result?.content ?? []).filter((one) => one.type === "text").map((one) => one.text).join("\n");
addEventListener("message", (event) => {
  const message = event.data;
  if (event.source !== parent || message?.jsonrpc !== "2.0") return;
  if (message.method === undefined) {
    const waits = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.error) waits?.reject(new Error(message.error.message ?? "refused"));
    else waits?.resolve(message.result ?? {});
  } else if (message.id !== undefined) {
    if (message.method === "ui/resource-teardown") close();
    const known = ["ping", "ui/resource-teardown"].includes(message.method);
    post({ id: message.id, ...(known ? { result: {} } : { error: { code: -32601, message: `${line(message.method)}: not known` } }) });
  } else hear(message.method, message.params ?? {});
});
function hear(method, params) {
  if (method === "ui/notifications/tool-input" || method === "ui/notifications/tool-input-partial") {
    asked = params.arguments ?? {};
    pattern = wordPattern(asked.query);
    title();
    if (hits.length) draw();
    else if (method.endsWith("input") && outcome && !outcome.structuredContent && !outcome.isError) receive(outcome);
  } else if (method === "ui/notifications/tool-result") receive(params);
  else if (method === "ui/notifications/tool-cancelled") {
    outcome = params;
    tell(params.reason ? `The search was cancelled: ${line(params.reason)}` : "The search was cancelled.", "large");
  } else if (method === "ui/notifications/host-context-changed") settle(params);
}
function settle(changed) {
  context = { ...context, ...changed };
  const space = context.containerDimensions ?? {};
  if (["light", "dark"].includes(context.theme)) root.dataset.theme = context.theme;
  for (const [name, value] of Object.entries(context.styles?.variables ?? {})) {
    if (/^--[a-z0-9-]+$/.test(name) && typeof value === "string") root.style.setProperty(name, value);
  }
  if (context.locale) root.dir = RTL.test(context.locale) ? "rtl" : "ltr";
  const { top = 0, right = 0, bottom = 0, left = 0 } = context.safeAreaInsets ?? {};
  document.body.style.padding = `${14 + top}px ${14 + right}px ${14 + bottom}px ${14 + left}px`;
  const whole = context.displayMode === "fullscreen";
  root.classList.toggle("grows", !whole && !space.height && !space.maxHeight);
  if (whole && !all) showAll();
}
let lastHeight = 0, measuring = false;
new ResizeObserver(() => {
  if (measuring) return;
  measuring = true;
  requestAnimationFrame(() => {
    measuring = false;
    const { width, height } = document.body.getBoundingClientRect();
    const rounded = Math.ceil(height);
    if (width < 100 || rounded === lastHeight) return; // a hidden frame wraps to one word a line
    lastHeight = rounded;
    post({ method: "ui/notifications/size-changed", params: { height: rounded } });
  });
}).observe(document.body);

// -- results
async function receive(result) {
  const mine = ++run;
  outcome = result;
  if (result.isError) return tell(textOf(result) || "The search failed.", "large error");
  let data = result.structuredContent;
  if (!Array.isArray(data?.hits) && asked && host.serverTools) { // some assistants pass on the text alone
    try { data = (await callTool("search_media", asked)).structuredContent; } catch { data = undefined; }
    if (mine !== run) return undefined;
  }
  if (!Array.isArray(data?.hits)) return tell(textOf(result) || "There is no result to show.", "large");
  close();
  thumbs.clear();
  details.clear();
  hits = data.hits.filter((hit) => hit && typeof hit.citation === "string" && typeof hit.id === "string");
  kind = "";
  all = context.displayMode === "fullscreen";
  picturesFail = false;
  title();
  const coverage = data.searched?.documents, notes = (data.notes ?? []).map((note) => make("p", { dir: "auto" }, line(note)));
  if (hits.length) draw();
  else tell(coverage === undefined ? "Nothing was found." : `Nothing was found in ${counted(coverage, "document", "documents")}.`, "large");
  $("notes").replaceChildren(...(notes.length ? [make("summary", {}, counted(notes.length, "note", "notes")), ...notes] : []));
  $("notes").open = !hits.length;
  return undefined;
}
function tell(text, kindOf = "") {
  $("state").className = kindOf;
  $("state").textContent = plain(text);
  if (kindOf) {
    hits = [];
    drawing++;
    $("notes").replaceChildren();
    $("hits").replaceChildren();
    $("kinds").replaceChildren();
    $("more").hidden = true;
    $("count").textContent = "";
  }
}
function title() {
  const query = line(asked?.query ?? ""), like = asked?.like ? decoded(String(asked.like)).replace(/^data:.*/, "the given file") : "";
  $("query").replaceChildren(query ? make("bdi", {}, `\u201c${query}\u201d`) : like ? make("bdi", {}, `Like ${like.split("/").pop()}`) : "Search results");
  if (hits.length) {
    const files = new Set(hits.map((hit) => hit.citation.split("#")[0])).size;
    $("count").textContent = `${counted(hits.length, "place", "places")} in ${counted(files, "file", "files")}`;
  }
}
const seeing = () => host.serverTools && !picturesFail;
const fitting = () => hits.filter((hit) => !kind || hit.modality === kind);
function columns() {
  return Math.max(1, getComputedStyle($("hits")).gridTemplateColumns.split(" ").length);
}
function draw() {
  close();
  const chosen = fitting(), room = all ? chosen.length : Math.max(LEAST_AT_FIRST, ROWS_AT_FIRST * columns());
  const shown = chosen.length <= room + 1 ? chosen : chosen.slice(0, room);
  $("hits").replaceChildren(...shown.map(card));
  const kinds = Object.keys(KINDS).filter((one) => hits.some((hit) => hit.modality === one));
  const chip = (name, label, count) => make("button", { "aria-pressed": String(kind === name), onclick: () => choose(name) }, `${label} ${count}`);
  const chips = kinds.map((one) => chip(one, PLURALS[one], hits.filter((hit) => hit.modality === one).length));
  $("kinds").replaceChildren(...(kinds.length > 1 ? [chip("", "All", hits.length), ...chips] : []));
  $("more").hidden = shown.length === chosen.length;
  $("more").textContent = `Show all ${chosen.length}`;
  tell([
    hits.every((hit) => hit.match === "weak") ? "Nothing answers this well. These are the nearest places." : "",
    seeing() ? "" : "No pictures can be shown here. The text of each place is.",
  ].filter(Boolean).join(" "));
  if (seeing()) fetchThumbs(shown, ++drawing);
}
function choose(name) {
  kind = name;
  draw();
  $("kinds").querySelector("[aria-pressed=true]")?.focus();
}
function showAll() {
  const before = $("hits").querySelectorAll(".card").length, focused = document.activeElement === $("more");
  all = true;
  if (hits.length) draw();
  if (focused) faces()[before]?.focus();
}
$("more").addEventListener("click", async () => {
  if (context.displayMode !== "fullscreen" && context.availableDisplayModes?.includes("fullscreen")) {
    try { settle({ displayMode: (await request("ui/request-display-mode", { mode: "fullscreen" })).mode }); } catch { /* it grows instead */ }
  }
  if (!all) showAll();
});

// -- cards
const inTime = (hit) => hit.modality === "audio" || hit.modality === "video";
function card(hit) {
  const { name, folder, place } = named(hit), has = hit.modality !== "text" && seeing();
  const face = make("button", {
    class: `face ${has && KINDS[hit.modality] ? hit.modality : ""}`, "aria-expanded": "false",
    "aria-label": `Open ${name}, ${place}, ${hit.match} match`, onclick: () => toggle(hit, item),
  });
  const item = make("li", { class: "card" }, face,
    make("button", { class: "cite", title: `Copy the citation: ${decoded(hit.citation)}`, "aria-label": `Copy the citation of ${name}, ${place}`, onclick: (event) => copy(hit, event.currentTarget) },
      make("b", { dir: "auto" }, name), icon("copy")),
    make("p", { class: "where" }, make("span", {}, make("bdi", {}, place)), strength(hit)),
    has && hit.snippet ? make("p", { class: "said", dir: "auto" }, ...marked(hit.snippet)) : "");
  if (folder) face.title = folder;
  if (!has) face.append(make("span", { class: "words", dir: "auto" }, ...marked((hit.snippet || hit.title || name).replace(/(^|\s)#{1,6} /g, "$1"))));
  if (inTime(hit) && hit.start !== undefined) face.append(make("span", { class: "time" }, icon("play"), clock(hit.start)));
  return item;
}
function strength(hit) {
  const level = LEVELS[hit.match] ?? 0;
  return make("span", { class: `match ${level === 3 ? "strong" : ""}` }, make("i", { "aria-hidden": "true" }, ...[1, 2, 3].map((one) => make("span", { class: one <= level ? "on" : "" }))), line(hit.match));
}
function lacking(face, hit, why) {
  face.append(make("span", { class: "words lacking", title: line(why) }, hit.stale ? "The file has changed since" : "No picture"));
}
const faces = () => [...$("hits").querySelectorAll(".card .face")];
async function fetchThumbs(shown, mine) {
  const items = [...$("hits").querySelectorAll(".card")];
  const put = async (hit, item) => {
    const got = thumbs.get(hit.id), face = item.querySelector(".face");
    item.classList.remove("waiting");
    if (got?.picture) await paint(face, hit, got.picture).catch(() => lacking(face, hit, "The picture cannot be drawn."));
    else lacking(face, hit, got?.error ?? got?.notes?.[0] ?? "There is no picture.");
  };
  const missing = [];
  shown.forEach((hit, at) => {
    if (hit.modality === "text") return;
    if (thumbs.has(hit.id)) put(hit, items[at]);
    else {
      missing.push([hit, items[at]]);
      items[at].classList.add("waiting");
    }
  });
  while (missing.length) {
    const batch = missing.splice(0, BATCH), wanted = batch.filter(([hit]) => !thumbs.has(hit.id));
    try {
      const got = wanted.length ? (await callTool("show_hits", { targets: wanted.map(([hit]) => hit.id), form: "thumbnail" })).structuredContent : { items: [] };
      for (const one of got?.items ?? []) thumbs.set(one.target, one);
    } catch {
      if (mine !== drawing) return undefined;
      picturesFail = true;
      return draw();
    }
    if (mine !== drawing) return undefined;
    for (const [hit, item] of batch) put(hit, item);
  }
}
async function bitmap(data) {
  const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
  return createImageBitmap(new Blob([bytes], { type: "image/webp" }));
}
async function canvasOf(data, given = {}) {
  const picture = await bitmap(data), made = make("canvas", { width: picture.width, height: picture.height, "aria-hidden": "true", ...given });
  made.getContext("2d").drawImage(picture, 0, 0);
  return made;
}
async function paint(face, hit, data) {
  const made = await canvasOf(data);
  if (hit.modality === "page" && made.height > made.width) made.className = "sheet";
  face.prepend(made);
}

// -- citations
let quiet = 0;
function say(text) {
  $("told").textContent = text;
  clearTimeout(quiet);
  quiet = setTimeout(() => { $("told").textContent = ""; }, 2500);
}
async function copy(hit, button) {
  const draw = (name) => button.querySelector("svg").replaceWith(icon(name));
  if (await clip(hit.citation)) {
    say("Citation copied");
    draw("done");
    setTimeout(draw, 1600, "copy");
  } else say(hit.citation); // to be read, where nothing may be copied
}
async function clip(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = make("textarea", { "aria-hidden": "true", tabindex: "-1" }), focused = document.activeElement;
    field.value = text;
    field.style.position = "fixed";
    field.style.opacity = "0";
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    focused?.focus();
    return done;
  }
}

// -- details
function close(refocus = false) {
  if (!opened) return;
  const { item, panel, stop } = opened;
  opened = null;
  stop?.();
  panel.remove();
  const face = item.querySelector(".face");
  face.setAttribute("aria-expanded", "false");
  if (refocus) face.focus();
}
function toggle(hit, item) {
  if (opened?.item === item) close();
  else open(hit, item);
}
function open(hit, item) {
  close();
  const { name, folder, place } = named(hit), list = faces(), at = list.indexOf(item.querySelector(".face"));
  const step = (by, label, drawn) => make("button", { class: "square turn", "aria-label": label, title: label, disabled: !list[at + by], onclick: () => { list[at + by].focus(); list[at + by].click(); } }, icon(drawn));
  const inside = make("div", { class: "inside" }, make("p", { class: "facts" }, host.serverTools ? "Opening\u2026" : ""));
  const panel = make("li", { class: "detail", "aria-label": `${name}, ${place}` },
    make("div", { class: "head" },
      make("h2", {}, make("bdi", {}, name), " ", make("small", {}, make("bdi", {}, [place, folder].filter(Boolean).join(" \u00b7 ")))),
      step(-1, "The result before", "previous"), step(1, "The next result", "next"),
      make("button", { class: "square", "aria-label": "Close", title: "Close (Esc)", onclick: () => close(true) }, icon("close"))),
    inside,
    make("div", { class: "acts" },
      make("button", { class: "act", onclick: (event) => copy(hit, event.currentTarget) }, icon("copy"), "Copy citation"),
      host.message ? make("button", { class: "act", onclick: () => ask(hit) }, icon("ask"), "Ask about it") : ""));
  item.querySelector(".face").setAttribute("aria-expanded", "true");
  item.after(panel);
  const mine = { hit, item, panel, stop: null };
  opened = mine;
  fill(mine, inside);
}
async function ask(hit) {
  const text = `Look at ${line(hit.citation)} (id ${line(hit.id)}).`;
  try {
    const answer = await request("ui/message", { role: "user", content: [{ type: "text", text }] });
    say(answer.isError ? "The assistant did not take it." : "Sent to the assistant");
  } catch { say("The assistant did not take it."); }
}
async function fill(mine, inside) {
  const { hit } = mine;
  let item = details.get(hit.id);
  if (!item) {
    try {
      item = host.serverTools ? (await callTool("show_hits", { targets: [hit.id], form: "detail" })).structuredContent?.items?.[0] : null;
      if (item && !item.error) details.set(hit.id, item);
    } catch (error) {
      item = { error: error.message };
    }
  }
  if (opened !== mine) return;
  item ??= {};
  const media = make("div", { class: "media" }), read = make("div", { class: "read" });
  const player = item.frames?.length || (item.picture && hit.modality === "audio") ? playerOf(mine, item, media) : null;
  if (item.picture && hit.modality !== "audio") media.append(await canvasOf(item.picture, { role: "img", "aria-hidden": "false", "aria-label": `${named(hit).name}, ${named(hit).place}` }).catch(() => ""));
  await player?.ready;
  if (opened !== mine) return;
  words(read, hit, item, player);
  inside.replaceChildren(...(media.childNodes.length ? [media] : []), read);
  inside.classList.toggle("both", media.childNodes.length > 0);
  if (media.querySelector(":scope > canvas") && !player) {
    mine.panel.querySelector(".square").before(make("button", { class: "square", "aria-label": "Larger picture", title: "Larger picture", "aria-pressed": "false", onclick: (event) => {
      event.currentTarget.setAttribute("aria-pressed", String(inside.classList.toggle("larger")));
    } }, icon("larger")));
  }
}
function words(read, hit, item, player) {
  const text = item.text ?? hit.snippet ?? "", around = (what) => make("p", { class: "around", dir: "auto" }, what);
  if (item.error) read.append(make("p", { class: "around" }, `It cannot be opened here: ${line(item.error)}`));
  if (item.title && !text.includes(item.title)) read.append(make("p", { dir: "auto" }, make("b", {}, line(item.title))));
  const alone = hit.modality !== "text"; // what stands on the next page tells little
  if (item.before && !alone) read.append(around(`\u2026${plain(item.before).slice(-240)}`));
  if (item.rows?.length) {
    const row = (cells, tag) => make("tr", {}, ...cells.map((cell) => make(tag, { dir: "auto" }, ...marked(cell))));
    read.append(make("div", { class: "text wide", tabindex: "0", role: "region", "aria-label": "Table" }, make("table", {}, make("thead", {}, row(item.rows[0], "th")), make("tbody", {}, ...item.rows.slice(1).map((cells) => row(cells, "td"))))));
  } else if (item.times?.length && player) {
    const lines = text.split("\n").map((said, at) => ({ said, time: item.times[at] }));
    lines.sort((one, other) => (one.time ?? Infinity) - (other.time ?? Infinity) || 0); // what is read in frames comes after what is said
    read.append(make("div", { class: "text", role: "group", "aria-label": "What is said, by time" }, ...lines.map(({ said, time }) => time === undefined
      ? make("p", { dir: "auto" }, ...marked(said))
      : make("button", { class: "spoken", "data-time": time, onclick: () => player.play(time) }, make("time", {}, clock(time)), make("span", { dir: "auto" }, ...marked(said))))));
  } else if (text) {
    const long = text.length > 700 || text.split("\n").length > 18;
    const shown = make("p", { class: long ? "text long" : "text", dir: "auto" }, ...marked(text));
    read.append(shown, long ? make("button", { class: "quiet", onclick: (event) => {
      shown.classList.remove("long");
      event.currentTarget.remove();
    } }, "All of the text") : "");
  }
  if (item.cut) read.append(around("There is more: only the beginning is shown here."));
  if (item.after && !alone) read.append(around(`${plain(item.after).slice(0, 240)}\u2026`));
  const date = hit.dated ? `dated ${line(hit.dated).slice(0, 10)}` : hit.modified ? `changed ${line(hit.modified).slice(0, 10)}` : "";
  const by = (hit.lanes ?? []).map((lane) => FOUND_BY[lane] ?? line(lane)).join(", ");
  const more = hit.more_in_document ? `${counted(hit.more_in_document, "more place", "more places")} in this file` : "";
  const same = hit.duplicates ? `same in ${hit.duplicates} more: ${hit.duplicates_at.map(line).join(", ")}` : "";
  read.append(make("p", { class: "facts" }, [`${line(hit.match)} match, ${Number(hit.score).toFixed(2)}`, by && `found by ${by}`, date, more, same].filter(Boolean).join(" \u00b7 ")));
  for (const note of item.notes ?? []) read.append(make("p", { class: "facts", dir: "auto" }, line(note)));
}

// -- sound, and frames that follow it
let audio = null;
function playerOf(mine, item, media) {
  const { hit } = mine, first = item.frames?.[0]?.time ?? 0;
  let start = hit.start ?? first, length = Math.max(0.1, (hit.end ?? start + 30) - start), at = 0, began = 0, source = null, sound = null, ticking = 0, fetching = null;
  const strip = make("div", { class: `strip ${hit.modality}`, role: "slider", tabindex: "0", "aria-label": "Position" }), head = make("div", { class: "head-line" });
  const button = make("button", { class: "play", "aria-label": "Play", onclick: () => (source ? stop() : play()) }, icon("play"));
  const told = make("span", {}), problem = make("span", { role: "status" }), frame = item.frames?.length ? make("canvas", { class: "frame", role: "img", "aria-label": `Frame of ${named(hit).name}` }) : null;
  const pictures = [];
  const ready = (async () => {
    for (const [index, data] of (item.frames?.map((one) => one.picture) ?? [item.picture]).entries()) {
      const drawn = await canvasOf(data).catch(() => null);
      if (drawn) { strip.append(drawn); pictures.push({ time: item.frames?.[index].time ?? start, drawn }); }
    }
    strip.append(head);
    show();
  })();
  media.append(...(frame ? [frame] : []), make("div", { class: "player" }, strip, make("div", { class: "controls" }, button, told, problem)));
  let last = null;
  function show() {
    const now = start + at;
    head.style.left = `calc(${Math.min(100, (100 * at) / length)}% - 1px)`;
    told.textContent = `${clock(now)} / ${clock(start + length)}`;
    for (const [name, value] of Object.entries({ valuemin: Math.round(start), valuemax: Math.round(start + length), valuenow: Math.round(now), valuetext: clock(now) })) strip.setAttribute(`aria-${name}`, value);
    const picture = pictures.filter((one) => one.time <= now + 0.05).pop() ?? pictures[0];
    if (frame && picture && picture !== last) {
      last = picture;
      frame.width = picture.drawn.width;
      frame.height = picture.drawn.height;
      frame.getContext("2d").drawImage(picture.drawn, 0, 0);
    }
    let current = null;
    for (const spoken of mine.panel.querySelectorAll(".spoken")) {
      spoken.classList.remove("now");
      if (source && Number(spoken.dataset.time) <= now + 0.05) current = spoken;
    }
    current?.classList.add("now");
  }
  function tick() {
    if (!source) return;
    at = audio.currentTime - began;
    if (at >= length) { stop(); at = 0; }
    show();
    ticking = requestAnimationFrame(tick);
  }
  function stop() {
    cancelAnimationFrame(ticking);
    source?.stop();
    source = null;
    button.replaceChildren(icon("play"));
    button.setAttribute("aria-label", "Play");
    show();
  }
  function load() {
    fetching ??= (async () => {
      const got = (await callTool("show_hits", { targets: [hit.id], form: "sound" })).structuredContent?.items?.[0];
      if (!got?.mp3) throw new Error(got?.error ?? "There is no sound.");
      const bytes = Uint8Array.from(atob(got.mp3), (one) => one.charCodeAt(0));
      sound = await new OfflineAudioContext(1, 1, 16000).decodeAudioData(bytes.buffer);
      start = got.start;
      length = Math.min(sound.duration, got.seconds);
      show();
    })();
    return fetching;
  }
  async function play(time) {
    problem.textContent = sound ? "" : "Fetching the sound\u2026";
    audio ??= new AudioContext(); // a click or a key came before: browsers ask for one
    try {
      await load();
      await Promise.race([audio.resume(), new Promise((_, refuse) => setTimeout(() => refuse(new Error("This browser plays no sound here.")), 1500))]);
    } catch (error) {
      if (!sound) fetching = null;
      problem.textContent = line(error.message);
      return;
    }
    if (opened !== mine) return;
    problem.textContent = "";
    if (time !== undefined) at = Math.min(length - 0.05, Math.max(0, time - start));
    source?.stop();
    source = audio.createBufferSource();
    source.buffer = sound;
    source.connect(audio.destination);
    source.start(0, at);
    began = audio.currentTime - at;
    button.replaceChildren(icon("pause"));
    button.setAttribute("aria-label", "Pause");
    cancelAnimationFrame(ticking);
    tick();
  }
  function seek(to) {
    at = Math.min(length - 0.05, Math.max(0, to));
    if (source) play(start + at);
    else show();
  }
  strip.addEventListener("pointerdown", (event) => {
    const box = strip.getBoundingClientRect();
    seek(((event.clientX - box.left) / box.width) * length);
  });
  strip.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 2, ArrowUp: 2, ArrowLeft: -2, ArrowDown: -2 }[event.key];
    if (by) seek(at + by);
    else if (event.key === "Home") seek(0);
    else if (event.key === "End") seek(length);
    else if (event.key === " " || event.key === "Enter") button.click();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  mine.stop = stop;
  return { ready, play };
}

// -- keys
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && opened) {
    close(true);
    event.preventDefault();
  }
  const item = event.target.closest?.(".card");
  if (!item || event.ctrlKey || event.metaKey || event.altKey) return;
  const list = faces(), at = list.indexOf(item.querySelector(".face")), ahead = root.dir === "rtl" ? -1 : 1;
  if (event.key === "c") {
    copy(fitting()[at], item.querySelector(".cite"));
    return;
  }
  const to = { ArrowRight: at + ahead, ArrowLeft: at - ahead, ArrowDown: at + columns(), ArrowUp: at - columns(), Home: 0, End: list.length - 1 }[event.key];
  if (to === undefined) return;
  list[Math.min(list.length - 1, Math.max(0, to))]?.focus();
  event.preventDefault();
});

// -- the beginning
tell("Searching\u2026");
$("hits").replaceChildren(...[1, 2, 3].map(() => make("li", { class: "skeleton", "aria-hidden": "true" })));
(async () => {
  try {
    const shaken = await request("ui/initialize", {
      protocolVersion: "2026-01-26",
      appInfo: { name: "mcp-mmretrieval gallery", version: "1.0.0" },
      appCapabilities: { availableDisplayModes: ["inline", "fullscreen"] },
    });
    host = shaken.hostCapabilities ?? {};
    settle(shaken.hostContext ?? {});
    post({ method: "ui/notifications/initialized" });
  } catch (error) {
    tell(`The assistant does not answer this page: ${line(error.message)}`, "large error");
  }
})();
