import { describe, expect, test } from "bun:test";
import { existsSync, lstatSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { runProgram } from "../../lib/tools/host/host.ts";
import { hostTarget } from "../../lib/tools/host/targets.ts";
import { publicKeyFile } from "../../lib/tools/release/signature-keys.ts";
import { serveLoopback } from "../support/loopback.ts";
import { makeSecretKey, minisign, secretKeyFile } from "../support/minisign.ts";
import { createUpgrader, KERNEL, OLD, refusal, type Upgrader } from "../support/upgrader.ts";

/** Releases that are genuine and yet not to be taken, and servers that send more than was signed. */
const { arch } = hostTarget();
const TARBALL = `k3os-rootfs-${arch}.tar.gz`;
const NEW = "v0.31.0";
const VERSION = { K3OS_VERSION: NEW };

const current = ({ system }: Upgrader, component: string) => readlinkSync(join(system, component, "current"));

describe("an upgrade from a release", () => {
  test("refuses a list that is older than the last one it took, and warns of one of last year", async () => {
    using upgrader = createUpgrader();
    const now = Math.floor(Date.now() / 1000);
    await upgrader.release(NEW, { timestamp: now - 100 });
    await upgrader.release("v0.32.0", { timestamp: now - 200 });
    await upgrader.release("v0.33.0", { timestamp: now - 365 * 86_400 });
    expect((await upgrader.run(["upgrade-rootfs"], VERSION)).code).toBe(0);
    const record = JSON.parse(readFileSync(join(upgrader.system, "release.json"), "utf8"));
    expect(record).toEqual({ version: NEW, timestamp: now - 100 });
    rmSync(join(upgrader.system, "trial.json"), { force: true });
    for (const command of ["upgrade-rootfs", "upgrade-kernel"]) {
      const replayed = () => upgrader.run([command], { K3OS_VERSION: "v0.32.0" });
      const said = await refusal(upgrader, replayed);
      expect(said).toContain("Refusing the list of v0.32.0, signed ");
      expect(said).toContain("--allow-downgrade");
    }
    const old = await upgrader.run(["upgrade-rootfs", "--allow-downgrade"], { K3OS_VERSION: "v0.33.0" });
    expect(old.stderr).toContain("was signed 365 days ago");
    expect([old.code, current(upgrader, "k3os")]).toEqual([0, "v0.33.0"]);
  });

  test("says that the kernel stays, and the kernel that k3OS does", async () => {
    using upgrader = createUpgrader();
    await upgrader.release(NEW);
    await upgrader.release("v0.32.0");
    const rootfs = await upgrader.run(["upgrade-rootfs"], VERSION);
    const stays = `The kernel stays ${OLD.kernel}, and ${NEW} has ${KERNEL}: k3os-upgrade-kernel brings it`;
    expect(rootfs.stderr).toContain(stays);
    const same = await upgrader.run(["upgrade-kernel", "--dry-run"], VERSION);
    expect(same.stderr).not.toContain("Warning");
    const other = await upgrader.run(["upgrade-kernel"], { K3OS_VERSION: "v0.32.0" });
    expect(other.stderr).toContain(`This kernel is that of v0.32.0, and k3OS is ${NEW}`);
  });

  test("stops at the size that was signed, however much the server sends", async () => {
    using upgrader = createUpgrader();
    const directory = await upgrader.release(NEW);
    const size = lstatSync(join(directory, TARBALL)).size;
    let sent = 0;
    await using server = await serveLoopback((request, response) => {
      const name = (request.url ?? "").split("/").at(-1) ?? "";
      const content = readFileSync(join(directory, name));
      if (name !== TARBALL) return response.end(content);
      response.write(content);
      const more = () => {
        while (response.write(Buffer.alloc(1 << 20))) sent++;
        sent++;
      };
      response.on("drain", more);
      more();
      return response;
    });
    const endless = () =>
      upgrader.run(["upgrade-rootfs"], { K3OS_RELEASE_URL: `${server.origin}/releases/download/x` });
    expect(await refusal(upgrader, endless)).toContain(`the content is larger than ${size} bytes`);
    expect(sent).toBeLessThan(64);
  });

  test("refuses an expired list from a server, unless the user allows it", async () => {
    using upgrader = createUpgrader();
    const now = Math.floor(Date.now() / 1000);
    const directory = await upgrader.release(NEW, { timestamp: now - 100, expires: now - 1 });
    await using server = await serveLoopback((request, response) => {
      const path = join(directory, basename(request.url ?? ""));
      response.writeHead(existsSync(path) ? 200 : 404).end(existsSync(path) ? readFileSync(path) : "no");
    });
    const env = { K3OS_RELEASE_URL: `${server.origin}/releases/download/${NEW}` };
    const said = await refusal(upgrader, () => upgrader.run(["upgrade-rootfs"], env));
    expect(said).toContain("the server may hide a newer release");
    expect(said).toContain("--allow-expired");
    // a user has put it into the directory
    const local = await upgrader.run(["upgrade-rootfs", "--dry-run"], VERSION);
    expect([local.code, local.stderr]).toEqual([0, expect.stringContaining("see whether there is a newer")]);
    const allowed = await upgrader.run(["upgrade-rootfs", "--allow-expired"], env);
    expect([allowed.code, current(upgrader, "k3os")]).toEqual([0, NEW]);
    const record = JSON.parse(readFileSync(join(upgrader.system, "release.json"), "utf8"));
    expect(record.expires).toBe(now - 1);
  });

  test("follows a key that the known one has signed, and no other", async () => {
    using upgrader = createUpgrader();
    const next = makeSecretKey();
    const directory = await upgrader.release(NEW, { secret: next });
    const unknown = await refusal(upgrader, () => upgrader.run(["upgrade-rootfs"], VERSION));
    expect(unknown).toContain(`Signed by the unknown key ${next.publicKey.id}`);
    // as docs/publish.md has it done, by minisign itself
    const file = join(directory, `k3os-${next.publicKey.id}.pub`);
    writeFileSync(file, publicKeyFile(next.publicKey));
    for (const [secret, code] of [
      [makeSecretKey(), 1],
      [upgrader.secret, 0],
    ] as const) {
      writeFileSync(join(directory, "secret"), secretKeyFile(secret));
      await minisign(directory, ["-S", "-s", "secret", "-m", file]);
      expect((await upgrader.run(["upgrade-rootfs"], VERSION)).code).toBe(code);
    }
    expect(current(upgrader, "k3os")).toBe(NEW);
  });

  test("waits for no pipe in the place of a file of the release", async () => {
    for (const name of [TARBALL, `sha256sum-${arch}.txt`, `sha256sum-${arch}.txt.minisig`]) {
      using upgrader = createUpgrader();
      const directory = await upgrader.release(NEW);
      rmSync(join(directory, name));
      await runProgram(["mkfifo", join(directory, name)]);
      const said = await refusal(upgrader, () => upgrader.run(["upgrade-rootfs"], VERSION));
      expect(said).toContain("a pipe, expected a file");
    }
  });
});
