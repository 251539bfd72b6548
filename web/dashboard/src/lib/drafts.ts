/**
 * Text that the device has not taken yet, kept by this browser so that not even a closed page loses it: the device's
 * own page, on the device's own disk, and gone again as soon as the device has the text.
 */
import type { Draft } from "../text/session";

const key = (doc: string): string => `draft:${doc}`;

export function load_draft(doc: string): Draft | null {
  try {
    const json = localStorage.getItem(key(doc));
    const draft = json === null ? null : (JSON.parse(json) as Partial<Draft>);
    if (typeof draft?.server !== "string" || typeof draft.sent !== "string" || typeof draft.shown !== "string")
      return null;
    return draft as Draft;
  } catch {
    return null;
  }
}

export function keep_draft(doc: string, draft: Draft | null): void {
  try {
    if (draft) localStorage.setItem(key(doc), JSON.stringify(draft));
    else localStorage.removeItem(key(doc));
  } catch {
    // Full or forbidden storage: the text is still on the screen, and leaving the page asks first.
  }
}
