// @ts-check
// A real gateway on a folder and a port of its own.
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => (address && typeof address === "object" ? resolve(address.port) : reject(new Error("no port"))));
    });
  });
}

/** Waits until `look` gives something. @template T @param {() => T | Promise<T>} look @param {string} what */
export async function eventually(look, what, limit = 30_000) {
  const end = Date.now() + limit;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export class Gateway {
  /** @param {string} binary @param {{ faults?: object, port?: number }} [options] */
  static async start(binary, options = {}) {
    const folder = await mkdtemp(path.join(tmpdir(), "firstlight-browser-"));
    const gateway = new Gateway(binary, folder, await freePort());
    if (options.faults) await gateway.inject(options.faults);
    await gateway.run(options.faults !== undefined);
    return gateway;
  }

  /** @param {string} binary @param {string} folder @param {number} port */
  constructor(binary, folder, port) {
    this.binary = binary;
    this.folder = folder;
    this.url = `http://127.0.0.1:${port}`;
    this.faults = path.join(folder, "faults.json");
    this.said = "";
    this.gone = Promise.resolve();
  }

  async run(faulty = false) {
    const environment = {
      ...process.env,
      FIRSTLIGHT_DATA_DIR: path.join(this.folder, "data"),
      FIRSTLIGHT_LISTEN: new URL(this.url).host,
      ...(faulty ? { FIRSTLIGHT_FAULTS: this.faults } : {}),
    };
    const child = spawn(this.binary, ["run"], { env: environment, cwd: this.folder, stdio: ["ignore", "pipe", "pipe"] });
    this.child = child;
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (this.said += data));
    this.gone = new Promise((resolve) => child.on("exit", () => resolve(undefined)));
    await eventually(() => {
      if (child.exitCode !== null) throw new Error(`the gateway ended: ${this.said}`);
      return fetch(`${this.url}/livez`).then((answer) => answer.ok, () => false);
    }, "the gateway to listen");
  }

  /** The set-up link that was printed. */
  link() {
    return eventually(() => /https?:\/\/\S+\/#setup=[\w-]+/.exec(this.said)?.[0], "the set-up link");
  }

  /** @param {object} faults */
  inject(faults) {
    return writeFile(this.faults, JSON.stringify(faults));
  }

  /** @param {NodeJS.Signals} signal */
  async end(signal = "SIGTERM") {
    this.child?.kill(signal);
    await this.gone;
  }

  async remove() {
    await this.end("SIGKILL");
    await rm(this.folder, { recursive: true, force: true });
  }
}
