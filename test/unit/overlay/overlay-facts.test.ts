import { describe, expect, test } from "bun:test";
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gatherOverlayFacts } from "../../../lib/overlay/overlay-facts.ts";
import { runProgram } from "../../../lib/tools/host/host.ts";
import { messageOf } from "../../../lib/tools/text/errors.ts";
import { testHost } from "../../support/host.ts";
import { fillOverlayRoot } from "../../support/overlay-root.ts";

/** A board's root, beside a directory of the machine that it is mounted in. */
function mountedRoot() {
  const host = testHost({ files: { "/machine/system/k3os/v1/k3os": "the machine's own" } });
  const root = join(host.root, "card");
  fillOverlayRoot(root);
  return { root, machine: join(host.root, "machine"), [Symbol.dispose]: host[Symbol.dispose] };
}

describe("gatherOverlayFacts()", () => {
  test("finds nothing in the way of a fresh root, nor of one that has our directories", () => {
    using card = mountedRoot();
    expect(gatherOverlayFacts(card.root).blocked).toEqual([]);
    mkdirSync(join(card.root, "k3os/system/k3os/v1"), { recursive: true });
    expect(gatherOverlayFacts(card.root).blocked).toEqual([]);
  });

  test.each(["k3os", "k3os/system", "k3os/system/k3os", "k3os/system/k3s"])(
    "takes a link /%s, which could lead out of the root, for being in the way",
    (name) => {
      using card = mountedRoot();
      mkdirSync(join(card.root, name), { recursive: true });
      rmSync(join(card.root, name), { recursive: true });
      symlinkSync(card.machine, join(card.root, name));
      expect(gatherOverlayFacts(card.root).blocked).toEqual([name]);
    },
  );

  test("reads what links of the root lead to in it, and not in the machine", () => {
    using card = mountedRoot();
    symlinkSync("/etc", join(card.root, "boot/firmware"));
    mkdirSync(join(card.root, "etc"));
    writeFileSync(join(card.root, "etc/cmdline.txt"), "init=/of/the/card");
    expect(gatherOverlayFacts(card.root).otherInit).toBe("/of/the/card");
  });

  test("waits for no pipe of the root", async () => {
    using card = mountedRoot();
    rmSync(join(card.root, "usr/bin/sh"));
    await runProgram(["mkfifo", join(card.root, "usr/bin/sh")]);
    expect(gatherOverlayFacts(card.root).machine).toBeUndefined();
    const pipe = join(card.root, "boot/cmdline.txt");
    await runProgram(["mkfifo", pipe]);
    const message = await Promise.resolve()
      .then(() => String(gatherOverlayFacts(card.root).words))
      .catch(messageOf);
    expect(message).toBe(`Cannot read "${pipe}": found a pipe, expected a file`);
  });
});
