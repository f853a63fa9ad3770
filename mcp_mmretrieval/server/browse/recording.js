// A recording or film whole, from the place that is cited on: by the browser's own player.

const actsFor = (hit) => [
  make("button", { class: "act", onclick: () => find({ like: hit.id }) }, "More like this"),
  hit.path ? make("button", { class: "act", onclick: async () => say((await clip(hit.path)) ? "Path copied" : hit.path) }, icon("copy"), "Copy path") : "",
  inTime(hit) ? make("button", { class: "act", onclick: (event) => playWhole(hit, event.currentTarget) }, icon("play"), hit.modality === "video" ? "Whole film" : "Whole recording") : "",
].filter(Boolean);
function playWhole(hit, button) {
  const mine = opened, problem = make("p", { class: "facts", role: "status" }), tellHere = (text) => { problem.textContent = line(text); };
  const player = make(hit.modality, { controls: true, preload: "metadata", tabindex: "0", "aria-label": `${named(hit).name}, whole` });
  const whole = make("div", { class: "whole" }, problem);
  let from = hit.start ?? 0, plays = true, again = false;
  async function begin(stuck = false) {
    let got;
    try { got = await ask("/recording", { target: hit.id }); } catch (error) { return tellHere(error.message); }
    if (!whole.isConnected) return undefined; // closed, or asked for anew
    if (stuck) return tellHere("This browser does not play the file. What is cited can be played above.");
    player.src = got.address;
    if (player.isConnected) return undefined;
    whole.prepend(player);
    player.focus();
    return undefined;
  }
  player.addEventListener("error", () => {
    if (!whole.isConnected) return undefined;
    const stuck = again && player.currentTime < from + 1; // at the same place as before
    if (player.currentTime > from) { // it played, or was paused there
      from = player.currentTime;
      plays = !player.paused;
    }
    again = true;
    return begin(stuck); // what was opened may be closed by now, or changed: asking again tells
  });
  player.addEventListener("loadedmetadata", () => {
    if (from) player.currentTime = from;
    if (hit.modality === "video" && !player.videoWidth) tellHere("This browser plays its sound alone. The frames above show what is cited.");
    if (plays) player.play().catch(() => { if (whole.isConnected) tellHere("Press play."); });
  });
  player.addEventListener("play", () => mine.stop?.()); // one of them is heard at a time
  mine.panel.addEventListener("click", (event) => { if (event.target.closest(".play, .spoken")) player.pause(); });
  mine.panel.querySelector(".whole")?.remove();
  button.parentNode.after(whole);
  return begin();
}
// A player that was taken away keeps its connection, of which a browser has six to a server, and may begin to play yet.
new MutationObserver((changes) => {
  for (const gone of changes.flatMap((change) => [...change.removedNodes])) {
    for (const player of gone.querySelectorAll?.("video, audio") ?? []) {
      player.removeAttribute("src");
      player.load();
    }
  }
}).observe($("hits"), { childList: true, subtree: true });
