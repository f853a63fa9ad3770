// The server of this page, in place of an assistant: a key for this tab, and questions by POST.

const KEY = "mcp-mmretrieval", HERE_MS = 30000, canCall = () => true, isWhole = () => true;
async function widen() {}
async function ask(path, given, signal) {
  let answer, told;
  try {
    answer = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json", "X-Session-Key": sessionStorage.getItem(KEY) ?? "" }, body: JSON.stringify(given), signal });
    told = await answer.json();
  } catch {
    signal?.throwIfAborted();
    throw new Error("The server of this page has ended. Run mcp-mmretrieval browse again.");
  }
  if (answer.ok) return told;
  throw new Error(told.error);
}
const callTool = async (name, given, signal) => ({ structuredContent: (await ask("/call", { name, arguments: given }, signal)).answer });
// The token leaves the address at once; a tab that is loaded again has its key still.
async function enter() {
  const token = /^#k=([\w-]+)$/.exec(location.hash)?.[1];
  if (token) {
    history.replaceState(null, "", "/");
    try { sessionStorage.setItem(KEY, (await ask("/key", { token })).key); } catch (error) { if (!sessionStorage.getItem(KEY)) throw error; }
  }
  const stay = setInterval(() => ask("/here", {}).catch((error) => { // where no tab says so, the command ends
    clearInterval(stay);
    tell(error.message);
  }), HERE_MS);
}
