// What a place says, opened under its row.

const FOUND_BY = { words: "words", text: "meaning", picture: "what is seen", sound: "what is heard" };
const details = new Map();
let opened = null; // { hit, item, stop }
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
  const inside = make("div", { class: "inside" }, make("p", { class: "facts" }, canCall() ? "Opening\u2026" : ""));
  const panel = make("li", { class: "detail", "aria-label": `${name}, ${place}` },
    make("div", { class: "head" },
      make("h2", {}, make("bdi", {}, name), " ", make("small", {}, make("bdi", {}, [place, folder].filter(Boolean).join(" \u00b7 ")))),
      step(-1, "The result before", "previous"), step(1, "The next result", "next"),
      make("button", { class: "square", "aria-label": "Close", title: "Close (Esc)", onclick: () => close(true) }, icon("close"))),
    inside,
    make("div", { class: "acts" },
      make("button", { class: "act", onclick: (event) => copy(hit, event.currentTarget) }, icon("copy"), "Copy citation"),
      ...actsFor(hit)));
  item.querySelector(".face").setAttribute("aria-expanded", "true");
  item.after(panel);
  const mine = { hit, item, panel, stop: null };
  opened = mine;
  fill(mine, inside);
}
async function fill(mine, inside) {
  const { hit } = mine;
  let item = details.get(hit.id);
  if (!item) {
    try {
      item = canCall() ? (await callTool("show_hits", { targets: [hit.id], form: "detail" })).structuredContent?.items?.[0] : null;
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
  const same = hit.duplicates ? `${hit.duplicates} alike: ${hit.duplicates_at.map(line).join(", ")}` : "";
  read.append(make("p", { class: "facts" }, [hit.match ? `${line(hit.match)} match, ${Number(hit.score).toFixed(2)}` : "", by && `found by ${by}`, date, more, same].filter(Boolean).join(" \u00b7 ")));
  for (const note of item.notes ?? []) read.append(make("p", { class: "facts", dir: "auto" }, line(note)));
}
