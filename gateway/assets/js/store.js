// @ts-check
/**
 * A value that can be watched.
 * @template T
 * @typedef {object} Cell
 * @property {T} value the current value; read only
 * @property {(next: T) => void} set stores a value and tells the watchers when it differs
 * @property {(listener: (value: T) => void) => () => void} watch calls at once and on each change
 */

/**
 * @template T
 * @param {T} initial
 * @returns {Cell<T>}
 */
export function cell(initial) {
  let value = initial;
  /** @type {Set<(value: T) => void>} */
  const listeners = new Set();
  return {
    get value() {
      return value;
    },
    set(next) {
      if (Object.is(next, value)) return;
      value = next;
      for (const listener of [...listeners]) if (listeners.has(listener)) listener(value);
    },
    watch(listener) {
      listeners.add(listener);
      listener(value);
      return () => listeners.delete(listener);
    },
  };
}

/** Browser storage that may be refused, full or filled with something foreign. */
export const storage = {
  /** @param {string} key @returns {string | null} */
  read(key) {
    try {
      return localStorage.getItem(`firstlight.${key}`);
    } catch {
      return null;
    }
  },
  /** @param {string} key @param {string | null} value */
  write(key, value) {
    try {
      if (value === null) localStorage.removeItem(`firstlight.${key}`);
      else localStorage.setItem(`firstlight.${key}`, value);
    } catch {
      // A preference that cannot be kept is not worth a message.
    }
  },
};

/**
 * @param {number} milliseconds
 * @param {AbortSignal} [signal] ends the wait early
 * @returns {Promise<void>}
 */
export function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}

/** A random UUID; also where the browser keeps its own maker from plain HTTP. */
export function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const digits = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/**
 * The wait before attempt `count` (from 0): doubling with jitter, at most eight seconds.
 * @param {number} count
 */
export function backoff(count) {
  return Math.min(8000, 400 * 2 ** count) * (0.75 + Math.random() / 2);
}
