import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { StepRunner } from "../../../../lib/make/build/build-step.ts";
import { buildRootImage } from "../../../../lib/make/image/root-image.ts";
import { emptySlot, type slotsFor } from "../../../../lib/make/image/slots.ts";
import { testHost } from "../../../support/host.ts";

/** Builds an image of a version on a base that has the slots alone; and the input that the base was asked for with. */
async function build(version: string, page: string) {
  using host = testHost();
  const asked: unknown[] = [];
  const make: StepRunner = async (step, { name, input }) => {
    const path = join(host.root, name);
    mkdirSync(path);
    if (name.startsWith("root-image")) await step.make(input, path, { host, source: (file) => file });
    else {
      asked.push(input);
      const { slots } = input as { slots: ReturnType<typeof slotsFor> };
      writeFileSync(join(path, "k3os.squashfs"), Buffer.concat(slots.map(emptySlot)));
    }
    return { path, digest: name };
  };
  const files = { "share/man/man1/k3os.1": page };
  const parts = {
    root: { path: "/root", digest: "r" },
    services: ["sshd"],
    commandFiles: { files, links: {} },
  };
  const context = { make, version, sourceDateEpoch: 1 };
  const image = await buildRootImage({ arch: "amd64", boards: false }, parts, context);
  return { text: readFileSync(image.squashfs.path, "utf8"), base: JSON.stringify(asked) };
}

test("buildRootImage() writes what changes with a version into a base that does not change with it", async () => {
  const first = await build("v1.0.0", ".TH K3OS 1 v1.0.0\n");
  const second = await build("v1.0.1-rc.1+more", ".TH K3OS 1 v1.0.1-rc.1+more\nMore help.\n");
  expect(first.text).toContain('VERSION_ID="v1.0.0"\n');
  expect(second.text).toContain('VERSION_ID="v1.0.1-rc.1+more"\n');
  expect(second.text).toContain("More help.\n");
  expect(second.base).toBe(first.base);
  const large = await build("v1.0.0", "x".repeat(5000));
  expect(large.base).not.toBe(first.base);
});
