// The person's own clipboard, and a word about it that goes away by itself.

const TOLD_MS = 4000;
let telling = 0;

/** Whether the text is on the person's own clipboard now. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/** Say something at the foot of the page, for a moment. */
export function tell(text, milliseconds = TOLD_MS) {
  const toast = document.getElementById("toast");
  toast.textContent = text;
  clearTimeout(telling);
  telling = setTimeout(() => (toast.textContent = ""), milliseconds);
}
