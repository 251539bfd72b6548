import { api, message_of } from "./api";
import { pod } from "./live.svelte";
import { go } from "./router.svelte";

/** The note just made here: its title gets the focus once. */
export const fresh: { id: string | null } = { id: null };

/** A new, empty note, opened at once. Says in `pod.error` why not. */
export async function new_note(): Promise<void> {
  try {
    const { id } = await api.create("Untitled");
    pod.error = null;
    fresh.id = id;
    go("notes", id);
  } catch (e) {
    pod.error = `No new note yet. ${message_of(e)}`;
  }
}

/** From the lists of all devices; the list then offers to take it back. Says in `pod.error` why not. */
export async function remove_note(id: string, title: string): Promise<void> {
  try {
    await api.remove_document(id);
    pod.error = null;
    pod.removed = { id, title };
    go("notes");
  } catch (e) {
    pod.error = `The note is still there. ${message_of(e)}`;
  }
}

export async function restore_note(id: string): Promise<void> {
  try {
    await api.restore_document(id);
    pod.error = null;
    pod.removed = null;
    go("notes", id);
  } catch (e) {
    pod.error = `The note is not back yet. ${message_of(e)}`;
  }
}
