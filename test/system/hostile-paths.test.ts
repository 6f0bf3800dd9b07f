import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { putFile } from "../../lib/apply/system-files.ts";
import { writeFiles } from "../../lib/apply/write-files.ts";
import { runProgram } from "../../lib/tools/host/host.ts";
import { hostTarget } from "../../lib/tools/host/targets.ts";
import { listName, signatureName } from "../../lib/tools/release/release-list.ts";
import { encodePublicKey } from "../../lib/tools/release/signature-keys.ts";
import { testHost } from "../support/host.ts";
import { ARTIFACTS } from "../support/image.ts";
import { makeSecretKey, secretKeyFile } from "../support/minisign.ts";
import { outcome } from "../support/outcome.ts";
import { fillOverlayRoot } from "../support/overlay-root.ts";
import { signedList } from "../support/release.ts";

/** What a path can lead to that is no file: the executable as it is shipped ends at once, and says so. */
const { arch } = hostTarget();
const EXECUTABLE = join(ARTIFACTS, `k3os-${arch}`);
const TARBALL = `k3os-rootfs-${arch}.tar.gz`;
/** Seconds. */
const PATIENCE = "20";

const secret = makeSecretKey();
const KEY = encodePublicKey(secret.publicKey);
let scratch = "";

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "k3os-hostile-"));
  await runProgram(["mkfifo", join(scratch, "pipe")]);
  writeFileSync(join(scratch, "k3os.key"), secretKeyFile(secret));
  const files = signedList({ [TARBALL]: "x" }, { secret, version: "v1" });
  for (const [directory, name] of [
    ["list", listName(arch)],
    ["signature", signatureName(arch)],
    ["tarball", TARBALL],
  ] as const) {
    mkdirSync(join(scratch, directory));
    for (const [file, content] of Object.entries({ ...files, [TARBALL]: "x" })) {
      writeFileSync(join(scratch, directory, file), content);
    }
    rmSync(join(scratch, directory, name));
    await runProgram(["mkfifo", join(scratch, directory, name)]);
  }
  fillOverlayRoot(join(scratch, "card"));
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe("k3os does not wait for the other end of a pipe, nor read a device", () => {
  test.each([
    ["config validate pipe", "found a pipe, expected a file"],
    ["config validate /dev/zero", "found a device, expected a file"],
    ["release verify --key pipe list", 'Cannot read the key "pipe": found a pipe, expected a file'],
    [`release verify --key ${KEY} list`, "found a pipe, expected a file"],
    [`release verify --key ${KEY} signature`, "found a pipe, expected a file"],
    [`release verify --key ${KEY} tarball`, "it is not a file"],
    ["release sign --version v1 --key pipe tarball", "found a pipe, expected a file"],
    ["release sign --version v1 --key k3os.key list", "found a pipe, expected a file"],
    ["remaster --default live pipe out.iso", 'pipe" is not an ISO image'],
    [`overlay apply --key ${KEY} --root card list/${TARBALL}`, "found a pipe, expected a file"],
    [`overlay apply --key ${KEY} --root card tarball/${TARBALL}`, "is a pipe, expected a file"],
    [
      `overlay apply --key ${KEY} --root card --config pipe signature/${TARBALL}`,
      "found a pipe, expected a file",
    ],
  ])("%s", async (line, message) => {
    const argv = ["timeout", PATIENCE, EXECUTABLE, ...line.split(" ")];
    const { code, stderr } = await runProgram(argv, { cwd: scratch, check: false });
    expect({ code, stderr }).toMatchObject({ code: 1 });
    expect(stderr).toContain(message);
    // no line names the same path twice, however many reported the failure
    const names = stderr.split("\n").map((text) => text.match(/"[^"]+"/g) ?? []);
    expect(names.filter((paths) => new Set(paths).size < paths.length)).toEqual([]);
  });
});

describe("root", () => {
  test("writes no file in the place of a device", async () => {
    using host = testHost();
    await runProgram(["mknod", `${host.root}/device`, "c", "1", "3"]);
    const report = await outcome(
      writeFiles({ restart: false }),
      { writeFiles: [{ path: "/device", content: "x" }] },
      host,
    );
    expect(report).toBe('write_files[0]: Writing "/device": a device is in its place');
    expect(lstatSync(`${host.root}/device`).isCharacterDevice()).toBe(true);
  });

  test("follows a link of nobody else's, whatever its user does with it meanwhile", async () => {
    using host = testHost({ files: { "/etc/passwd": "the machine's" } });
    mkdirSync(`${host.root}/home/rancher/real`, { recursive: true });
    symlinkSync("/etc", `${host.root}/home/rancher/link`);
    await runProgram(["chown", "-hR", "1000:1000", `${host.root}/home/rancher`]);
    const put = (path: string) => putFile(path, "x", {}, { ...host, dryRun: false });
    expect(() => put("/home/rancher/link/passwd")).toThrow("is a link of user 1000");
    expect(put("/home/rancher/real/file")).toBe(true);
  });
});
