// How places are called, and which words of a text are marked.

const KINDS = { page: "Page", image: "Picture", audio: "Sound", video: "Film", text: "Text" };
const PLURALS = { ...KINDS, page: "Pages", image: "Pictures" };
const STOP = new Set(("a an and any are as at be by did do does for from had has have how i in is it me my of on or our that the"
  + " their there this to was we were what when where which who why will with you your").split(" "));
function named(hit) {
  const cut = hit.citation.indexOf("#"), path = cut < 0 ? hit.citation : hit.citation.slice(0, cut), slash = path.lastIndexOf("/");
  return { name: decoded(path.slice(slash + 1)), folder: slash > 0 ? decoded(path.slice(0, slash)) : "", place: placed(hit, cut < 0 ? "" : hit.citation.slice(cut + 1)) };
}
function placed(hit, fragment) {
  if (hit.extent) return hit.extent;
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
