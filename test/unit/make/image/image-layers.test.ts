import { expect, test } from "bun:test";
import type { StepRunner } from "../../../../lib/make/build/build-step.ts";
import { imageLayers, layerTree } from "../../../../lib/make/image/image-layers.ts";
import { systemParts } from "../../../../lib/make/image/system-tree.ts";

const file = (path: string) => ({ path, digest: path });
const make: StepRunner = async (_, { name }) => ({ path: `/${name}`, digest: name });

async function layersOf(version: string) {
  const parts = systemParts({
    version,
    executable: file("/k3os"),
    rootSquashfs: file("/squashfs"),
    kernel: { version: "6.12", squashfs: file("/kernel"), initrd: file("/initrd") },
    k3s: { version: "v1.36.3+k3s1", executable: file("/k3s") },
  });
  const bases = { "k3os.squashfs": file("/base"), initrd: file("/initrd-base") };
  const layers = await imageLayers({ parts, bases, arch: "amd64" }, make);
  return new Map(layers.map((layer) => [layer.name, layerTree(layer).map(({ path }) => path)]));
}

test("imageLayers() puts what changes with every release into the last layer", async () => {
  const [one, other] = [await layersOf("v1.0.0"), await layersOf("v1.0.1")];
  expect([...one]).toEqual([
    ["kernel", ["k3os/system/kernel/6.12/kernel.squashfs", "k3os/base/initrd", "k3os/system/kernel/current"]],
    ["userland", ["k3os/base/k3os.squashfs"]],
    ["k3s", ["k3os/system/k3s/v1.36.3+k3s1/k3s", "k3os/system/k3s/current"]],
    [
      "k3os",
      [
        ...["k3os", "k3os.squashfs.delta", "k3os.squashfs.delta-data"].map(
          (name) => `k3os/system/k3os/v1.0.0/${name}`,
        ),
        "k3os/system/k3os/current",
        ...["initrd.delta", "initrd.delta-data"].map((name) => `k3os/system/kernel/6.12/${name}`),
      ],
    ],
  ]);
  for (const name of ["kernel", "userland", "k3s"] as const)
    expect(other.get(name)).toEqual(one.get(name) ?? []);
});
