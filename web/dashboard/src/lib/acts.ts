import type { LogEvent } from "./api";

/** What an event did, as a sentence goes on after the device's name. `where`: the note's title is part of it. */
export interface Act {
  text: string;
  where: boolean;
}

const acts: Record<string, string> = {
  list: "made a note",
  unlist: "deleted a note",
  epoch: "changed the pod's keys",
  wrap: "handed a key to a device",
  add: "added a device",
  confirm: "confirmed a device",
  suspend: "suspended a device",
  lift: "lifted a suspension",
  remove: "removed a device",
  rotate: "took a new key",
  policy: "changed what cloud peers may read",
  services: "changed the pod's services",
  recover: "brought the pod back with the paper key",
  veto: "undid a recovery",
  generation: "started the order of changes anew",
  name: "named a device",
};

export function act(e: LogEvent): Act {
  if (e.kind === "operations") return { text: "wrote in", where: true };
  if (e.operation === "accept") return { text: "took in changes of a removed device in", where: true };
  const known = e.operation && Object.hasOwn(acts, e.operation) ? acts[e.operation] : undefined;
  return known ? { text: known, where: false } : { text: "changed the settings of", where: true };
}
