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
