/** The page's side against the model of the daemon's side, under every interleaving that a seed draws. */
import type { Text } from "@codemirror/state";
import { describe, expect, it } from "vitest";
import { delta_of, type Session, TextRoom } from "../../mock/text_room.mjs";
import { random_changes, random_source } from "./random_edits";
import { type Draft, edit_units_max, TextSession } from "./session";
import { from_wire, text_of, type WireChange } from "./units";

type Message = { type: string; rev: number; changes: WireChange[]; text?: string };

/** A page: a session, what its editor shows, and the two queues of its connection. */
class Page {
  shown: Text = text_of("");
  up: Message[] = [];
  down: Message[] = [];
  session: TextSession;
  link: Session | null = null;
  constructor(
    readonly room: TextRoom,
    readonly name: string,
    draft?: Draft | null,
  ) {
    this.session = new TextSession(
      {
        send: (m) => this.up.push(m as Message),
        remote: (changes) => {
          this.shown = changes.apply(this.shown);
        },
        reset: (text) => {
          this.shown = text;
        },
        lost_step: () => {
          throw new Error("the two sides disagree");
        },
      },
      draft,
    );
  }
  connect(): void {
    this.link = this.room.open((m) => this.down.push(m), this.name);
    this.down = [{ type: "opened", rev: this.link.rev, changes: [], text: this.room.string() }];
    this.up = [];
  }
  cut(): void {
    this.link?.close();
    this.link = null;
    this.up = [];
    this.down = [];
    this.session.closed();
  }
  type(wire: WireChange[]): void {
    const before = this.shown;
    const { changes } = from_wire(wire, before, true);
    this.shown = changes.apply(before);
    this.session.edit(changes);
  }
  say(s: string): void {
    this.type([[Array.from(this.shown.toString()).length, 0, s]]);
  }
  deliver_up(): void {
    const m = this.up.shift();
    if (m) this.link?.edit(m.rev, m.changes);
  }
  deliver_down(): void {
    const m = this.down.shift();
    if (!m) return;
    if (m.type === "opened") this.session.opened(m.rev, m.text ?? "", "local");
    else if (m.type === "ack") this.session.ack(m.rev);
    else this.session.changes(m.rev, m.changes);
  }
  settle(): void {
    while (this.up.length > 0 || this.down.length > 0) {
      this.deliver_up();
      this.deliver_down();
    }
  }
}

function open_page(room: TextRoom, name: string, draft?: Draft | null): Page {
  const page = new Page(room, name, draft);
  page.connect();
  page.settle();
  return page;
}

describe("two pages and a server", () => {
  it("end with the same text, whatever the network does", () => {
    for (let seed = 1; seed <= 1500; seed++) {
      const random = random_source(seed);
      const room = new TextRoom(seed % 3 === 0 ? "plain text" : "aé😀\n𝕏b\r\n😀");
      const pages = [open_page(room, "a"), open_page(room, "b")];
      for (let step = 0; step < 60; step++) {
        const page = pages[random(2)] as Page;
        const act = random(8);
        if (act < 3) page.type(random_changes(random, page.shown.toString(), 1 + random(2)));
        else if (act < 5) page.deliver_up();
        else page.deliver_down();
      }
      for (let round = 0; round < 4; round++) for (const page of pages) page.settle();
      for (const page of pages) {
        expect(page.session.pending, `seed ${seed}`).toBe(false);
        expect(page.shown.toString(), `seed ${seed}`).toBe(room.string());
      }
    }
  });

  it("lose no typed word when connections drop", () => {
    for (let seed = 1; seed <= 800; seed++) {
      const random = random_source(seed);
      const room = new TextRoom("start ");
      const pages = [open_page(room, "a"), open_page(room, "b")];
      const words: string[] = [];
      for (let step = 0; step < 60; step++) {
        const page = pages[random(2)] as Page;
        const act = random(12);
        if (act < 3) {
          const word = String.fromCodePoint(0x4e00 + 3 * step, 0x4e01 + 3 * step, 0x4e02 + 3 * step);
          words.push(word);
          page.type([[random(page.shown.length + 1), 0, word]]);
        } else if (act < 6) page.deliver_up();
        else if (act < 9) page.deliver_down();
        else if (act === 9) page.cut();
        else if (!page.link) page.connect();
      }
      for (const page of pages) if (!page.link) page.connect();
      for (let round = 0; round < 4; round++) for (const page of pages) page.settle();
      const text = room.string();
      for (const page of pages) expect(page.shown.toString(), `seed ${seed}`).toBe(text);
      const letters = [...words.join(""), ..."start "].sort().join("");
      expect([...text].sort().join(""), `seed ${seed}: nothing lost, nothing twice`).toBe(letters);
    }
  });
});

describe("a session", () => {
  const text = "the quick fox";

  it("keeps one edit under way", () => {
    const page = open_page(new TextRoom(text), "a");
    page.say("1");
    page.say("2");
    page.say("3");
    expect(page.up).toHaveLength(1);
    page.deliver_up();
    page.deliver_down();
    expect(page.up).toEqual([{ type: "edit", rev: 1, changes: [[14, 0, "23"]] }]);
  });

  it("sends a large paste in several edits", () => {
    const room = new TextRoom(text);
    const page = open_page(room, "a");
    const paste = "x😀".repeat(40_000);
    page.type([
      [0, 1, ""],
      [2, 2, paste],
    ]);
    expect(Math.max(...page.up.flatMap((m) => m.changes.map((c) => c[2].length)))).toBeLessThanOrEqual(edit_units_max);
    page.settle();
    expect(room.string()).toBe(`he${paste}uick fox`);
    expect(page.shown.toString()).toBe(room.string());
    expect(page.session.pending).toBe(false);
  });

  it("does not repeat an edit whose ack was lost", () => {
    const room = new TextRoom(text);
    const page = open_page(room, "a");
    page.say(" jumps");
    page.deliver_up();
    page.cut();
    page.say(" high");
    page.connect();
    page.settle();
    expect(room.string()).toBe("the quick fox jumps high");
    expect(page.shown.toString()).toBe(room.string());
  });

  it("repeats an edit that never arrived", () => {
    const room = new TextRoom(text);
    const page = open_page(room, "a");
    page.say(" jumps");
    page.cut();
    room.apply(delta_of([[0, 0, "see "]]));
    page.connect();
    page.settle();
    expect(room.string()).toBe("see the quick fox jumps");
    expect(page.shown.toString()).toBe(room.string());
  });

  it("types again what was taken but not yet safe when the device died", () => {
    const room = new TextRoom(text);
    const page = open_page(room, "a");
    page.say(" jumps");
    page.settle();
    page.cut();
    room.text = Array.from("see the quick fox");
    page.say(" high");
    page.connect();
    page.settle();
    expect(room.string()).toBe("see the quick fox jumps high");
    expect(page.shown.toString()).toBe(room.string());
  });

  it("believes the others about what was safe", () => {
    const room = new TextRoom(text);
    const page = open_page(room, "a");
    page.say(" jumps");
    page.settle();
    page.session.settled("local");
    page.cut();
    room.text = Array.from(text);
    page.connect();
    page.settle();
    expect(page.shown.toString()).toBe(text);
  });

  it("survives a closed page by its draft", () => {
    const room = new TextRoom(text);
    const page = open_page(room, "a");
    page.cut();
    page.say(" jumps 😀");
    const draft = page.session.draft();
    expect(draft).not.toBeNull();
    room.apply(delta_of([[3, 6, ""]]));
    const again = open_page(room, "a", JSON.parse(JSON.stringify(draft)));
    expect(room.string()).toBe("the fox jumps 😀");
    expect(again.shown.toString()).toBe(room.string());
    expect(again.session.draft()).toBeNull();
  });

  it("tells how far a write has come", () => {
    const page = open_page(new TextRoom(text), "a");
    page.session.settled("committed");
    expect(page.session.state).toBe("committed");
    page.say("!");
    expect(page.session.state).toBe("visible");
    page.settle();
    page.session.settled("pod");
    expect(page.session.state).toBe("pod");
  });

  it("moves cursors over what is under way", () => {
    const page = open_page(new TextRoom("😀ab"), "a");
    expect(page.session.position_out(3)).toBe(2);
    page.type([[0, 0, "xx"]]);
    expect(page.session.position_out(3)).toBeNull();
    expect(page.session.position_in(2)).toBe(5);
  });

  it("opens again when the two sides disagree", () => {
    let lost = 0;
    const session = new TextSession({ send() {}, remote() {}, reset() {}, lost_step: () => lost++ });
    session.opened(0, "abc", "local");
    session.changes(1, [[7, 1, ""]]);
    expect(lost).toBe(1);
    expect(session.open).toBe(false);
  });
});
