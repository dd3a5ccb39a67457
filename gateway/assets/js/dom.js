// @ts-check
/** @typedef {Node | string | number | null | undefined | false} Child */

/**
 * Makes an element. Text only ever becomes text nodes, so nothing here can inject markup.
 * @param {string} tag
 * @param {Record<string, any>} [attributes] `on` holds listeners, `data` the dataset; `false`,
 *   `null` and `undefined` leave an attribute out
 * @param {...(Child | Child[])} children
 * @returns {HTMLElement}
 */
export function h(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    } else if (name === "data") {
      Object.assign(node.dataset, value);
    } else if (name === "value" || name === "disabled" || name === "checked") {
      // @ts-ignore: these live on some elements only, and follow the property after creation.
      node[name] = value;
    } else if (value !== false && value !== null && value !== undefined) {
      node.setAttribute(name, value === true ? "" : String(value));
    }
  }
  append(node, children);
  return node;
}

/** @param {Node} node @param {(Child | Child[])[]} children */
function append(node, children) {
  for (const child of children.flat()) {
    if (child === null || child === undefined || child === false) continue;
    node.appendChild(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

/**
 * Replaces what a node holds.
 * @param {Element} node
 * @param {...(Child | Child[])} children
 */
export function fill(node, ...children) {
  node.replaceChildren();
  append(node, children);
}

/** Writes text only when it differs, which keeps selections and live regions quiet.
 * @param {Element} node @param {string} text */
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const SHAPES = {
  send: "M3 10l14-6-5 14-3-6-6-2z",
  stop: "M6 6h8v8H6z",
  plus: "M10 4v12M4 10h12",
  edit: "M4 16l1-4 8-8 3 3-8 8-4 1z",
  bin: "M4 6h12M8 6V4h4v2M6 6l1 10h6l1-10",
  list: "M4 6h12M4 10h12M4 14h8",
  clip: "M14 8l-5 5a2 2 0 01-3-3l6-6a3 3 0 014 4l-6 6a4.5 4.5 0 01-6-6l5-5",
  down: "M5 8l5 5 5-5",
  close: "M5 5l10 10M15 5L5 15",
  copy: "M7 7V4h9v9h-3M4 7h9v9H4z",
  retry: "M15 8a5.5 5.5 0 10.5 3M15 4v4h-4",
  sun: "M10 6.5a3.5 3.5 0 100 7 3.5 3.5 0 000-7zM10 2v2M10 16v2M2 10h2M16 10h2M4.5 4.5l1.3 1.3M14.2 14.2l1.3 1.3M15.5 4.5l-1.3 1.3M5.8 14.2l-1.3 1.3",
  moon: "M15.5 12A6.5 6.5 0 018 4.5 6.5 6.5 0 1015.5 12z",
  half: "M10 3.5a6.5 6.5 0 100 13 6.5 6.5 0 000-13zM10 3.5v13M13 5v10",
};

/**
 * A line icon; the text beside it or the button's label carries the meaning.
 * @param {keyof typeof SHAPES} name
 */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", SHAPES[name]);
  svg.appendChild(path);
  return svg;
}

/**
 * @param {string} label shown, or only spoken when an icon stands for it
 * @param {() => void} press
 * @param {{ icon?: keyof typeof SHAPES, kind?: string, bare?: boolean }} [look]
 * @returns {HTMLButtonElement}
 */
export function button(label, press, look = {}) {
  const node = h(
    "button",
    {
      type: "button",
      class: `button ${look.kind ?? ""} ${look.bare ? "bare" : ""}`.trim(),
      "aria-label": look.bare ? label : null,
      title: look.bare ? label : null,
      on: { click: press },
    },
    look.icon ? icon(look.icon) : null,
    look.bare ? null : label,
  );
  return /** @type {HTMLButtonElement} */ (node);
}

/** Says something to a screen reader without showing it.
 * @param {string} text */
export function announce(text) {
  const region = document.getElementById("announcements");
  if (!region) return;
  region.appendChild(h("p", {}, text));
  while (region.childElementCount > 8) region.firstElementChild?.remove();
}
