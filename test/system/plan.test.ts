import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { sha256File } from "../../lib/tools/fs/checksums.ts";
import { versionEntries } from "../../lib/tools/generation/delta.ts";
import { runProgram } from "../../lib/tools/host/host.ts";
import { hostTarget } from "../../lib/tools/host/targets.ts";
import { EXIT } from "../../lib/tools/text/errors.ts";
import { runImage } from "../support/container.ts";
import { ARTIFACTS } from "../support/image.ts";
import { k3sProgram } from "../support/k3s-program.ts";
import { type OciImage, unpackOci } from "../support/oci.ts";
import { shippedObjects } from "../support/plans.ts";

/**
 * The very command of the Plan, in a container of the image, on a machine that is only a directory: an older version below
 * /host/k3os/system, and a `reboot` that writes down that it was called.
 */
const OLD = { k3os: "v0.1.0", k3s: "v1.30.0+k3s1", kernel: "6.1.0" } as const;
const CALLED = "run/called";

let scratch = "";
let root = "";
let node = "";
let image: OciImage;
let components: readonly (keyof typeof OLD)[];

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "k3os-plan-"));
  [root, node] = [join(scratch, "root"), join(scratch, "node")];
  mkdirSync(root);
  image = await unpackOci(join(ARTIFACTS, `k3os-image-${hostTarget().arch}.tar`), join(scratch, "image"));
  for (const layer of image.layers) await runProgram(["tar", "-xzf", layer, "-C", root]);
  components = (["k3os", "k3s", "kernel"] as const).filter((name) => existsSync(imageSystem(name)));
  makeNode();
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const imageSystem = (...path: string[]) => join(root, "k3os/system", ...path);
const nodeSystem = (...path: string[]) => join(node, "k3os/system", ...path);
const newVersion = (component: string) => readlinkSync(imageSystem(component, "current"));

/** What a machine has that was installed once and never upgraded, and the programs that restart it. */
function makeNode(): void {
  for (const component of components) {
    mkdirSync(nodeSystem(component, OLD[component]), { recursive: true });
    writeFileSync(nodeSystem(component, OLD[component], component), "old");
    symlinkSync(OLD[component], nodeSystem(component, "current"));
  }
  for (const path of ["run/k3os", "bin", "usr/bin", "sbin"]) mkdirSync(join(node, path), { recursive: true });
  copyFileSync("/bin/busybox", join(node, "bin/busybox"));
  // whichever way the restart is asked for: it must go through a program of the machine
  writeProgram("sbin/reboot", `echo "reboot $*" >>/${CALLED}`);
  writeProgram("usr/bin/systemctl", `echo "$*" >>/${CALLED}`);
  writeProgram(
    "usr/bin/nsenter",
    'while case "$1" in -*|[0-9]*) true ;; *) false ;; esac; do shift; done; exec "$@"',
  );
  for (const name of ["shutdown", "poweroff"]) writeProgram(`sbin/${name}`, `echo ${name} >>/${CALLED}`);
}

function writeProgram(path: string, script: string): void {
  mkdirSync(dirname(join(node, path)), { recursive: true });
  writeFileSync(join(node, path), `#!/bin/busybox sh\n${script}\n`);
  chmodSync(join(node, path), 0o755);
}

function runPlan() {
  const [plan] = shippedObjects("system-upgrade-plans/k3os-latest.yaml");
  const { command, args } = plan?.spec.upgrade ?? {};
  return runImage(root, image.config, [...command, ...args], { host: node });
}

/** Path, inode, mode, size, time and target of all that is below a directory: the same if nothing was touched. */
async function listing(directory: string): Promise<string[]> {
  const { stdout } = await runProgram(["find", directory, "-printf", "%p %i %m %s %T@ %l\\n"]);
  return stdout.split("\n").sort();
}

/** The digest of each file of a version, complete or described by a delta. */
async function digests(directory: string): Promise<Record<string, string>> {
  const entries = versionEntries(directory).map(async ({ name, delta }) => {
    return [name, delta?.sha256 ?? (await sha256File(join(directory, name)))] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

describe("the Plan's prepare", () => {
  test("refuses a server that would skip a minor of Kubernetes, before the node is cordoned", async () => {
    using image36 = withK3s("v1.36.3+k3s1");
    const [plan] = shippedObjects("system-upgrade-plans/k3os-latest.yaml");
    const { command, args } = plan?.spec.prepare ?? {};
    const prepare = () => runImage(root, image.config, [...command, ...args], { host: node });
    const before = await listing(nodeSystem());
    expect((await prepare()).code).toBe(0);
    const unit = join(node, "etc/systemd/system/k3s-service.service");
    mkdirSync(dirname(unit), { recursive: true });
    writeFileSync(unit, "[Service]\nExecStart=/sbin/k3s server\n");
    const { code, stderr } = await prepare();
    rmSync(unit);
    expect([code, await listing(nodeSystem())]).toEqual([EXIT.refused, before]);
    expect(stderr).toContain(`k3s ${image36.version} would skip a minor of Kubernetes`);
    expect(stderr).toContain("goes through v1.31 first");
  });
});

/** The image has this k3s until the scope ends, and what it had before then; the node has an old one. */
function withK3s(version: string): Disposable & { readonly version: string } {
  const own = imageSystem("k3s");
  if (existsSync(own)) renameSync(own, `${own}-own`);
  mkdirSync(join(own, version), { recursive: true });
  writeFileSync(join(own, version, "k3s"), k3sProgram(version), { mode: 0o755 });
  symlinkSync(version, join(own, "current"));
  const old = nodeSystem("k3s", OLD.k3s);
  const isNew = !existsSync(old);
  if (isNew) {
    mkdirSync(old, { recursive: true });
    symlinkSync(OLD.k3s, nodeSystem("k3s", "current"));
  }
  return {
    version,
    [Symbol.dispose]: () => {
      rmSync(own, { recursive: true });
      if (existsSync(`${own}-own`)) renameSync(`${own}-own`, own);
      if (isNew) rmSync(nodeSystem("k3s"), { recursive: true });
    },
  };
}

describe("the Plan's command", () => {
  test("upgrades the node, keeps what it had as previous, and asks the node to restart", async () => {
    const ended = await runPlan();
    expect([ended.code, ended.code === 0 ? "" : ended.stderr]).toEqual([0, ""]);
    for (const component of components) {
      const version = newVersion(component);
      expect(readlinkSync(nodeSystem(component, "current"))).toBe(version);
      expect(readlinkSync(nodeSystem(component, "previous"))).toBe(OLD[component]);
      expect(await digests(nodeSystem(component, version))).toEqual(
        await digests(imageSystem(component, version)),
      );
      expect(readFileSync(nodeSystem(component, OLD[component], component), "utf8")).toBe("old");
    }
    expect(existsSync(join(node, "run/k3os/upgrade.lock"))).toBe(true);
    expect(readFileSync(join(node, CALLED), "utf8")).toContain("reboot");
  });

  test("does nothing the second time, as the controller runs it again after the restart", async () => {
    rmSync(join(node, CALLED), { force: true });
    const before = await listing(nodeSystem());
    const ended = await runPlan();
    expect(ended.code).toBe(0);
    expect(await listing(nodeSystem())).toEqual(before);
    expect(existsSync(join(node, CALLED))).toBe(false);
  });
});
