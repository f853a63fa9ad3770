// The form: with words it searches, without it lists what the library holds.

const HITS = 24, FILES = 48, AGAIN_MS = 2000, MOST_AGAIN = 20;
let asking = new AbortController(), following = null; // the question that counts; where the list of files goes on
function instead() { // what was asked before, nobody waits for
  asking.abort();
  asking = new AbortController();
  return asking.signal;
}
$("kind").append(...Object.entries(PLURALS).map(([kind, name]) => make("option", { value: kind }, name)));
function filters() {
  const chosen = { under: $("under").value.trim(), after: $("after").value, before: $("before").value };
  return { ...Object.fromEntries(Object.entries(chosen).filter(([, value]) => value)), ...($("kind").value ? { modality: [$("kind").value] } : {}) };
}
function waiting(query) {
  asked = query;
  pattern = wordPattern(query.query);
  $("further").hidden = true;
  tell("", "large");
  title();
  $("state").className = "";
  $("hits").replaceChildren(...[1, 2, 3, 4].map(() => make("li", { class: "skeleton", "aria-hidden": "true" })));
}
async function find(wanted, again = 0) {
  const mine = instead(), query = { ...wanted, ...filters() };
  $("sorting").hidden = true;
  if (!again) waiting(query);
  try {
    const result = await callTool("search_media", { ...query, limit: HITS }, mine);
    if (mine.aborted || (again && opened)) return;
    asked = query;
    if (!again || toldOf(result) !== toldOf(outcome)) {
      const focused = faces().indexOf(document.activeElement);
      await receive(result);
      faces()[focused]?.focus();
    }
    // words answered alone, since the models were not loaded yet
    if (result.structuredContent.searched?.models === "loading" && again < MOST_AGAIN) setTimeout(() => { if (!mine.aborted && !opened) find(wanted, again + 1); }, AGAIN_MS);
  } catch (error) {
    if (!mine.aborted) tell(error.message, "large error");
  }
}
const toldOf = (result) => JSON.stringify([result?.structuredContent?.hits, result?.structuredContent?.notes]);
async function list(offset = 0) {
  const mine = instead(), query = { ...filters(), order: $("order").value };
  $("sorting").hidden = false;
  if (!offset) waiting(query);
  try {
    const { documents, total, next_offset: next, notes } = (await callTool("list_documents", { ...query, limit: FILES, offset }, mine)).structuredContent;
    if (mine.aborted) return;
    const found = documents.map((one) => ({ ...one, extent: extentOf(one), ...(inTime(one) && one.seconds ? { end: Math.min(30, one.seconds) } : {}) }));
    if (offset) {
      const before = hits.length;
      hits = [...hits, ...found];
      draw();
      faces()[before]?.focus();
    } else await receive({ structuredContent: { hits: found, notes } });
    if (!hits.length) tell(notes?.length ? notes.map(line).join(" ") : "There are no such files in the library.", "large");
    $("query").textContent = "Your files";
    $("count").textContent = counted(total, "file", "files");
    following = next;
    $("further").hidden = next === undefined;
  } catch (error) {
    if (mine.aborted) return;
    if (offset) say(error.message); // what is there stays
    else tell(error.message, "large error");
  }
}
function extentOf(one) {
  const long = one.pages ? counted(one.pages, "page", "pages") : one.seconds !== undefined ? clock(one.seconds) : "";
  return [one.pages ? "" : KINDS[one.modality] ?? line(one.modality), long].filter(Boolean).join(", ");
}
function submit() {
  const query = $("words").value.trim();
  return query ? find({ query }) : list();
}
$("search").addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});
for (const name of ["kind", "under", "after", "before", "order"]) $(name).addEventListener("change", () => (asked?.like ? find({ like: asked.like }) : submit()));
$("words").addEventListener("search", () => { if (!$("words").value) list(); });
$("clear").addEventListener("click", () => {
  for (const name of ["words", "kind", "under", "after", "before"]) $(name).value = "";
  $("words").focus();
  list();
});
$("further").addEventListener("click", () => list(following));
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const writes = ["INPUT", "SELECT"].includes(event.target.tagName);
  if (event.key === "/" && !writes) $("words").select();
  else if (event.key === "ArrowDown" && event.target === $("words")) faces()[0]?.focus();
  else return;
  event.preventDefault();
});
(async () => {
  try {
    await enter();
  } catch (error) {
    tell(error.message, "large error");
    return;
  }
  await list();
  callTool("status", {}).then((answer) => knownFolders(answer.structuredContent.roots ?? []), () => {}); // to choose from; "Library" says what is wrong
})();
