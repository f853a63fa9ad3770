// A card for each place, and its small picture.

const LEVELS = { weak: 1, fair: 2, strong: 3 };
const thumbs = new Map();
const inTime = (hit) => hit.modality === "audio" || hit.modality === "video";
function card(hit) {
  const { name, folder, place } = named(hit), has = hit.modality !== "text" && seeing();
  const words = has ? "" : plain(hit.snippet || hit.title || name).replace(/(^|\s)#{1,6} /g, "$1");
  const face = make("button", {
    class: `face ${has && KINDS[hit.modality] ? hit.modality : ""}`, "aria-expanded": "false",
    "aria-label": `Open ${name}, ${place}${hit.match ? `, ${hit.match} match` : ""}${words && `: ${words}`}`, onclick: () => toggle(hit, item),
  });
  const item = make("li", { class: "card" }, face,
    make("button", { class: "cite", title: `Copy the citation: ${decoded(hit.citation)}`, "aria-label": `Copy the citation of ${name}, ${place}`, onclick: (event) => copy(hit, event.currentTarget) },
      make("b", { dir: "auto" }, name), icon("copy")),
    make("p", { class: "where" }, make("span", {}, make("bdi", {}, place)), hit.match ? strength(hit) : ""),
    has && hit.snippet ? make("p", { class: "said", dir: "auto" }, ...marked(hit.snippet)) : "");
  if (folder) face.title = folder;
  if (words) face.append(make("span", { class: "words", dir: "auto" }, ...marked(words)));
  if (inTime(hit) && hit.start !== undefined) face.append(make("span", { class: "time" }, icon("play"), clock(hit.start)));
  return item;
}
function strength(hit) {
  const level = LEVELS[hit.match] ?? 0;
  return make("span", { class: `match ${level === 3 ? "strong" : ""}` }, make("i", { "aria-hidden": "true" }, ...[1, 2, 3].map((one) => make("span", { class: one <= level ? "on" : "" }))), line(hit.match));
}
function lacking(face, hit, why) {
  const told = hit.stale ? "The file has changed since" : "No picture";
  face.append(make("span", { class: "words lacking", title: line(why) }, told));
  face.ariaLabel += `: ${told}`;
}
const faces = () => [...$("hits").querySelectorAll(".card .face")];
async function fetchThumbs(shown, mine) {
  const items = [...$("hits").querySelectorAll(".card")];
  const put = async (hit, item) => {
    const got = thumbs.get(hit.id), face = item.querySelector(".face");
    item.classList.remove("waiting");
    if (got?.picture) await paint(face, hit, got.picture).catch(() => lacking(face, hit, "The picture cannot be drawn."));
    else lacking(face, hit, got?.error ?? got?.notes?.[0]);
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
      if (mine !== drawing) return;
      picturesFail = true;
      return draw();
    }
    if (mine !== drawing) return;
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
