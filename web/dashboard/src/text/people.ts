/**
 * Other people's cursors: a name, a colour, a place. They are drawn in layers above and below the text, never in it, so
 * a cursor that comes, goes or moves shifts no letter. Between messages they travel with the text around them.
 */
import { EditorSelection, type Extension, StateEffect, StateField, Transaction } from "@codemirror/state";
import { type EditorView, type LayerMarker, layer, RectangleMarker } from "@codemirror/view";

export interface Person {
  id: string;
  name: string;
  color: string;
  anchor: number;
  head: number;
}

export const set_people = StateEffect.define<readonly Person[]>();

export const people = StateField.define<readonly Person[]>({
  create: () => [],
  update(all, tr) {
    for (const e of tr.effects) if (e.is(set_people)) return e.value;
    if (!tr.docChanged) return all;
    // What others type pushes their cursor along; what is typed here stays right of it.
    const side = tr.annotation(Transaction.remote) ? 1 : -1;
    return all.map((p) => ({ ...p, anchor: tr.changes.mapPos(p.anchor, side), head: tr.changes.mapPos(p.head, side) }));
  },
});

const inside = (at: number, length: number): number => Math.max(0, Math.min(at, length));

class CursorMarker implements LayerMarker {
  constructor(
    readonly person: Person,
    readonly box: RectangleMarker,
    readonly first_line: boolean,
  ) {}
  eq(other: CursorMarker): boolean {
    const { person: p, box: b } = this;
    const { person: q, box: c } = other;
    return (
      p.id === q.id &&
      p.name === q.name &&
      p.color === q.color &&
      b.left === c.left &&
      b.top === c.top &&
      b.height === c.height
    );
  }
  draw(): HTMLElement {
    const caret = document.createElement("div");
    const name = caret.appendChild(document.createElement("span"));
    name.className = "person-name";
    this.#place(caret);
    return caret;
  }
  update(dom: HTMLElement, before: CursorMarker): boolean {
    if (before.person.id !== this.person.id) return false;
    this.#place(dom);
    return true;
  }
  #place(dom: HTMLElement): void {
    dom.className = this.first_line ? "person below" : "person";
    dom.style.transform = `translate(${this.box.left}px, ${this.box.top}px)`;
    dom.style.height = `${this.box.height}px`;
    dom.style.setProperty("--person", this.person.color);
    const name = dom.firstElementChild;
    if (!name) return;
    name.textContent = this.person.name;
    // The name shows while its owner moves and then makes room for the text (the animation is in app.css).
    for (const fade of name.getAnimations()) {
      fade.cancel();
      fade.play();
    }
  }
}

class SelectionMarker implements LayerMarker {
  constructor(
    readonly color: string,
    readonly box: RectangleMarker,
  ) {}
  eq(other: SelectionMarker): boolean {
    return this.color === other.color && this.box.eq(other.box);
  }
  draw(): HTMLElement {
    const dom = this.box.draw();
    dom.style.background = this.color;
    return dom;
  }
}

function carets(view: EditorView): LayerMarker[] {
  const { state } = view;
  const top = view.viewport.from;
  return state.field(people).flatMap((p) => {
    const head = inside(p.head, state.doc.length);
    const first = head <= state.doc.lineAt(top).to;
    return RectangleMarker.forRange(view, "", EditorSelection.cursor(head)).map(
      (box) => new CursorMarker(p, box, first),
    );
  });
}

function selections(view: EditorView): LayerMarker[] {
  const { state } = view;
  return state.field(people).flatMap((p) => {
    const range = EditorSelection.range(inside(p.anchor, state.doc.length), inside(p.head, state.doc.length));
    if (range.empty) return [];
    return RectangleMarker.forRange(view, "person-selection", range).map((box) => new SelectionMarker(p.color, box));
  });
}

const moved = (u: {
  docChanged: boolean;
  viewportChanged: boolean;
  startState: { field: (f: typeof people) => unknown };
  state: { field: (f: typeof people) => unknown };
}): boolean => u.docChanged || u.viewportChanged || u.startState.field(people) !== u.state.field(people);

export const people_layers: Extension = [
  people,
  layer({ above: true, class: "people", markers: carets, update: moved }),
  layer({ above: false, class: "people-selections", markers: selections, update: moved }),
];
