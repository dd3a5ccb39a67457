// @ts-check
import { button, h } from "./dom.js";
import { t } from "./messages.js";

/**
 * @typedef {{ kind: "code", language: string, text: string } | { kind: "text", text: string }} Block
 */

/**
 * Cuts a text into blocks. The last one may still be growing.
 * @param {string} source
 * @returns {Block[]}
 */
export function blocks(source) {
  /** @type {Block[]} */
  const found = [];
  /** @type {string[]} */
  let lines = [];
  /** @type {{ mark: string, language: string } | null} */
  let fence = null;
  const close = () => {
    const text = lines.join("\n");
    if (fence) found.push({ kind: "code", language: fence.language, text });
    else if (text.trim()) found.push({ kind: "text", text });
    lines = [];
  };
  for (const line of source.replace(/\r\n?/g, "\n").split("\n")) {
    const mark = /^ {0,3}(`{3,}|~{3,})\s*([\w+#.-]*)[^`]*$/.exec(line);
    if (fence) {
      if (mark?.[1]?.startsWith(fence.mark) && !mark[2]) {
        close();
        fence = null;
      } else lines.push(line);
    } else if (mark?.[1]) {
      close();
      fence = { mark: mark[1], language: mark[2] ?? "" };
    } else if (!line.trim()) {
      close();
    } else lines.push(line);
  }
  if (fence || lines.length > 0) close();
  return found;
}

/** @param {Block} block @returns {Node} */
function draw(block) {
  if (block.kind === "code") return code(block);
  const lines = block.text.split("\n");
  const first = lines[0] ?? "";
  const heading = /^(#{1,4}) +(.*?)#*$/.exec(first);
  if (heading) {
    // One rank for all of them: an answer may begin at any, and the page's outline should not skip.
    const title = h("h2", { class: `level-${heading[1]?.length}` }, ...inline(heading[2] ?? ""));
    if (lines.length === 1) return title;
    return h("div", {}, title, draw({ kind: "text", text: lines.slice(1).join("\n") }));
  }
  if (/^ {0,3}([-*_])( *\1){2,} *$/.test(first) && lines.length === 1) return h("hr");
  if (first.startsWith(">")) {
    const inner = lines.map((line) => line.replace(/^> ?/, "")).join("\n");
    return h("blockquote", {}, ...blocks(inner).map(draw));
  }
  if (/^\s*\|.*\|\s*$/.test(first) && /^[\s|:-]+$/.test(lines[1] ?? "") && lines[1]?.includes("-")) return table(lines);
  const start = lines.findIndex((line) => MARK.test(line));
  if (start === 0) return list(lines);
  if (start > 0) {
    const [before, after] = [lines.slice(0, start), lines.slice(start)];
    return h("div", {}, draw({ kind: "text", text: before.join("\n") }), list(after));
  }
  return h("p", {}, ...broken(lines));
}

/** @param {string[]} lines */
function broken(lines) {
  return lines.flatMap((line, at) => (at === 0 ? inline(line) : [h("br"), ...inline(line)]));
}

const MARK = /^(\s*)([-*+]|\d{1,9}[.)]) +(.*)$/;

/** @param {string[]} lines */
function list(lines) {
  /** @type {{ depth: number, node: HTMLElement }[]} */
  const open = [];
  let root = /** @type {HTMLElement | null} */ (null);
  /** @type {HTMLElement | null} */
  let last = null;
  for (const line of lines) {
    const [, space = "", mark = "", text = ""] = MARK.exec(line) ?? [];
    if (!mark) {
      last?.append(h("br"), ...inline(line.trim()));
      continue;
    }
    while (open.length > 1 && space.length < (open.at(-1)?.depth ?? 0)) open.pop();
    const top = open.at(-1);
    if (!top || space.length > top.depth + 1) {
      const ordered = /\d/.test(mark);
      const node = h(ordered ? "ol" : "ul", { start: ordered && Number.parseInt(mark, 10) !== 1 ? Number.parseInt(mark, 10) : null });
      (last ?? root)?.append(node);
      root ??= node;
      open.push({ depth: space.length, node });
    }
    last = h("li", {}, ...inline(text));
    open.at(-1)?.node.append(last);
  }
  return root ?? h("ul");
}

/** @param {string[]} lines */
function table(lines) {
  const cells = (/** @type {string} */ line) => line.trim().replace(/^\||\|$/g, "").split("|");
  const row = (/** @type {string} */ line, /** @type {string} */ tag) =>
    h("tr", {}, ...cells(line).map((text) => h(tag, {}, ...inline(text.trim()))));
  return h(
    "div",
    { class: "table-scroll", tabindex: "0" },
    h("table", {}, h("thead", {}, row(lines[0] ?? "", "th")), h("tbody", {}, ...lines.slice(2).map((line) => row(line, "td")))),
  );
}

/** @param {{ language: string, text: string }} block */
function code(block) {
  const copy = button(t("chat.copy"), () => {
    navigator.clipboard?.writeText(block.text).then(
      () => (copy.textContent = t("chat.copied")),
      () => {},
    );
    setTimeout(() => (copy.textContent = t("chat.copy")), 1600);
  }, { kind: "quiet small" });
  return h(
    "figure",
    { class: "code" },
    h("figcaption", {}, h("span", {}, block.language || t("chat.code")), copy),
    h("pre", { tabindex: "0" }, h("code", {}, block.text)),
  );
}

const INLINE =
  /(`+)(.+?)\1(?!`)|\*\*(?=\S)(.+?)\*\*|~~(?=\S)(.+?)~~|(?<![\w*])\*(?=\S)([^*]+?)\*(?![\w*])|(?<!\w)_(?=\S)([^_]+?)_(?!\w)|\[([^\]]+)\]\(([^()\s]+(?:\([^()\s]*\)[^()\s]*)*)\)|(https?:\/\/[^\s<>"'`）】。，；]+)/g;

/**
 * @param {string} text
 * @returns {Node[]}
 */
export function inline(text) {
  /** @type {Node[]} */
  const nodes = [];
  let from = 0;
  for (const found of text.matchAll(INLINE)) {
    if (found.index > from) nodes.push(document.createTextNode(text.slice(from, found.index)));
    const [whole, , verbatim, bold, struck, slanted, underscored, label, target, bare] = found;
    from = found.index + whole.length;
    if (verbatim !== undefined) nodes.push(h("code", {}, verbatim.trim()));
    else if (bold !== undefined) nodes.push(h("strong", {}, ...inline(bold)));
    else if (struck !== undefined) nodes.push(h("s", {}, ...inline(struck)));
    else if (slanted !== undefined) nodes.push(h("em", {}, ...inline(slanted)));
    else if (underscored !== undefined) nodes.push(h("em", {}, ...inline(underscored)));
    else if (label !== undefined) nodes.push(link(target ?? "", label) ?? document.createTextNode(whole));
    else if (bare !== undefined) {
      const trimmed = bare.replace(/[.,;:!?)]+$/, "");
      from -= bare.length - trimmed.length;
      nodes.push(link(trimmed, trimmed) ?? document.createTextNode(trimmed));
    }
  }
  if (from < text.length) nodes.push(document.createTextNode(text.slice(from)));
  return nodes;
}

/** Only http and https lead anywhere. @param {string} target @param {string} label */
function link(target, label) {
  if (!/^https?:\/\//i.test(target) || !URL.canParse(target)) return null;
  return h("a", { href: target, rel: "noopener noreferrer nofollow", target: "_blank" }, label);
}

/**
 * Draws a growing text: only blocks that changed are drawn again.
 * @param {HTMLElement} into
 */
export function writer(into) {
  /** @type {Block[]} */
  let drawn = [];
  return (/** @type {string} */ source) => {
    const next = blocks(source);
    let same = 0;
    while (same < next.length && same < drawn.length && equal(next[same], drawn[same])) same += 1;
    while (into.childNodes.length > same) into.lastChild?.remove();
    for (const block of next.slice(same)) into.appendChild(draw(block));
    drawn = next;
  };
}

/** @param {Block | undefined} a @param {Block | undefined} b */
function equal(a, b) {
  return a?.kind === b?.kind && a?.text === b?.text;
}
