// The server of this page, in place of an assistant: a key for this tab, and questions by POST.

const KEY = "mcp-mmretrieval", canCall = () => true, isWhole = () => true;
async function widen() {}
async function ask(path, given) {
  let answer;
  try {
    answer = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json", "X-Session-Key": sessionStorage.getItem(KEY) ?? "" }, body: JSON.stringify(given) });
  } catch {
    throw new Error("The server of this page has ended. Run mcp-mmretrieval browse again.");
  }
  const told = await answer.json();
  if (answer.ok) return told;
  if (answer.status === 401) sessionStorage.removeItem(KEY);
  throw new Error(told.error);
}
const callTool = async (name, given) => ({ structuredContent: (await ask("/call", { name, arguments: given })).answer });
// The token leaves the address at once; a tab that is loaded again has its key still.
async function enter() {
  const token = /^#k=([\w-]+)$/.exec(location.hash)?.[1];
  if (!token) return;
  history.replaceState(null, "", "/");
  sessionStorage.setItem(KEY, (await ask("/key", { token })).key);
}
