// Citations to the clipboard.

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
