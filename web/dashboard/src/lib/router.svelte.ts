/** Where the page is: `#/notes/ID`, `#/devices` … A link is a plain <a href>, so Back and middle clicks just work. */
export type Place = "notes" | "devices" | "add" | "lost" | "paper" | "activity" | "leaving";
const places: readonly Place[] = ["notes", "devices", "add", "lost", "paper", "activity", "leaving"];

function read(): { place: Place; id: string | null } {
  const [, name = "", id = ""] = location.hash.split("/");
  const place = places.find((p) => p === name) ?? "notes";
  return { place, id: place === "notes" && /^[0-9a-f]{8,64}$/.test(id) ? id : null };
}

class Router {
  at = $state(read());
  constructor() {
    addEventListener("hashchange", () => {
      this.at = read();
    });
  }
}

export const router = new Router();

export const href = (place: Place, id?: string): string => `#/${place}${id ? `/${id}` : ""}`;
export const go = (place: Place, id?: string): void => {
  location.hash = href(place, id);
};
