/**
 * CodeMirror, set up for plain notes: Markdown is shown by weight and size, never hidden; each line takes the direction
 * of its own script; undo takes back only what was typed here.
 */
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { defineLanguageFacet, HighlightStyle, Language, syntaxHighlighting } from "@codemirror/language";
import {
  type ChangeSet,
  EditorState,
  type Extension,
  RangeSetBuilder,
  type Text,
  Transaction,
} from "@codemirror/state";
import {
  Decoration,
  type DecorationSet,
  EditorView,
  keymap,
  placeholder,
  ViewPlugin,
  type ViewUpdate,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { parser } from "@lezer/markdown";
import { people_layers } from "./people";
import { splits_pair, text_of } from "./units";

export interface EditorHost {
  /** Typed here: a change of what the editor showed. */
  typed(changes: ChangeSet): void;
  /** The own selection moved, or may have to be told again. */
  pointed(): void;
}

const markdown = new Language(defineLanguageFacet(), parser, [], "markdown");

/** Larger texts are shown plain: one endless paragraph would be parsed anew at every key. */
const markdown_units_max = 200_000;

const look = HighlightStyle.define([
  { tag: tags.heading1, class: "md-h1" },
  { tag: tags.heading2, class: "md-h2" },
  { tag: [tags.heading3, tags.heading4, tags.heading5, tags.heading6], class: "md-h3" },
  { tag: tags.strong, class: "md-strong" },
  { tag: tags.emphasis, class: "md-em" },
  { tag: tags.monospace, class: "md-code" },
  { tag: tags.quote, class: "md-quote" },
  { tag: [tags.link, tags.url], class: "md-link" },
  { tag: [tags.processingInstruction, tags.contentSeparator], class: "md-mark" },
]);

const line_direction = Decoration.line({ attributes: { dir: "auto" } });

/** dir="auto" on every line in view. */
const directions = ViewPlugin.fromClass(
  class {
    decorations: DecorationSet;
    constructor(view: EditorView) {
      this.decorations = this.build(view);
    }
    update(u: ViewUpdate): void {
      if (u.docChanged || u.viewportChanged) this.decorations = this.build(u.view);
    }
    build(view: EditorView): DecorationSet {
      const lines = new RangeSetBuilder<Decoration>();
      for (const { from, to } of view.visibleRanges) {
        for (let at = from; at <= to; ) {
          const line = view.state.doc.lineAt(at);
          lines.add(line.from, line.from, line_direction);
          at = line.to + 1;
        }
      }
      return lines.finish();
    }
  },
  { decorations: (plugin) => plugin.decorations },
);

/** Half characters never enter the text: a lone surrogate becomes U+FFFD, a cut through a pair takes all of it. */
const whole_characters = EditorState.transactionFilter.of((tr) => {
  if (!tr.docChanged || tr.annotation(Transaction.remote)) return tr;
  const before = tr.startState.doc;
  const split = (at: number): boolean => splits_pair(before.sliceString(Math.max(0, at - 1), at + 1), at === 0 ? 0 : 1);
  let clean = true;
  const changes: { from: number; to: number; insert: Text }[] = [];
  tr.changes.iterChanges((from, to, _b, _c, inserted) => {
    const text = inserted.toString();
    const whole = text.replace(/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g, "\uFFFD");
    const start = split(from) ? from - 1 : from;
    const end = to > from && split(to) ? to + 1 : Math.max(to, start);
    if (whole !== text || start !== from || end !== to) clean = false;
    changes.push({ from: start, to: end, insert: text_of(whole) });
  });
  return clean ? tr : { changes, effects: tr.effects };
});

const describe = (label: string): Extension =>
  EditorView.contentAttributes.of({
    "aria-label": label,
    spellcheck: "true",
    autocapitalize: "sentences",
    autocorrect: "on",
  });

export function make_editor(parent: HTMLElement, doc: Text, host: EditorHost): EditorView {
  const extensions: Extension[] = [
    EditorState.lineSeparator.of("\n"),
    EditorView.clipboardInputFilter.of((text) => text.replace(/\r\n?/g, "\n")),
    history({ newGroupDelay: 800 }),
    keymap.of([...historyKeymap, ...defaultKeymap]),
    EditorView.lineWrapping,
    EditorView.perLineTextDirection.of(true),
    directions,
    whole_characters,
    doc.length <= markdown_units_max ? [markdown.extension, syntaxHighlighting(look)] : [],
    placeholder("Write. It is saved as you type."),
    describe("Text of the note"),
    people_layers,
    EditorView.updateListener.of((u) => {
      for (const tr of u.transactions) {
        if (tr.docChanged && !tr.annotation(Transaction.remote)) host.typed(tr.changes);
      }
      if (u.selectionSet || u.docChanged || u.focusChanged) host.pointed();
    }),
  ];
  return new EditorView({ state: EditorState.create({ doc, extensions }), parent });
}

/** Somebody else's change: not in the undo history, no scrolling, the own selection travels with its text. */
export function apply_remote(view: EditorView, changes: ChangeSet): void {
  view.dispatch({
    changes,
    annotations: [Transaction.remote.of(true), Transaction.addToHistory.of(false)],
  });
}
