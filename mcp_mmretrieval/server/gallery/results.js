// What was found: title, chips by kind, and as many cards as have room.

const ROWS_AT_FIRST = 2, LEAST_AT_FIRST = 4, BATCH = 6;
let asked = null, outcome = null, hits = [], kind = "", all = false, picturesFail = false;
let run = 0, drawing = 0; // count results and drawings, so that what comes late for earlier ones is let go
async function receive(result) {
  const mine = ++run;
  outcome = result;
  if (result.isError) return tell(textOf(result) || "The search failed.", "large error");
  let data = result.structuredContent;
  if (!Array.isArray(data?.hits) && asked && canCall()) { // some assistants pass on the text alone
    try { data = (await callTool("search_media", asked)).structuredContent; } catch { data = undefined; }
    if (mine !== run) return;
  }
  if (!Array.isArray(data?.hits)) return tell(textOf(result) || "There is no result to show.", "large");
  close();
  thumbs.clear();
  details.clear();
  hits = data.hits.filter((hit) => hit && typeof hit.citation === "string" && typeof hit.id === "string");
  kind = "";
  all = isWhole();
  picturesFail = false;
  title();
  const coverage = data.searched?.documents, notes = (data.notes ?? []).map((note) => make("p", { dir: "auto" }, line(note)));
  if (hits.length) draw();
  else tell(coverage === undefined ? "Nothing was found." : `Nothing was found in ${counted(coverage, "document", "documents")}.`, "large");
  $("notes").replaceChildren(...(notes.length ? [make("summary", {}, counted(notes.length, "note", "notes")), ...notes] : []));
  $("notes").open = !hits.length;
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
const seeing = () => canCall() && !picturesFail;
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
  await widen();
  if (!all) showAll();
});
