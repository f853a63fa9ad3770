// The keyboard does all that a mouse does.

addEventListener("keydown", (event) => {
  if (event.key === "Escape" && opened) {
    close(true);
    event.preventDefault();
  }
  const item = event.target.closest?.(".card");
  if (!item || event.ctrlKey || event.metaKey || event.altKey) return;
  const list = faces(), at = list.indexOf(item.querySelector(".face")), ahead = root.dir === "rtl" ? -1 : 1;
  if (event.key === "c") {
    copy(fitting()[at], item.querySelector(".cite"));
    return;
  }
  const to = { ArrowRight: at + ahead, ArrowLeft: at - ahead, ArrowDown: at + columns(), ArrowUp: at - columns(), Home: 0, End: list.length - 1 }[event.key];
  if (to === undefined) return;
  list[Math.min(list.length - 1, Math.max(0, to))]?.focus();
  event.preventDefault();
});
