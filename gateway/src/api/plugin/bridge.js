// The bridge between a plugin's page and the dashboard around it.
//
//   <script src="/api/plugin/page/bridge-sdk.js"></script>
//   <script src="page.js"></script>            (scripts are files: nothing inline runs)
//
//   const page = window.FirstlightPluginPage;
//   await page.ready();                        // the dashboard listens
//   const context = await page.context();      // {plugin, page, title, locale, dark}
//   const found = await page.apiGet("/items"); // GET  /api/plug/<plugin>/items
//   await page.apiPost("/items", {name: "x"}); // POST /api/plug/<plugin>/items
//
// The page stands in a sandboxed frame with an origin of its own: it has no log-in, no storage and no
// way to the gateway but this one. The dashboard lets it call its own plugin's routes, nothing else.
//
// Messages are objects, in both directions:
//   to the dashboard:  {channel: "firstlight-plugin-page", id, action, ...}
//       action "ready"; "context"; "api:get" with path; "api:post" with path and body
//   to the page:       {channel: "firstlight-plugin-page", id, ok: true, value}
//                      {channel: "firstlight-plugin-page", id, ok: false, error: {code, message}}
//   to the page, unasked: {channel, event: "context", value}, see onContext()
// Every promise is rejected with an Error that has a `code`; "timeout" when nobody answers in time.
(() => {
  "use strict";

  const CHANNEL = "firstlight-plugin-page";
  const READY_TIMEOUT_MS = 10_000;
  const CALL_TIMEOUT_MS = 60_000;
  const READY_EVERY_MS = 250;

  const waiting = new Map();
  const listeners = new Set();
  let last = 0;
  let known = null;
  let ready = null;

  function failure(code, message) {
    const error = new Error(message);
    error.code = code;
    return error;
  }

  // The page does not know the dashboard's origin, and nothing that it sends is secret to whoever
  // may frame it, which its policy bounds to the gateway itself.
  function post(message) {
    window.parent.postMessage({ channel: CHANNEL, ...message }, "*");
  }

  function call(action, details, timeout = CALL_TIMEOUT_MS) {
    if (window.parent === window) {
      return Promise.reject(failure("no_dashboard", "The page is not in the dashboard."));
    }
    last += 1;
    const id = `${action}:${last}`;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        waiting.delete(id);
        reject(failure("timeout", "The dashboard did not answer in time."));
      }, timeout);
      waiting.set(id, { resolve, reject, timer });
      post({ id, action, ...details });
    });
  }

  window.addEventListener("message", (event) => {
    const message = event.data;
    if (event.source !== window.parent || message === null || typeof message !== "object") {
      return;
    }
    if (message.channel !== CHANNEL) {
      return;
    }
    if (message.event === "context") {
      known = message.value;
      for (const listener of listeners) {
        listener(known);
      }
      return;
    }
    const waiter = waiting.get(message.id);
    if (waiter === undefined) {
      return;
    }
    waiting.delete(message.id);
    clearTimeout(waiter.timer);
    if (message.ok === true) {
      waiter.resolve(message.value);
    } else {
      const { code = "failed", message: text = "The call failed." } = message.error ?? {};
      waiter.reject(failure(code, text));
    }
  });

  // The dashboard may begin to listen later than the page begins to ask.
  async function knock() {
    const until = Date.now() + READY_TIMEOUT_MS;
    for (;;) {
      try {
        return await call("ready", {}, READY_EVERY_MS);
      } catch (error) {
        if (error.code !== "timeout" || Date.now() >= until) {
          throw error;
        }
      }
    }
  }

  function path(text) {
    if (typeof text !== "string" || !text.startsWith("/") || text.includes("..")) {
      throw failure("invalid", "A path begins with / and holds no ..");
    }
    return text;
  }

  window.FirstlightPluginPage = Object.freeze({
    ready() {
      ready ??= knock().catch((error) => {
        ready = null;
        throw error;
      });
      return ready;
    },
    async context() {
      known ??= await call("context", {});
      return known;
    },
    onContext(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async apiGet(route) {
      return call("api:get", { path: path(route) });
    },
    async apiPost(route, body) {
      return call("api:post", { path: path(route), body: body ?? null });
    },
  });
})();
