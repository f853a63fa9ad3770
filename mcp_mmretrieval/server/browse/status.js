// What the library holds, what is wrong with it, and what is being added.

const LOOK_MS = 1500, KINDS_OF = { page: "PDF", image: "picture", audio: "recording", video: "film", text: "text" };
let looking = 0, toldLast = "";
const few = (count) => Number(count ?? 0).toLocaleString("en");
function progressOf(job) {
  const failed = job.failed_in_all ?? job.failed?.length ?? 0, done = ["added", "replaced", "moved", "unchanged"].reduce((sum, name) => sum + (job[name] ?? 0), failed);
  const told = ["added", "replaced", "moved", "unchanged", "removed"].filter((name) => job[name]).map((name) => `${few(job[name])} ${name}`);
  if (failed) told.push(`${few(failed)} failed`);
  const running = job.state === "running", of = job.found ? `${few(done)} of ${few(job.found)} files` : "";
  return make("li", { class: "job" },
    make("p", {}, make("b", {}, line(job.state)), ` ${[of, ...told].filter(Boolean).join(" \u00b7 ")}`),
    running ? make("progress", { "aria-label": "Adding", ...(job.found ? { max: job.found, value: done } : {}) }) : "",
    running && job.current ? make("p", { class: "facts" }, make("bdi", {}, line(job.current))) : "",
    job.error ? make("p", { class: "facts" }, line(job.error)) : "",
    ...(job.failed ?? []).slice(0, 5).map((one) => make("p", { class: "facts", dir: "auto" }, line(`${one.path}: ${one.reason}`))));
}
function health(status) {
  const kinds = Object.entries(status.documents ?? {}).filter(([, count]) => count).map(([kind, count]) => `${few(count)} ${KINDS_OF[kind] ?? line(kind)}${count === 1 ? "" : "s"}`);
  const fact = (name, ...told) => told.some(Boolean) ? [make("dt", {}, name), make("dd", { dir: "auto" }, ...told)] : [];
  return make("dl", {},
    ...fact("Holds", [kinds.join(", "), status.segments !== undefined && `${few(status.segments)} places`, status.pending_vectors && `${few(status.pending_vectors)} found by words only so far`].filter(Boolean).join(" \u00b7 ")),
    ...fact("Folders", ...(status.roots ?? []).flatMap((one, at) => [at ? make("br") : "", make("bdi", {}, line(one))])),
    ...fact("Models", line(status.models_state)),
    ...fact("To do", ...(status.problems ?? []).map((one) => make("p", {}, line(one)))));
}
async function look() {
  const mine = ++looking;
  if ($("status").hidden) return;
  let pause = 4 * LOOK_MS;
  try {
    const [status, { jobs }] = await Promise.all(["status", "jobs"].map(async (name) => (await callTool(name, {})).structuredContent));
    if (mine !== looking) return;
    knownFolders(status.roots ?? []);
    if (jobs.some((job) => job.state === "running")) pause = LOOK_MS;
    const told = JSON.stringify([status, jobs]);
    if (told !== toldLast) $("status").replaceChildren(health(status), make("h2", {}, jobs.length ? "Jobs" : "No jobs"), make("ul", {}, ...jobs.slice(0, 8).map(progressOf)));
    toldLast = told; // what is being read or marked there stays
  } catch (error) {
    if (mine !== looking) return;
    toldLast = "";
    $("status").replaceChildren(make("p", {}, line(error.message)));
  }
  setTimeout(() => { if (mine === looking && !document.hidden) look(); }, pause);
}
const knownFolders = (folders) => $("folders").replaceChildren(...folders.map((one) => make("option", { value: one })));
$("health").addEventListener("click", () => {
  const hidden = !$("status").hidden;
  $("status").hidden = hidden;
  $("health").setAttribute("aria-expanded", String(!hidden));
  toldLast = "";
  if (!hidden) $("status").replaceChildren(make("p", {}, "Asking\u2026"));
  look();
});
document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
