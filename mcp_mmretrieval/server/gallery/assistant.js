// The assistant in whose frame the page stands (MCP Apps, 2026-01-26): JSON-RPC over postMessage.

const RTL = /^(ar|arc|ckb|dv|fa|he|ku-arab|ps|sd|ug|ur|yi)\b/i;
let host = {}, context = {};
const waiting = new Map();
let lastId = 0;
const post = (message) => parent.postMessage({ jsonrpc: "2.0", ...message }, "*");
function request(method, params) {
  const id = ++lastId;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    post({ id, method, params });
  });
}
async function callTool(name, given) {
  const result = await request("tools/call", { name, arguments: given });
  if (result.isError) throw new Error(textOf(result) || "The call failed.");
  return result;
}
const textOf = (result) => (result?.content ?? []).filter((one) => one.type === "text").map((one) => one.text).join("\n");
addEventListener("message", (event) => {
  const message = event.data;
  if (event.source !== parent || message?.jsonrpc !== "2.0") return;
  if (message.method === undefined) {
    const waits = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.error) waits?.reject(new Error(message.error.message ?? "refused"));
    else waits?.resolve(message.result ?? {});
  } else if (message.id !== undefined) {
    if (message.method === "ui/resource-teardown") close();
    const known = ["ping", "ui/resource-teardown"].includes(message.method);
    post({ id: message.id, ...(known ? { result: {} } : { error: { code: -32601, message: `${line(message.method)}: not known` } }) });
  } else hear(message.method, message.params ?? {});
});
function hear(method, params) {
  if (method === "ui/notifications/tool-input" || method === "ui/notifications/tool-input-partial") {
    asked = params.arguments ?? {};
    pattern = wordPattern(asked.query);
    title();
    if (hits.length) draw();
    else if (method.endsWith("input") && outcome && !outcome.structuredContent && !outcome.isError) receive(outcome);
  } else if (method === "ui/notifications/tool-result") receive(params);
  else if (method === "ui/notifications/tool-cancelled") {
    outcome = params;
    tell(params.reason ? `The search was cancelled: ${line(params.reason)}` : "The search was cancelled.", "large");
  } else if (method === "ui/notifications/host-context-changed") settle(params);
}
function settle(changed) {
  context = { ...context, ...changed };
  const space = context.containerDimensions ?? {};
  if (["light", "dark"].includes(context.theme)) root.dataset.theme = context.theme;
  for (const [name, value] of Object.entries(context.styles?.variables ?? {})) {
    if (/^--[a-z0-9-]+$/.test(name) && typeof value === "string") root.style.setProperty(name, value);
  }
  if (context.locale) root.dir = RTL.test(context.locale) ? "rtl" : "ltr";
  const { top = 0, right = 0, bottom = 0, left = 0 } = context.safeAreaInsets ?? {};
  document.body.style.padding = `${14 + top}px ${14 + right}px ${14 + bottom}px ${14 + left}px`;
  const whole = isWhole();
  root.classList.toggle("grows", !whole && !space.height && !space.maxHeight);
  if (whole && !all) showAll();
}
const canCall = () => host.serverTools, isWhole = () => context.displayMode === "fullscreen";
async function widen() {
  if (isWhole() || !context.availableDisplayModes?.includes("fullscreen")) return;
  try { settle({ displayMode: (await request("ui/request-display-mode", { mode: "fullscreen" })).mode }); } catch { /* it grows instead */ }
}
const actsFor = (hit) => host.message ? [make("button", { class: "act", onclick: () => ask(hit) }, icon("ask"), "Ask about it")] : [];
async function ask(hit) {
  const text = `Look at ${line(hit.citation)} (id ${line(hit.id)}).`;
  try {
    const answer = await request("ui/message", { role: "user", content: [{ type: "text", text }] });
    say(answer.isError ? "The assistant did not take it." : "Sent to the assistant");
  } catch { say("The assistant did not take it."); }
}
let lastHeight = 0, measuring = false;
new ResizeObserver(() => {
  if (measuring) return;
  measuring = true;
  requestAnimationFrame(() => {
    measuring = false;
    const { width, height } = document.body.getBoundingClientRect();
    const rounded = Math.ceil(height);
    if (width < 100 || rounded === lastHeight) return; // a hidden frame wraps to one word a line
    lastHeight = rounded;
    post({ method: "ui/notifications/size-changed", params: { height: rounded } });
  });
}).observe(document.body);

tell("Searching\u2026");
$("hits").replaceChildren(...[1, 2, 3].map(() => make("li", { class: "skeleton", "aria-hidden": "true" })));
(async () => {
  try {
    const shaken = await request("ui/initialize", {
      protocolVersion: "2026-01-26",
      appInfo: { name: "mcp-mmretrieval gallery", version: "1.0.0" },
      appCapabilities: { availableDisplayModes: ["inline", "fullscreen"] },
    });
    host = shaken.hostCapabilities ?? {};
    settle(shaken.hostContext ?? {});
    post({ method: "ui/notifications/initialized" });
  } catch (error) {
    tell(`The assistant does not answer this page: ${line(error.message)}`, "large error");
  }
})();
