// @ts-check
/** Where a JSON text goes wrong. Engines word their errors differently and often leave the place out. */

const SPACE = /[ \t\r\n]*/y;
const SCALAR = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;

/**
 * @param {string} text
 * @returns {number} the line of the first mistake, from 1; 0 when there is none
 */
export function mistakenLine(text) {
  let at = 0;
  const take = (/** @type {RegExp} */ pattern) => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    if (found === undefined) return false;
    at += found.length;
    return true;
  };
  const next = (/** @type {string} */ mark) => {
    take(SPACE);
    if (text[at] !== mark) return false;
    at += 1;
    return true;
  };
  const list = (/** @type {string} */ end, /** @type {() => boolean} */ member) => {
    if (next(end)) return true;
    do if (!member()) return false;
    while (next(","));
    return next(end);
  };
  /** @returns {boolean} */
  const value = () => {
    if (next("{")) return list("}", () => (take(SPACE), take(STRING)) && next(":") && value());
    if (next("[")) return list("]", value);
    return take(SCALAR);
  };
  const good = value() && (take(SPACE), at === text.length);
  return good ? 0 : text.slice(0, at).split("\n").length;
}
