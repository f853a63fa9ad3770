// A recording or film whole, from the place that is cited on: by the browser's own player.

const actsFor = (hit) => [
  make("button", { class: "act", onclick: () => find({ like: hit.id }) }, "More like this"),
  hit.path ? make("button", { class: "act", onclick: async () => say((await clip(hit.path)) ? "Path copied" : hit.path) }, icon("copy"), "Copy path") : "",
  inTime(hit) ? make("button", { class: "act", onclick: (event) => playWhole(hit, event.currentTarget) }, icon("play"), hit.modality === "video" ? "Whole film" : "Whole recording") : "",
].filter(Boolean);
async function playWhole(hit, button) {
  const mine = opened, problem = make("p", { class: "facts", role: "status" }), tell = (text) => { problem.textContent = line(text); };
  mine.panel.querySelector(".whole")?.remove();
  const whole = make("div", { class: "whole" }, problem);
  button.parentNode.after(whole);
  let got;
  try { got = await ask("/recording", { target: hit.id }); } catch (error) { return tell(error.message); }
  if (opened !== mine) return undefined;
  mine.stop?.();
  const player = make(hit.modality, { controls: true, preload: "metadata", "aria-label": `${named(hit).name}, whole` });
  player.addEventListener("error", () => tell("This browser does not play the file. What is cited can be played above."));
  player.addEventListener("loadedmetadata", () => {
    if (hit.start) player.currentTime = hit.start;
    if (hit.modality === "video" && !player.videoWidth) tell("This browser plays its sound alone. The frames above show what is cited.");
    player.play().catch(() => tell("Press play."));
  });
  player.src = got.address;
  whole.prepend(player);
  player.focus();
  return undefined;
}
