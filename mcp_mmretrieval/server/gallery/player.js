// Sound from its cited second on, and frames of a film that follow it.

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
